import API
import APIMachinery

/// From what is to what should be.
extension PodMachine {
    mutating func plan(now: Time) {
        guard isObserved else { return }
        checkDeadline(now: now)
        if ending != nil || terminalPhase != nil {
            planEnding(now: now)
            return
        }
        if startTime == nil { startTime = now }
        planProbes()
        // Also for pods that an earlier life of the kubelet started: their volumes are kept up to date from then on.
        guard planPreparation(now: now) else { return }
        let mayStart: Bool = planResize(now: now)
        guard planSandbox(now: now) else {
            if case .creating = sandbox { planFirstImages(now: now) }
            return
        }
        guard mayStart else { return }
        planInitialization(now: now)
        if isInitialized { planContainers(now: now) }
        if let phase = completedPhase {
            terminalPhase = phase
            planEnding(now: now)
        }
    }

    private mutating func checkDeadline(now: Time) {
        guard ending == nil, terminalPhase == nil, let seconds = pod.spec.activeDeadlineSeconds, let startTime else {
            return
        }
        let deadline: Time = startTime.adding(seconds: seconds)
        guard deadline <= now else {
            queued.append(.wake(at: deadline))
            return
        }
        let message: String = "Pod was active on the node longer than the specified deadline"
        end(.deadline, reason: "DeadlineExceeded", message: message, grace: graceSeconds, now: now)
        queued.append(.event(type: .normal, reason: "DeadlineExceeded", message: message, container: nil))
    }

    /// false while it is not done.
    private mutating func planPreparation(now: Time) -> Bool {
        switch preparation {
        case .done: return true
        case .running: return false
        case .needed(let after):
            if let after, after > now {
                queued.append(.wake(at: after))
                return false
            }
            preparation = .running
            queued.append(.prepare(grantedPod, ceiling: resize.ceiling))
            return false
        }
    }

    /// false while there is no sandbox to run containers in.
    private mutating func planSandbox(now: Time) -> Bool {
        switch sandbox {
        case .ready: return true
        case .creating, .stopping: return false
        case .none:
            // Nothing of it is in the runtime any more, but all that its status tells has done its work.
            guard needsAnotherSandbox else { return true }
            createSandbox(attempt: sandboxAttempts)
        case .failed(let retryAt):
            if retryAt > now {
                queued.append(.wake(at: retryAt))
            } else {
                createSandbox(attempt: sandboxAttempts + 1)
            }
        case .dead(let id, let attempt):
            if containers.contains(where: { $0.operation == .launching }) { return false }
            queued.append(
                .event(
                    type: .normal, reason: "SandboxChanged",
                    message: "Pod sandbox changed, it will be killed and re-created.", container: nil))
            sandbox = .stopping(id: id, attempt: attempt)
            queued.append(.stopSandbox(id: id))
        case .stopped(let attempt):
            guard needsAnotherSandbox else { return true }
            createSandbox(attempt: attempt + 1)
        }
        return false
    }

    /// Beside the sandbox's creation: the images of what will run in it first, if that has never run.
    private mutating func planFirstImages(now: Time) {
        let next: Int? = containers.firstIndex { record in
            switch record.role {
            case .initial: record.mustRerun || record.exit?.code != 0
            case .sidecar: true
            case .main, .ephemeral: false
            }
        }
        let indices: [Int] = next.map { [$0] } ?? containers.indices.filter { containers[$0].role == .main }
        for index in indices where containers[index].instance == nil && containers[index].operation == .none {
            if !waitsForImage(index, now: now) { _ = hasImage(index) }
        }
    }

    /// Asks for the image unless it is at hand.
    private mutating func hasImage(_ index: Int) -> Bool {
        guard containers[index].imageReference.isEmpty else { return true }
        containers[index].operation = .ensuringImage
        queued.append(.ensureImage(pod, container: containers[index].name))
        return false
    }

    private mutating func createSandbox(attempt: Int) {
        sandboxAttempts = attempt
        sandbox = .creating
        isInitialized = false
        for index in containers.indices where containers[index].role != .ephemeral {
            if containers[index].instance != nil && containers[index].role != .main {
                containers[index].mustRerun = true
            }
        }
        queued.append(.createSandbox(grantedPod, attempt: attempt))
    }

    /// A pod whose containers have all done their work needs no new sandbox when the old one dies.
    private var needsAnotherSandbox: Bool {
        containers.contains { $0.role == .main && ($0.exit == nil || restarts($0)) }
    }

    /// Whether a container that has exited runs again.
    func restarts(_ record: ContainerRecord) -> Bool {
        guard let exit = record.exit else { return false }
        if record.mustRerun && record.role != .ephemeral { return true }
        switch record.role {
        case .ephemeral: return false
        case .sidecar: return true
        case .initial: return exit.code != 0 && pod.spec.restartPolicy != "Never"
        case .main:
            switch pod.spec.restartPolicy {
            case "Never": return false
            case "OnFailure": return exit.code != 0
            default: return true
            }
        }
    }

    /// Init containers in order: each to its end, sidecars until they have started.
    private mutating func planInitialization(now: Time) {
        guard !isInitialized else { return }
        // After a restart of the kubelet: if a container of the pod has run in this sandbox, initialization is over.
        if containers.contains(where: { $0.role == .main && $0.isRunning }) {
            isInitialized = true
            return
        }
        for index in containers.indices {
            let record: ContainerRecord = containers[index]
            switch record.role {
            case .initial:
                if !record.mustRerun && record.exit?.code == 0 { continue }
                if !record.isRunning && (record.mustRerun || record.exit == nil || restarts(record)) {
                    start(index, now: now)
                }
                return
            case .sidecar:
                if record.isRunning && record.isStarted { continue }
                if !record.isRunning { start(index, now: now) }
                return
            case .main, .ephemeral: break
            }
        }
        isInitialized = true
    }

