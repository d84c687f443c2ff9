import API
import APIMachinery

/// Which taints follow from a node's conditions, and which of them are the node controller's to put on and take off.
enum NodeTaints {
    static let notReady: String = "node.kubernetes.io/not-ready"
    static let unreachable: String = "node.kubernetes.io/unreachable"
    static let unschedulable: String = "node.kubernetes.io/unschedulable"
    static let outOfService: String = "node.kubernetes.io/out-of-service"
    static let noSchedule: String = "NoSchedule"
    static let noExecute: String = "NoExecute"

    /// Condition, the status that taints, and the taint's key.
    private static let byCondition: [(type: String, status: String, key: String)] = [
        ("Ready", "False", notReady),
        ("Ready", "Unknown", unreachable),
        ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
        ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
        ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
        ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
    ]

    private static let managed: Set<String> = Set(byCondition.map(\.key) + [unschedulable])

    /// The taints that keep new pods away; each a key with effect NoSchedule.
    static func keepingAway(_ node: Node) -> [String] {
        var keys: [String] = byCondition.filter { rule in
            node.status.conditions.contains { $0.type == rule.type && $0.status == rule.status }
        }.map(\.key)
        if node.spec.unschedulable { keys.append(unschedulable) }
        return keys
    }

    /// The node's taints with ours put right: those of others, and the order, stay as they are.
    ///
    /// - Parameter evicting: the key of the NoExecute taint the node shall have; nil for none.
    static func adjusted(_ node: Node, evicting: String?, now: Time) -> [Taint] {
        var missing: [String] = keepingAway(node)
        var isEvicting: Bool = false
        var taints: [Taint] = []
        for taint in node.spec.taints {
            switch taint.effect {
            case noSchedule where managed.contains(taint.key):
                guard let index = missing.firstIndex(of: taint.key) else { continue }
                missing.remove(at: index)
            case noExecute where taint.key == notReady || taint.key == unreachable:
                guard taint.key == evicting, !isEvicting else { continue }
                isEvicting = true
            default: break
            }
            taints.append(taint)
        }
        for key in missing { taints.append(make(key, noSchedule, now)) }
        if let evicting, !isEvicting { taints.append(make(evicting, noExecute, now)) }
        return taints
    }

    private static func make(_ key: String, _ effect: String, _ now: Time) -> Taint {
        Taint.with {
            $0.key = key
            $0.effect = effect
            $0.timeAdded = now
        }
    }
}

extension Node {
    func condition(_ type: String) -> NodeCondition? {
        status.conditions.first { $0.type == type }
    }

    /// Region and zone; nodes of one zone fail together. Two unlabelled nodes share a zone.
    var zone: String {
        let region: String = metadata.labels["topology.kubernetes.io/region"] ?? ""
        let zone: String = metadata.labels["topology.kubernetes.io/zone"] ?? ""
        return region + "/" + zone
    }

    func hasTaint(_ key: String, _ effect: String) -> Bool {
        spec.taints.contains { $0.key == key && $0.effect == effect }
    }
}
