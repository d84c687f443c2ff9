import API
import APIMachinery

/// The kubelet's conditions; those of others (scheduler, readiness gates, disruption) are carried along.
extension PodMachine {
    static let ownConditions: Set<String> = Resize.conditions.union([
        "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady",
    ])

    func conditions(_ status: PodStatus, now: Time) -> [PodCondition] {
        var found: [PodCondition] = [sandboxCondition, initialized(status), ready(status), containersReady(status)]
        var scheduled = PodCondition()
        scheduled.type = "PodScheduled"
        scheduled.status = "True"
        let others: [PodCondition] = pod.status.conditions.filter { !Self.ownConditions.contains($0.type) }
        if !others.contains(where: { $0.type == "PodScheduled" }) { found.append(scheduled) }
        found += others + resizeConditions
        let before: [PodCondition] = pod.status.conditions
        return found.map { condition in
            var condition: PodCondition = condition
            if Self.ownConditions.contains(condition.type) { condition.observedGeneration = pod.metadata.generation }
            let known: PodCondition? = before.first { $0.type == condition.type }
            let isSame: Bool = known?.status == condition.status && known?.lastTransitionTime != nil
            condition.lastTransitionTime = isSame ? known?.lastTransitionTime : now
            return condition
        }
    }

    private var sandboxCondition: PodCondition {
        var isReady: Bool = false
        if case .ready = sandbox { isReady = true }
        return Self.condition("PodReadyToStartContainers", isReady)
    }

    private static func condition(
        _ type: String, _ isTrue: Bool, reason: String = "", message: String = ""
    ) -> PodCondition {
        PodCondition.with { condition in
            condition.type = type
            condition.status = isTrue ? "True" : "False"
            condition.reason = isTrue && reason != "PodCompleted" ? "" : reason
            condition.message = isTrue ? "" : message
        }
    }

    private func initialized(_ status: PodStatus) -> PodCondition {
        let waiting: [String] = containers.filter { record in
            switch record.role {
            case .initial: record.mustRerun || record.exit?.code != 0
            case .sidecar: !record.isStarted && !isInitialized
            case .main, .ephemeral: false
            }
        }.map(\.name)
        if status.phase == "Succeeded" { return Self.condition("Initialized", true, reason: "PodCompleted") }
        if isInitialized || waiting.isEmpty { return Self.condition("Initialized", true) }
        return Self.condition(
            "Initialized", false, reason: "ContainersNotInitialized",
            message: "containers with incomplete status: [\(waiting.joined(separator: " "))]")
    }

    private func containersReady(_ status: PodStatus) -> PodCondition {
        unreadiness(status).map { Self.condition("ContainersReady", false, reason: $0.reason, message: $0.message) }
            ?? Self.condition("ContainersReady", true)
    }

    private func ready(_ status: PodStatus) -> PodCondition {
        if let why = unreadiness(status) {
            return Self.condition("Ready", false, reason: why.reason, message: why.message)
        }
        let gates: [String] = pod.spec.readinessGates.map(\.conditionType).filter { type in
            !pod.status.conditions.contains { $0.type == type && $0.status == "True" }
        }
        guard gates.isEmpty else {
            let messages: [String] = gates.map { gate in
                let known: PodCondition? = pod.status.conditions.first { $0.type == gate }
                return known == nil
                    ? "corresponding condition of pod readiness gate \"\(gate)\" does not exist."
                    : "the status of pod readiness gate \"\(gate)\" is not \"True\", but \(known?.status ?? "")"
            }
            return Self.condition(
                "Ready", false, reason: "ReadinessGatesNotReady", message: messages.joined(separator: ", "))
        }
        return Self.condition("Ready", true)
    }

    /// nil: all containers are ready.
    private func unreadiness(_ status: PodStatus) -> (reason: String, message: String)? {
        if status.phase == "Succeeded" { return ("PodCompleted", "") }
        if status.phase == "Failed" { return ("PodFailed", "") }
        let relevant: [ContainerRecord] = containers.filter { $0.role == .main || $0.role == .sidecar }
        let unready: [String] = relevant.filter { !($0.isRunning && $0.isReady) }.map(\.name)
        guard !unready.isEmpty else { return nil }
        return ("ContainersNotReady", "containers with unready status: [\(unready.joined(separator: " "))]")
    }
}
