package import API
package import APIMachinery
package import Flow
import Synchronization

/// Owns the machines of all pods on the node: hands them events, and has their actions carried out.
///
/// A machine steps under the lock, its actions run outside; two events of one pod never meet in its machine, while
/// actions of different pods (and of different containers of one pod) run side by side. The number of actions in
/// flight is bounded by the machines: at most one per container and one for the pod.
package final class PodWorkers: Sendable {
    private struct Worker {
        var machine: PodMachine
        /// The time of the earliest `timer` event that is already on its way.
        var wake: Time?
        /// What made the kubelet look at the pod last; carried by what it does.
        var causes: [Cause] = []
        /// What steps gave and nobody has handed on yet, in order: two threads must not hand on one pod's reports in
        /// the wrong order.
        var outbox: [Output] = []
        /// Somebody is handing on.
        var isHandingOn: Bool = false
        /// The API server has it no more.
        var isGone: Bool = false
    }

    private struct State {
        /// By the pods' UIDs.
        var workers: [String: Worker] = [:]
        /// Pods of which nothing is left here, while the API server keeps them: a finalizer holds them. They never run
        /// again, and what was told of them last holds.
        var ended: Set<String> = []
    }

    private struct Output {
        var pod: Pod
        var actions: [PodAction]
        var causes: [Cause]
    }

    /// One thing to do, outside the lock.
    private enum Work: Sendable {
        case perform(PodAction, PodIdentity, [Cause])
        case wake(at: Time, PodIdentity)
    }

    private let state = Mutex(State())
    private let effects: any PodEffects
    private let reports: any PodReports
    private let clock: any WallClock
    private let work: AsyncStream<Work>
    private let feed: AsyncStream<Work>.Continuation

    package init(effects: any PodEffects, reports: any PodReports, clock: any WallClock) {
        self.effects = effects
        self.reports = reports
        self.clock = clock
        // Bounded by the machines (see above), not by the stream: dropping an action would wedge a pod.
        (work, feed) = AsyncStream.makeStream(of: Work.self, bufferingPolicy: .unbounded)
    }

    /// Carries out actions until cancelled. Actions in flight are awaited.
    package func run() async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for await item in work {
                    group.addTask { await self.carryOut(item) }
                }
                group.cancelAll()
            }
        } onCancel: {
            feed.finish()
        }
    }

    /// A pod of this node, as the API server has it. The first call makes its machine.
    ///
    /// - Parameter causes: nil: nothing but what the kubelet itself has written; what it does goes on for its old reasons.
    package func see(_ pod: Pod, node: PodMachine.NodeFacts, causes: [Cause]?) {
        let uid: String = pod.metadata.uid
        let hasEnded: Bool = state.withLock { state in
            if state.ended.contains(uid) { return true }
            if state.workers[uid] == nil { state.workers[uid] = Worker(machine: PodMachine(pod, node: node)) }
            return false
        }
        if hasEnded { return }
        deliver(.seen(pod), to: PodIdentity(pod), causes: causes)
    }

    /// Hands an event to a pod's machine. Does nothing for pods that are not (or no longer) here.
    package func deliver(_ event: PodEvent, to pod: PodIdentity, causes: [Cause]? = nil) {
        let now: Time = clock.now
        let isMine: Bool = state.withLock { state in
            guard var worker = state.workers.removeValue(forKey: pod.uid) else {
                if case .removed = event { state.ended.remove(pod.uid) }
                return false
            }
            if let causes { worker.causes = causes }
            switch event {
            case .timer: worker.wake = nil
            case .removed: worker.isGone = true
            default: break
            }
            let actions: [PodAction] = worker.machine.receive(event, now: now)
            if !actions.isEmpty {
                worker.outbox.append(Output(pod: worker.machine.pod, actions: actions, causes: worker.causes))
            }
            defer { state.workers[pod.uid] = worker }
            guard !worker.isHandingOn else { return false }
            worker.isHandingOn = true
            return true
        }
        guard isMine else { return }
        while let output = nextOutput(of: pod.uid) {
            for action in output.actions {
                dispatch(action, of: output.pod, identity: pod, causes: output.causes)
            }
        }
    }

    /// nil: all is handed on; a machine that has finished is forgotten.
    private func nextOutput(of uid: String) -> Output? {
        state.withLock { state in
            guard var worker = state.workers.removeValue(forKey: uid) else { return nil }
            let output: Output? = worker.outbox.isEmpty ? nil : worker.outbox.removeFirst()
            if output == nil { worker.isHandingOn = false }
            if output != nil || !worker.machine.isFinished {
                state.workers[uid] = worker
            } else if !worker.isGone {
                state.ended.insert(uid)
            }
            return output
        }
    }

    /// What the machine of a pod believes at this moment; nil if it is not here.
    package func machine(of uid: String) -> PodMachine? {
        state.withLock { $0.workers[uid]?.machine }
    }

    /// Whether nothing is left here of a pod that the API server still has.
    package func hasEnded(_ uid: String) -> Bool { state.withLock { $0.ended.contains(uid) } }

    /// All pods of the node, each with its status as its machine has it now.
    package var pods: [Pod] { state.withLock { $0.workers.values.map(\.machine.pod) } }

    /// The pods that use some of the node, each with what it was granted.
    package var granted: [Pod] {
        state.withLock { $0.workers.values.filter { $0.machine.terminalPhase == nil }.map(\.machine.grantedPod) }
    }

    /// The UIDs of all pods that have a machine.
    package var known: Set<String> { state.withLock { Set($0.workers.keys) } }

    private func dispatch(_ action: PodAction, of pod: Pod, identity: PodIdentity, causes: [Cause]) {
        Causes.$current.withValue(causes) { handOver(action, of: pod, identity: identity, causes: causes) }
    }

    private func handOver(_ action: PodAction, of pod: Pod, identity: PodIdentity, causes: [Cause]) {
        switch action {
        case .report(let status): reports.report(status, of: pod)
        case .event(let type, let reason, let message, let container):
            reports.event(type, reason: reason, message: message, container: container, about: pod)
        case .startProbes(let pod, let container, let id): reports.startProbes(pod, container: container, id: id)
        case .stopProbes(let container): reports.stopProbes(identity, container: container)
        case .finished(let pod): reports.finished(pod)
        case .wake(let time): wake(at: time, identity)
        default: feed.yield(.perform(action, identity, causes))
        }
    }

    private func wake(at time: Time, _ pod: PodIdentity) {
        let isEarlier: Bool = state.withLock { state in
            guard let worker = state.workers[pod.uid] else { return false }
            if let known = worker.wake, known <= time { return false }
            state.workers[pod.uid]?.wake = time
            return true
        }
        if isEarlier { feed.yield(.wake(at: time, pod)) }
    }

    private func carryOut(_ item: Work) async {
        switch item {
        case .perform(let action, let pod, let causes):
            let events: [PodEvent] = await Causes.$current.withValue(causes) {
                await effects.perform(action, for: pod)
            }
            for event in events { deliver(event, to: pod) }
        case .wake(let time, let pod):
            let wait: Int = max(0, time.secondsSince(clock.now))
            // Cancellation ends the wait; the event then finds a machine that nobody carries out for, and does no harm.
            try? await ContinuousClock().sleep(for: .seconds(wait))
            deliver(.timer, to: pod)
        }
    }
}
