import API
import APIMachinery

/// Writing down what happened. Nothing here decides; `plan` does.
extension PodMachine {
    mutating func apply(_ event: PodEvent, now: Time) {
        switch event {
        case .seen(let pod): see(pod, now: now)
        case .removed: end(.deleted, reason: "", message: "", grace: 0, now: now)
        case .observed(let view): observe(view, now: now)
        case .prepared: preparation = .done
        case .prepareFailed(let reason, let message):
            preparation = .needed(after: now.adding(seconds: 2))
            queued.append(.event(type: .warning, reason: reason, message: message, container: nil))
        case .sandboxReady(let id, let addresses):
            self.addresses = addresses
            sandbox = .ready(.init(id: id, attempt: sandboxAttempts, isReady: true, addresses: addresses))
        case .sandboxFailed(let message):
            sandbox = .failed(retryAt: now.adding(seconds: 2))
            queued.append(
                .event(
                    type: .warning, reason: "FailedCreatePodSandBox",
                    message: "Failed to create pod sandbox: \(message)", container: nil))
        case .sandboxStopped:
            if case .stopping(_, let attempt) = sandbox { sandbox = .stopped(attempt: attempt) }
        case .evicted(let reason, let message):
            end(.evicted, reason: reason, message: message, grace: graceSeconds, now: now)
        case .cleaned: cleaning = .done
        case .cleanFailed(let message):
            cleaning = .failed(retryAt: now.adding(seconds: 2))
            queued.append(.event(type: .warning, reason: "FailedKillPod", message: message, container: nil))
        case .resizeGranted, .resizeRefused, .resized: applyResize(event, now: now)
        case .timer: break
        default: applyToContainer(event, now: now)
        }
    }

    private mutating func applyToContainer(_ event: PodEvent, now: Time) {
        switch event {
        case .imageReady(let name, let reference):
            update(name) { record in
                record.operation = .none
                record.imageReference = reference
                record.pulls.reset()
            }
        case .imageFailed(let name, let reason, let message):
            update(name) { record in
                record.operation = .none
                record.waitingReason = reason
                record.waitingMessage = message
                record.pulls.advance(now: now)
                record.pullFailedAt = now
            }
        case .started(let name, let instance): started(name, instance)
        case .launchFailed(let name, let reason, let message):
            update(name) { record in
                record.operation = .none
                record.waitingReason = reason
                record.waitingMessage = message
                record.launchRetryAt = now.adding(seconds: 10)
            }
        case .postStartDone(let name, let failure): postStartDone(name, failure)
        case .killed(let name):
            // The exit was observed before: the next run may be under way already.
            update(name) { if $0.operation == .killing { $0.operation = .none } }
        case .probed(let name, let kind, let outcome): probed(name, kind, outcome, now: now)
        default: break
        }
    }

    mutating func update(_ name: String, _ change: (inout ContainerRecord) -> Void) {
        guard let index = index(of: name) else { return }
        change(&containers[index])
    }

    private mutating func see(_ seen: Pod, now: Time) {
        let before: Pod = pod
        let status: PodStatus = pod.status
        pod = seen
        // Our own idea of the status is newer than what comes back from the server, but for others' conditions.
        if isObserved {
            pod.status = status
            pod.status.conditions =
                status.conditions.filter { Self.ownConditions.contains($0.type) }
                + seen.status.conditions.filter { !Self.ownConditions.contains($0.type) }
        }
        syncRecords()
        grantNew()
        resizeSeen(before: before)
        guard seen.metadata.deletionTimestamp != nil else { return }
        let grace: Int = seen.metadata.deletionGracePeriodSeconds ?? graceSeconds
        end(.deleted, reason: "", message: "", grace: grace, now: now)
    }

    /// A later, more urgent end overrides an earlier one; a deletion keeps an eviction's reason for the status.
    mutating func end(_ cause: Ending.Cause, reason: String, message: String, grace: Int, now: Time) {
        guard var known = ending else {
            ending = Ending(cause: cause, reason: reason, message: message, graceSeconds: grace, since: now)
            return
        }
        known.graceSeconds = min(known.graceSeconds, grace)
        if cause == .deleted { known.cause = .deleted }
        ending = known
    }

    /// `terminationGracePeriodSeconds` as the spec has it; the API server has filled in the default.
    package var graceSeconds: Int { pod.spec.terminationGracePeriodSeconds ?? 30 }

    private mutating func started(_ name: String, _ instance: ContainerInstance) {
        let spec: Container? = Self.spec(of: name, in: pod)
        update(name) { record in
            record.operation = spec?.lifecycle?.postStart == nil ? .none : .postStart
            if let before = record.exit {
                record.lastExit = before
                record.lastExitID = record.instance?.id ?? ""
            }
            record.instance = instance
            record.waitingReason = ""
            record.waitingMessage = ""
            record.launchRetryAt = nil
            record.restedAt = nil
            record.applied = record.granted
            record.mustRerun = false
            record.isStarted = spec?.startupProbe == nil
            record.isReady = spec?.startupProbe == nil && spec?.readinessProbe == nil
            record.areProbesOn = false
        }
        if spec?.lifecycle?.postStart != nil {
            queued.append(.runPostStart(pod, container: name, id: instance.id))
        }
    }

    private mutating func postStartDone(_ name: String, _ failure: String?) {
        guard let index = index(of: name), containers[index].operation == .postStart else { return }
        containers[index].operation = .none
        guard let failure, ending == nil, let id = containers[index].instance?.id else { return }
        queued.append(.event(type: .warning, reason: "FailedPostStartHook", message: failure, container: name))
        kill(index, id: id, grace: graceSeconds, message: "FailedPostStartHook")
    }

    private mutating func probed(_ name: String, _ kind: ProbeKind, _ outcome: ProbeOutcome, now: Time) {
        guard let index = index(of: name), containers[index].isRunning else { return }
        switch (kind, outcome) {
        case (.startup, .success):
            containers[index].isStarted = true
            if Self.spec(of: name, in: pod)?.readinessProbe == nil { containers[index].isReady = true }
        case (.readiness, .success): containers[index].isReady = containers[index].isStarted
        case (.readiness, .failure): containers[index].isReady = false
        case (.liveness, .success): break
        case (.startup, .failure), (.liveness, .failure): killUnhealthy(index, kind)
        }
    }

    private mutating func killUnhealthy(_ index: Int, _ kind: ProbeKind) {
        let record: ContainerRecord = containers[index]
        guard record.operation != .killing, let id = record.instance?.id else { return }
        let spec: Container? = Self.spec(of: record.name, in: pod)
        let probe: Probe? = kind == .startup ? spec?.startupProbe : spec?.livenessProbe
        let what: String = kind == .startup ? "startup" : "liveness"
        let message: String = "Container \(record.name) failed \(what) probe, will be restarted"
        kill(index, id: id, grace: probe?.terminationGracePeriodSeconds ?? graceSeconds, message: message)
    }

    mutating func kill(_ index: Int, id: String, grace: Int, message: String) {
        containers[index].operation = .killing
        containers[index].killGrace = grace
        queued.append(
            .event(type: .normal, reason: "Killing", message: message, container: containers[index].name))
        queued.append(
            .kill(pod, container: containers[index].name, id: id, graceSeconds: grace, message: message))
    }
}