    private mutating func planContainers(now: Time) {
        for index in containers.indices {
            let record: ContainerRecord = containers[index]
            if record.role == .initial { continue }
            if record.isRunning {
                restartIfChanged(index)
            } else if record.exit == nil || restarts(record) {
                start(index, now: now)
            }
        }
    }

    /// Changing a container's image is the one change of a running pod that starts it anew.
    private mutating func restartIfChanged(_ index: Int) {
        let record: ContainerRecord = containers[index]
        guard record.operation == .none, let instance = record.instance,
            let spec = Self.spec(of: record.name, in: pod), !instance.image.isEmpty, spec.image != instance.image
        else { return }
        let message: String = "Container \(record.name) definition changed, will be restarted"
        // Whatever the restart policy.
        containers[index].mustRerun = true
        kill(index, id: instance.id, grace: graceSeconds, message: message)
    }

    private mutating func start(_ index: Int, now: Time) {
        let record: ContainerRecord = containers[index]
        guard record.operation == .none, case .ready(let sandbox) = sandbox else { return }
        if isKilledAsUnknown(index) { return }
        if waitsForCrashBackoff(index, now: now) || waitsForImage(index, now: now) { return }
        if let retry = record.launchRetryAt, retry > now {
            queued.append(.wake(at: retry))
            return
        }
        guard hasImage(index) else { return }
        if record.instance != nil { containers[index].crashes.advance(now: now) }
        containers[index].operation = .launching
        containers[index].imageReference = ""
        let attempt: Int = record.instance.map { $0.attempt + 1 } ?? 0
        queued.append(
            .launch(
                grantedPod, container: record.name, attempt: attempt, sandbox: sandbox.id,
                imageReference: record.imageReference,
                backoffSeconds: containers[index].crashes.currentSeconds))
    }

    /// What the runtime has lost sight of may still run: it is killed, once, before it is started again.
    private mutating func isKilledAsUnknown(_ index: Int) -> Bool {
        guard let instance = containers[index].instance, instance.state == .unknown,
            containers[index].killedUnknown != instance.id
        else { return false }
        containers[index].killedUnknown = instance.id
        kill(
            index, id: instance.id, grace: graceSeconds,
            message: "Container \(containers[index].name) is in unknown state, try killing it before restart")
        return true
    }

    private mutating func waitsForCrashBackoff(_ index: Int, now: Time) -> Bool {
        let record: ContainerRecord = containers[index]
        guard record.instance != nil, !record.mustRerun, let finished = record.exit?.finishedAt ?? record.restedAt,
            let until = record.crashes.waits(after: finished, now: now)
        else { return false }
        queued.append(.wake(at: until))
        if record.waitingReason != "CrashLoopBackOff" {
            let who: String =
                "\(record.name) in pod \(pod.metadata.name)_\(pod.metadata.namespace)(\(pod.metadata.uid))"
            queued.append(
                .event(
                    type: .warning, reason: "BackOff", message: "Back-off restarting failed container \(who)",
                    container: record.name))
        }
        let place: String = "pod=\(pod.metadata.name)_\(pod.metadata.namespace)(\(pod.metadata.uid))"
        let wait: String = Self.goDuration(record.crashes.currentSeconds)
        containers[index].waitingReason = "CrashLoopBackOff"
        containers[index].waitingMessage = "back-off \(wait) restarting failed container=\(record.name) \(place)"
        return true
    }

    private mutating func waitsForImage(_ index: Int, now: Time) -> Bool {
        let record: ContainerRecord = containers[index]
        guard record.imageReference.isEmpty, let failed = record.pullFailedAt,
            let until = record.pulls.waits(after: failed, now: now)
        else { return false }
        queued.append(.wake(at: until))
        // The first report after a failure tells the failure itself; the next one that we wait.
        if record.waitingReason == "ErrImagePull", now > failed {
            let image: String = Self.spec(of: record.name, in: pod)?.image ?? ""
            let message: String = "Back-off pulling image \"\(image)\""
            queued.append(
                .event(type: .normal, reason: "BackOff", message: message, container: record.name))
            queued.append(
                .event(
                    type: .warning, reason: "Failed", message: "Error: ImagePullBackOff", container: record.name))
            containers[index].waitingReason = "ImagePullBackOff"
            containers[index].waitingMessage = "\(message): ErrImagePull: \(record.waitingMessage)"
        } else if record.waitingReason == "ErrImagePull" {
            queued.append(.wake(at: failed.adding(seconds: 1)))
        }
        return true
    }

    /// `10s`, `1m20s`, `5m0s`: as Go prints durations.
    static func goDuration(_ seconds: Int) -> String {
        seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60)s"
    }

    private mutating func planProbes() {
        for index in containers.indices where containers[index].isRunning && !containers[index].areProbesOn {
            let record: ContainerRecord = containers[index]
            guard record.operation == .none, record.role == .main || record.role == .sidecar,
                let id = record.instance?.id, let spec = Self.spec(of: record.name, in: pod),
                spec.livenessProbe != nil || spec.readinessProbe != nil || spec.startupProbe != nil
            else { continue }
            containers[index].areProbesOn = true
            // With the address of now: the status may not have been reported yet.
            var asked: Pod = pod
            asked.status.podIP = addresses.first ?? ""
            queued.append(.startProbes(asked, container: record.name, id: id))
        }
    }
}
