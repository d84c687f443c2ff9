import API
import APIMachinery

/// Bringing the records in line with what the runtime has.
extension PodMachine {
    mutating func observe(_ view: RuntimeView, now: Time) {
        let isFirst: Bool = !isObserved
        isObserved = true
        observeSandbox(view)
        for index in containers.indices {
            observeContainer(index, view, isFirst: isFirst, now: now)
            let isResting: Bool = containers[index].instance.map { !$0.isRunning } ?? false
            if isResting && containers[index].restedAt == nil { containers[index].restedAt = now }
        }
    }

    private mutating func observeSandbox(_ view: RuntimeView) {
        guard let newest = view.sandboxes.first else {
            if case .ready(let lost) = sandbox { sandbox = .stopped(attempt: lost.attempt) }
            return
        }
        sandboxAttempts = max(sandboxAttempts, newest.attempt)
        switch sandbox {
        case .none:
            if newest.isReady {
                sandbox = .ready(newest)
                addresses = newest.addresses
            } else {
                sandbox = .dead(id: newest.id, attempt: newest.attempt)
            }
        case .ready(let known) where known.id == newest.id && !newest.isReady:
            sandbox = .dead(id: newest.id, attempt: newest.attempt)
        default: break
        }
    }

    private mutating func observeContainer(_ index: Int, _ view: RuntimeView, isFirst: Bool, now: Time) {
        let name: String = containers[index].name
        let found: [ContainerInstance] = view.containers[name] ?? []
        guard let newest = found.first else {
            if isFirst && containers[index].instance == nil { recall(index, now: now) }
            // A launch may be under way, or have ended meanwhile, whose container the view does not have yet.
            let seen: Int = containers[index].instance?.order.number ?? 0
            if containers[index].isRunning && containers[index].operation != .launching && view.order.number > seen {
                lose(index, now: now)
            }
            return
        }
        guard let known = containers[index].instance else {
            adopt(index, newest, before: found.dropFirst().first, in: view)
            return
        }
        // A run that failed to start has used its number nevertheless.
        if newest.id != known.id, newest.attempt > known.attempt, containers[index].operation == .none {
            if let exit = known.state.exit {
                containers[index].lastExit = exit
                containers[index].lastExitID = known.id
            }
            containers[index].instance = newest
            return
        }
        // What has ended does not run again under the same name: such a view was overtaken.
        guard newest.id == known.id, newest.state != known.state, known.state.exit == nil else { return }
        if known.isRunning, case .exited = newest.state { exited(index) }
        containers[index].instance?.state = newest.state
    }

    /// After a restart of the kubelet: the container was started by an earlier life.
    private mutating func adopt(
        _ index: Int, _ newest: ContainerInstance, before: ContainerInstance?, in view: RuntimeView
    ) {
        guard containers[index].operation == .none else { return }
        let current: String = view.sandboxes.first?.id ?? ""
        if !newest.sandbox.isEmpty, newest.sandbox != current, containers[index].role == .initial {
            containers[index].mustRerun = true
        }
        let spec: Container? = Self.spec(of: containers[index].name, in: pod)
        containers[index].instance = newest
        containers[index].applied = containers[index].granted
        let reported: ContainerStatus? = reportedStatus(containers[index].name)
        containers[index].crashes = Backoff(
            noted: newest.backoffSeconds, restarts: newest.attempt, since: newest.startedAt)
        containers[index].isStarted = spec?.startupProbe == nil || (reported?.started ?? false)
        // Until the probe has spoken again, what was reported holds: a restart of the kubelet takes no endpoint away.
        containers[index].isReady =
            newest.isRunning && containers[index].isStarted
            && (spec?.readinessProbe == nil || (reported?.ready ?? false))
        if case .exited(let exit)? = before?.state {
            containers[index].lastExit = exit
            containers[index].lastExitID = before?.id ?? ""
        } else if let last = reported?.lastState.terminated, Self.runtimeID(last.containerID) != newest.id {
            // The run before was removed from the runtime; its end is on record nevertheless.
            containers[index].lastExit = ContainerExit(last)
            containers[index].lastExitID = Self.runtimeID(last.containerID)
        }
    }

    /// What the API server was told of a container last.
    func reportedStatus(_ name: String) -> ContainerStatus? {
        let status: PodStatus = pod.status
        let all: [ContainerStatus] =
            status.containerStatuses + status.initContainerStatuses + status.ephemeralContainerStatuses
        return all.first { $0.name == name }
    }

    /// `containerd://8f…` → `8f…`
    private static func runtimeID(_ reported: String) -> String {
        guard let scheme = reported.firstRange(of: "://") else { return reported }
        return String(reported[scheme.upperBound...])
    }

    /// The runtime has nothing of the container (any more), for an earlier life of the kubelet took it away or somebody
    /// else did. What was reported of it holds: what has ended has ended, and counts as a run.
    private mutating func recall(_ index: Int, now: Time) {
        guard containers[index].operation == .none, let reported = reportedStatus(containers[index].name),
            !reported.containerID.isEmpty || reported.state.terminated != nil
        else { return }
        let exit: ContainerExit
        if let end = reported.state.terminated {
            exit = ContainerExit(end)
        } else if reported.state.running != nil {
            let isDeleted: Bool = pod.metadata.deletionTimestamp != nil
            exit = ContainerExit(
                code: 137, reason: "ContainerStatusUnknown",
                message: isDeleted
                    ? "The container could not be located when the pod was deleted.  "
                        + "The container used to be Running"
                    : "The container could not be located when the pod was terminated",
                startedAt: reported.state.running?.startedAt, finishedAt: now)
        } else if let last = reported.lastState.terminated, last.containerID == reported.containerID {
            exit = ContainerExit(last)
        } else {
            return
        }
        containers[index].instance = ContainerInstance(
            id: Self.runtimeID(reported.containerID), attempt: reported.restartCount, state: .exited(exit),
            imageID: reported.imageID, image: reported.image)
        containers[index].crashes = Backoff(noted: nil, restarts: reported.restartCount, since: exit.startedAt)
        if let last = reported.lastState.terminated, last.containerID != reported.containerID {
            containers[index].lastExit = ContainerExit(last)
            containers[index].lastExitID = Self.runtimeID(last.containerID)
        }
    }

    private mutating func exited(_ index: Int) {
        let name: String = containers[index].name
        containers[index].operation = .none
        containers[index].isReady = false
        containers[index].isStarted = false
        if containers[index].areProbesOn { queued.append(.stopProbes(container: name)) }
        containers[index].areProbesOn = false
    }

    /// The runtime no longer knows a container that ran: upstream reports 137 and `ContainerStatusUnknown`.
    private mutating func lose(_ index: Int, now: Time) {
        exited(index)
        let exit = ContainerExit(
            code: 137, reason: "ContainerStatusUnknown",
            message: "The container could not be located when the pod was terminated", finishedAt: now)
        containers[index].instance?.state = .exited(exit)
    }
}

extension ContainerExit {
    fileprivate init(_ state: ContainerStateTerminated) {
        self.init(
            code: state.exitCode, reason: state.reason, message: state.message, startedAt: state.startedAt,
            finishedAt: state.finishedAt)
    }
}
