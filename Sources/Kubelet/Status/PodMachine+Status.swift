package import API
package import APIMachinery
import APIRules

/// The pod's status as the API shows it, worked out from the records: phase, conditions, container statuses.
extension PodMachine {
    mutating func reportIfChanged(now: Time) {
        guard isObserved, !isFinished else { return }
        let status: PodStatus = currentStatus(now: now)
        guard status != reported else { return }
        reported = status
        pod.status = status
        queued.append(.report(status))
    }

    package func currentStatus(now: Time) -> PodStatus {
        var status = PodStatus()
        status.observedGeneration = pod.metadata.generation
        status.phase = phase
        status.startTime = startTime
        status.hostIP = node.addresses.first ?? ""
        status.hostIPs = node.addresses.map { address in HostIP.with { $0.ip = address } }
        let podAddresses: [String] = pod.spec.hostNetwork ? node.addresses : addresses
        // A pod that has ended or ends keeps the addresses that it had.
        if hasSandbox || pod.spec.hostNetwork || ending != nil || terminalPhase != nil {
            status.podIP = podAddresses.first ?? ""
            status.podIPs = podAddresses.map { address in PodIP.with { $0.ip = address } }
        }
        status.qosClass = QualityOfService(of: pod).rawValue
        status.nominatedNodeName = pod.status.nominatedNodeName
        status.initContainerStatuses = containers.filter { $0.role == .initial || $0.role == .sidecar }
            .map(containerStatus)
        status.containerStatuses = containers.filter { $0.role == .main }.map(containerStatus)
        status.ephemeralContainerStatuses = containers.filter { $0.role == .ephemeral }.map(containerStatus)
        // Together with the phase that they explain: while containers run on, the pod has not failed yet.
        if let ending, !ending.reason.isEmpty, status.phase == terminalPhase {
            status.reason = ending.reason
            status.message = ending.message
        }
        status.conditions = conditions(status, now: now)
        return status
    }

    private var hasSandbox: Bool {
        switch sandbox {
        case .ready, .dead, .stopping, .stopped: true
        case .none, .creating, .failed: false
        }
    }

    private var phase: String {
        if let terminalPhase, isQuiet { return terminalPhase }
        let isAnyStarted: Bool = containers.contains { $0.role == .main && $0.instance != nil }
        return isAnyStarted ? "Running" : "Pending"
    }

    /// A terminal phase is shown only when nothing runs any more.
    private var isQuiet: Bool { !containers.contains { $0.isRunning || $0.operation == .launching } }

    private func containerStatus(_ record: ContainerRecord) -> ContainerStatus {
        var status = ContainerStatus()
        let spec: Container? = Self.spec(of: record.name, in: pod)
        status.name = record.name
        status.image = record.instance?.image ?? spec?.image ?? ""
        status.imageID = record.instance?.imageID ?? ""
        status.containerID = record.instance.map { "containerd://\($0.id)" } ?? ""
        status.restartCount = record.restartCount
        status.ready = record.role == .initial ? record.exit?.code == 0 : record.isRunning && record.isReady
        status.started = record.isRunning && record.isStarted
        status.state = state(record)
        if let last = lastExit(record) { status.lastState.terminated = last }
        if let granted = record.granted {
            status.allocatedResources = granted.requests
            let resources: ResourceRequirements = (record.isRunning ? record.applied : nil) ?? granted
            if resources != ResourceRequirements() { status.resources = resources }
        }
        return status
    }

    private func state(_ record: ContainerRecord) -> ContainerState {
        var state = ContainerState()
        if case .running(let since)? = record.instance?.state {
            state.running = ContainerStateRunning.with { $0.startedAt = since }
        } else if let exit = record.exit, !showsWaiting(record) {
            state.terminated = Self.terminated(exit, id: record.instance?.id ?? "")
        } else {
            let idle: String = isWaitingForInit(record) ? "PodInitializing" : "ContainerCreating"
            state.waiting = ContainerStateWaiting.with { waiting in
                waiting.reason = record.waitingReason.isEmpty ? idle : record.waitingReason
                waiting.message = record.waitingMessage
            }
        }
        return state
    }

    private func showsWaiting(_ record: ContainerRecord) -> Bool {
        !record.waitingReason.isEmpty && restarts(record) && ending == nil && terminalPhase == nil
    }

    private func isWaitingForInit(_ record: ContainerRecord) -> Bool {
        !isInitialized && containers.contains { $0.role == .initial || $0.role == .sidecar }
            && record.operation == .none
    }

    private func lastExit(_ record: ContainerRecord) -> ContainerStateTerminated? {
        if let exit = record.exit, showsWaiting(record) {
            return Self.terminated(exit, id: record.instance?.id ?? "")
        }
        return record.lastExit.map { Self.terminated($0, id: record.lastExitID) }
    }

    private static func terminated(_ exit: ContainerExit, id: String) -> ContainerStateTerminated {
        ContainerStateTerminated.with { state in
            state.exitCode = exit.code
            state.reason = exit.reason
            state.message = exit.message
            state.startedAt = exit.startedAt
            state.finishedAt = exit.finishedAt
            state.containerID = id.isEmpty ? "" : "containerd://\(id)"
        }
    }
}
