import APICore
import APIMachinery
import Codec

/// Pods in rows.
enum PodTable {
    static let definition = TableDefinition<Pod>([
        .name, TableColumn("Ready"), TableColumn("Status"), TableColumn("Restarts"), .age,
        TableColumn("IP", priority: 1), TableColumn("Node", priority: 1), TableColumn("Nominated Node", priority: 1),
        TableColumn("Readiness Gates", priority: 1),
    ]) { pod, now in
        let summary = PodSummary(pod)
        let address: String = pod.status.podIPs.first?.ip ?? ""
        return [
            .string(pod.metadata.name),
            .string("\(summary.readyCount)/\(summary.totalCount)"),
            .string(summary.reason),
            .string(summary.restarts(now: now)),
            CellText.age(pod.metadata, now),
            CellText.orNone(address),
            CellText.orNone(pod.spec.nodeName),
            CellText.orNone(pod.status.nominatedNodeName),
            .string(readinessGates(pod)),
        ]
    }

    private static func readinessGates(_ pod: Pod) -> String {
        let gates: [PodReadinessGate] = pod.spec.readinessGates
        if gates.isEmpty { return CellText.none }
        let met: Int = gates.count { gate in
            pod.status.conditions.contains { $0.type == gate.conditionType && $0.status == "True" }
        }
        return "\(met)/\(gates.count)"
    }
}

/// What one line can say about a pod: how its containers do, and the reason that matters most.
struct PodSummary {
    private(set) var reason: String
    private(set) var readyCount: Int = 0
    private(set) var totalCount: Int
    private var restartCount: Int = 0
    private var lastRestart: Time?
    /// Those of sidecars alone, which count on once the pod is initialized.
    private var sidecarRestartCount: Int = 0
    private var lastSidecarRestart: Time?

    init(_ pod: Pod) {
        totalCount = pod.spec.containers.count
        reason = pod.status.reason.isEmpty ? pod.status.phase : pod.status.reason
        if pod.status.conditions.contains(where: { $0.type == "PodScheduled" && $0.reason == "SchedulingGated" }) {
            reason = "SchedulingGated"
        }
        let isInitializing: Bool = addInitContainers(pod)
        let isInitialized: Bool = pod.status.conditions.contains { $0.type == "Initialized" && $0.status == "True" }
        if !isInitializing || isInitialized { addContainers(pod) }
        if pod.metadata.deletionTimestamp != nil {
            if pod.status.reason == "NodeLost" {
                reason = "Unknown"
            } else if pod.status.phase != "Succeeded" && pod.status.phase != "Failed" {
                reason = "Terminating"
            }
        }
    }

    /// `2 (5m ago)`
    func restarts(now: Time) -> String {
        guard restartCount != 0, let lastRestart else { return String(restartCount) }
        return "\(restartCount) (\(TableCells.duration(now.secondsSince(lastRestart))) ago)"
    }

    /// Whether the init containers are not through.
    private mutating func addInitContainers(_ pod: Pod) -> Bool {
        var sidecars: Set<String> = []
        for container in pod.spec.initContainers where container.restartPolicy == "Always" {
            sidecars.insert(container.name)
            totalCount += 1
        }
        for (index, status) in pod.status.initContainerStatuses.enumerated() {
            let isSidecar: Bool = sidecars.contains(status.name)
            let finished: Time? = status.lastState.terminated?.finishedAt
            restartCount += status.restartCount
            lastRestart = Self.later(lastRestart, finished)
            if isSidecar {
                sidecarRestartCount += status.restartCount
                lastSidecarRestart = Self.later(lastSidecarRestart, finished)
            }
            if status.state.terminated?.exitCode == 0 { continue }
            if isSidecar, status.started == true {
                if status.ready { readyCount += 1 }
                continue
            }
            if let end = status.state.terminated {
                reason = "Init:" + Self.text(end)
            } else if let waiting = status.state.waiting?.reason, !waiting.isEmpty, waiting != "PodInitializing" {
                reason = "Init:" + waiting
            } else {
                reason = "Init:\(index)/\(pod.spec.initContainers.count)"
            }
            return true
        }
        return false
    }

    private mutating func addContainers(_ pod: Pod) {
        restartCount = sidecarRestartCount
        lastRestart = lastSidecarRestart
        var hasRunning: Bool = false
        for status in pod.status.containerStatuses.reversed() {
            restartCount += status.restartCount
            lastRestart = Self.later(lastRestart, status.lastState.terminated?.finishedAt)
            if let waiting = status.state.waiting?.reason, !waiting.isEmpty {
                reason = waiting
            } else if let end = status.state.terminated {
                reason = Self.text(end)
            } else if status.ready, status.state.running != nil {
                hasRunning = true
                readyCount += 1
            }
        }
        if reason == "Completed", hasRunning {
            let isReady: Bool = pod.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
            reason = isReady ? "Running" : "NotReady"
        }
    }

    private static func text(_ end: ContainerStateTerminated) -> String {
        if !end.reason.isEmpty { return end.reason }
        return end.signal != 0 ? "Signal:\(end.signal)" : "ExitCode:\(end.exitCode)"
    }

    private static func later(_ one: Time?, _ other: Time?) -> Time? {
        guard let one else { return other }
        guard let other else { return one }
        return max(one, other)
    }
}
