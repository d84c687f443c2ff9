import API
import APIMachinery

/// What the conditions of a node say when its kubelet is silent.
enum NodeHealth {
    /// How often the kubelet is expected to show itself, and how long its silence is suffered: upstream's numbers.
    static let gracePeriodSeconds: Int = 50
    /// For nodes that have never reported.
    static let startupGraceSeconds: Int = 60

    static let neverUpdated: String = "NodeStatusNeverUpdated"
    static let unknown: String = "NodeStatusUnknown"

    private static let watched: [String] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]

    static func gracePeriod(_ node: Node) -> Int {
        guard let ready = node.condition("Ready"), ready.reason != neverUpdated else { return startupGraceSeconds }
        return gracePeriodSeconds
    }

    /// The conditions of a node that has been silent for too long.
    static func silent(_ node: Node, now: Time) -> [NodeCondition] {
        var conditions: [NodeCondition] = node.status.conditions
        for type in watched {
            guard let index = conditions.firstIndex(where: { $0.type == type }) else {
                conditions.append(
                    NodeCondition.with {
                        $0.type = type
                        $0.status = "Unknown"
                        $0.reason = neverUpdated
                        $0.message = "Kubelet never posted node status."
                        $0.lastHeartbeatTime = node.metadata.creationTimestamp
                        $0.lastTransitionTime = now
                    })
                continue
            }
            guard conditions[index].status != "Unknown" else { continue }
            conditions[index].status = "Unknown"
            conditions[index].reason = unknown
            conditions[index].message = "Kubelet stopped posting node status."
            conditions[index].lastTransitionTime = now
        }
        return conditions
    }
}

/// How much of a zone is down; it decides how fast the controller drives pods out of it. One that thinks that
/// everything is down had better think that it is itself cut off.
enum ZoneState: Equatable {
    case normal
    /// More than 55 % and at least three nodes are down.
    case partialDisruption(isLarge: Bool)
    case fullDisruption

    static func of(_ nodes: [Node]) -> ZoneState {
        let ready: Int = nodes.count { $0.condition("Ready")?.status == "True" }
        let down: Int = nodes.count - ready
        if ready == 0 && down > 0 { return .fullDisruption }
        if down > 2 && Double(down) / Double(nodes.count) >= 0.55 {
            return .partialDisruption(isLarge: nodes.count > 50)
        }
        return .normal
    }

    /// Seconds between two nodes whose pods are driven out; nil: none are. Upstream's rates, 0.1 and 0.01 per second.
    var secondsBetweenEvictions: Int? {
        switch self {
        case .normal, .fullDisruption: 10
        case .partialDisruption(let isLarge): isLarge ? 100 : nil
        }
    }
}
