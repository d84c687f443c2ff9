import API
package import APIMachinery
package import Client
package import Flow
import Synchronization

/// The scheduler at work: watches nodes and pods, lets `SchedulerCore` decide, and writes bindings.
///
/// One task owns the core. Handlers only put events into its inbox; bindings are written by child tasks, at most
/// `bindingsAtOnce` at a time, whose results come back through the inbox.
package final class SchedulerService: Controller {
    package struct Configuration: Sendable {
        /// The pods of which `spec.schedulerName` are ours.
        package var schedulerName: String = "default-scheduler"
        package var bindingsAtOnce: Int = 64
        package var clock: any MonotonicClock = SystemMonotonicClock()
        package var wallClock: any WallClock = SystemWallClock()
        package var log: Log = .silent
        package var recorder: FlowRecorder?
        package var events: EventRecorder?

        package init() {}
    }

    private struct Inbox {
        var events: [SchedulerCore.Event] = []
        /// The revision at which each pod was last seen: the cause of its decision. By UID.
        var seen: [String: Int64] = [:]
    }

    package let name: String = "scheduler"
    private let informers: InformerSet
    private let client: APIClient
    private let configuration: Configuration
    private let inbox = Mutex(Inbox())
    private let signal = Signal()
    package let metrics = SchedulerMetrics()

    package init(client: APIClient, informers: InformerSet, configuration: Configuration = Configuration()) {
        self.client = client
        self.informers = informers
        self.configuration = configuration
        informers.informer(Node.self).addHandler { [weak self] event in self?.note(event) }
        informers.informer(Pod.self).addHandler { [weak self] event in self?.note(event) }
        informers.informer(PersistentVolumeClaim.self).addHandler { [weak self] event in self?.note(event) }
        informers.informer(PersistentVolume.self).addHandler { [weak self] event in self?.note(event) }
        informers.informer(StorageClass.self).addHandler { [weak self] event in self?.note(event) }
    }

    /// Schedules until the task is cancelled. The informers are run by whoever owns their set.
    package func run() async {
        guard await informers.waitUntilSynced() else { return }
        var core = SchedulerCore(schedulerName: configuration.schedulerName)
        await withDiscardingTaskGroup { group in
            var binding: Int = 0
            while !Task.isCancelled {
                for event in takeEvents() {
                    if event.endsBinding { binding -= 1 }
                    core.receive(event, now: configuration.wallClock.nowMicro.microseconds)
                }
                metrics.set(core.counts)
                while binding < configuration.bindingsAtOnce,
                    let action = core.next(now: configuration.wallClock.nowMicro.microseconds)
                {
                    switch action {
                    case .bind(let pod, let node, let evaluated, let feasible, let queuedAt, let attempts):
                        binding += 1
                        let decision = Decision(
                            pod: pod, node: node, evaluated: evaluated, feasible: feasible, queuedAt: queuedAt,
                            attempts: attempts)
                        group.addTask { await self.bind(decision) }
                    case .unschedulable(let pod, let error):
                        binding += 1
                        group.addTask { await self.report(pod, error) }
                    }
                }
                await waitForWork(deadline: core.nextDeadline)
            }
        }
    }

    private struct Decision: Sendable {
        var pod: Pod
        var node: String
        var evaluated: Int
        var feasible: Int
        /// Microseconds since 1970.
        var queuedAt: Int64
        var attempts: Int
    }

    // MARK: - Events in

    private func note(_ event: InformerEvent<Node>) {
        put(event.kind == .deleted ? .nodeGone(name: event.object.metadata.name) : .nodeSeen(event.object))
    }

    private func note(_ event: InformerEvent<Pod>) {
        let uid: String = event.object.metadata.uid
        inbox.withLock { inbox in
            inbox.seen[uid] = event.kind == .deleted ? nil : event.revision
            inbox.events.append(event.kind == .deleted ? .podGone(event.object) : .podSeen(event.object))
        }
        signal.raise()
    }

    private func note(_ event: InformerEvent<PersistentVolumeClaim>) {
        put(.volumes(event.kind == .deleted ? .claimGone(event.object) : .claimSeen(event.object)))
    }

    private func note(_ event: InformerEvent<PersistentVolume>) {
        let volume: PersistentVolume = event.object
        put(.volumes(event.kind == .deleted ? .volumeGone(name: volume.metadata.name) : .volumeSeen(volume)))
    }

    private func note(_ event: InformerEvent<StorageClass>) {
        let storage: StorageClass = event.object
        put(.volumes(event.kind == .deleted ? .classGone(name: storage.metadata.name) : .classSeen(storage)))
    }

    private func put(_ event: SchedulerCore.Event) {
        inbox.withLock { $0.events.append(event) }
        signal.raise()
    }

    private func takeEvents() -> [SchedulerCore.Event] {
        inbox.withLock { inbox in
            let events: [SchedulerCore.Event] = inbox.events
            inbox.events = []
            return events
        }
    }

    private func cause(of pod: Pod) -> [Cause] {
        inbox.withLock { $0.seen[pod.metadata.uid] }.map { [.revision($0)] } ?? []
    }

    private func waitForWork(deadline: Int64?) async {
        guard let deadline else { return await signal.wait() }
        let rest: Int64 = max(0, deadline - configuration.wallClock.nowMicro.microseconds)
        await signal.wait(until: configuration.clock.now + .microseconds(rest), on: configuration.clock)
    }

    // MARK: - Decisions out

    private func bind(_ decision: Decision) async {
        let pod: Pod = decision.pod
        let uid: String = pod.metadata.uid
        let causes: [Cause] = cause(of: pod)
        record(
            pod, "chose node \(decision.node)", causes: causes, since: decision.queuedAt,
            details: [
                .init("nodes looked at", String(decision.evaluated)),
                .init("nodes that could take it", String(decision.feasible)),
            ])
        let error: StatusError? = await Causes.$current.withValue(causes) { await write(decision) }
        guard let error else {
            put(.bound(uid: uid))
            metrics.scheduled(
                seconds: Double(configuration.wallClock.nowMicro.microseconds - decision.queuedAt) / 1_000_000)
            let place: String = "\(pod.metadata.namespace)/\(pod.metadata.name)"
            event(pod, .normal, "Scheduled", "Successfully assigned \(place) to \(decision.node)")
            return
        }
        put(.bindingFailed(uid: uid))
        guard !error.isNotFound, !Task.isCancelled else { return }
        metrics.failed()
        configuration.log.error("failed to bind pod", [("pod", pod.metadata.name), ("error", error.message)])
        event(pod, .warning, "FailedScheduling", error.message)
    }

    /// nil: written.
    private func write(_ decision: Decision) async -> StatusError? {
        do throws(StatusError) {
            try await client.bind(decision.pod, to: decision.node)
            return nil
        } catch {
            return error
        }
    }

    private func report(_ pod: Pod, _ error: FitError) async {
        defer { put(.reported) }
        metrics.unschedulable()
        let causes: [Cause] = cause(of: pod)
        let verdicts: [Step.Detail] = error.verdicts.prefix(Self.verdictsKept).map { verdict in
            .init(verdict.node, verdict.reasons.map(\.reason).joined(separator: ", "))
        }
        record(pod, "found no node", causes: causes, since: nil, details: [.init("message", error.message)] + verdicts)
        event(pod, .warning, "FailedScheduling", error.message)
        await Causes.$current.withValue(causes) { await writeCondition(pod, error) }
    }

    /// So many nodes' verdicts are kept for the flow of a pod that waits.
    private static let verdictsKept: Int = 100

    /// The `PodScheduled` condition; left alone if it says the same already.
    private func writeCondition(_ pod: Pod, _ error: FitError) async {
        var changed: Pod = pod
        var condition = PodCondition()
        condition.type = "PodScheduled"
        condition.status = "False"
        condition.reason = "Unschedulable"
        condition.message = error.message
        condition.lastTransitionTime = configuration.wallClock.now
        if let index = changed.status.conditions.firstIndex(where: { $0.type == "PodScheduled" }) {
            let known: PodCondition = changed.status.conditions[index]
            if known.status == "False" && known.message == error.message { return }
            if known.status == "False" { condition.lastTransitionTime = known.lastTransitionTime }
            changed.status.conditions[index] = condition
        } else {
            changed.status.conditions.append(condition)
        }
        do throws(StatusError) {
            _ = try await client.updateStatus(changed)
        } catch {
            // A newer pod is on its way through the watch, and will be decided anew.
            guard !error.isConflict, !error.isNotFound, !Task.isCancelled else { return }
            configuration.log.warning(
                "failed to write pod condition", [("pod", pod.metadata.name), ("error", error.message)])
        }
    }

    private func event(_ pod: Pod, _ kind: EventNote.Kind, _ reason: String, _ message: String) {
        configuration.events?.record(EventNote(ObjectReference.to(pod), kind, reason: reason, message))
    }

    private func record(_ pod: Pod, _ what: String, causes: [Cause], since: Int64?, details: [Step.Detail]) {
        let path = ObjectPath("pods", namespace: pod.metadata.namespace, name: pod.metadata.name)
        configuration.recorder?.record(
            component: name, what: what, object: path, causes: causes, since: since, details: details)
    }
}

extension SchedulerCore.Event {
    /// Whether one of the child tasks has ended.
    fileprivate var endsBinding: Bool {
        switch self {
        case .bound, .bindingFailed, .reported: true
        case .nodeSeen, .nodeGone, .podSeen, .podGone, .volumes: false
        }
    }
}
