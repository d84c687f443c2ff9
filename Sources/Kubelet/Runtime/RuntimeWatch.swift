import API
import CRI
package import Client
import Synchronization

/// Tells pods' machines what happens in the runtime: exits at once, everything else by a slow relist.
///
///     begin(pod) ─► first view          process exit ─► ask CRI until the exit code is there ─► observed
///     every 10 s: all pods ─► those whose view differs from the last one ─► observed
package final class RuntimeWatch: Sendable {
    package typealias Deliver = @Sendable (PodEvent, PodIdentity) -> Void

    private enum Work: Sendable {
        case first(PodIdentity)
        case exited(container: String, PodIdentity)
        case sandboxEnded(String, PodIdentity)
    }

    private struct State {
        /// What the first list found; nil before it.
        var views: [PodIdentity: RuntimeView]?
        /// What machines were told last, from whatever source.
        var told: [PodIdentity: RuntimeView] = [:]
        /// Pods that began before the first list.
        var waiting: [PodIdentity] = []
        /// Containers whose process is watched.
        var watched: Set<String> = []
        var isClosed: Bool = false
    }

    private static let relist: Duration = .seconds(10)

    private let state = Mutex(State())
    private let observer: RuntimeObserver
    private let exits: (any ProcessExits)?
    private let clock: any MonotonicClock
    private let log: Log
    private let deliver: Mutex<Deliver?> = Mutex(nil)
    private let work: AsyncStream<Work>
    private let feed: AsyncStream<Work>.Continuation

    /// - Parameter exits: nil: exits are seen by the relist only, or by the runtime's events.
    package init(observer: RuntimeObserver, exits: (any ProcessExits)?, clock: any MonotonicClock, log: Log) {
        self.observer = observer
        self.exits = exits
        self.clock = clock
        self.log = log
        // Bounded by the number of containers: each is in here at most once.
        (work, feed) = AsyncStream.makeStream(of: Work.self, bufferingPolicy: .unbounded)
    }

    /// A pod's machine was made: it is told what the runtime has of its pod, at once if that is nothing.
    package func begin(_ pod: PodIdentity) {
        let isUnknown: Bool? = state.withLock { state in
            guard let views = state.views else {
                state.waiting.append(pod)
                return nil
            }
            return views[pod] == nil
        }
        switch isUnknown {
        case true?: send(.observed(RuntimeView()), to: pod)
        case false?: feed.yield(.first(pod))
        case nil: break
        }
    }

    /// A container runs: its exit will be noticed.
    package func watch(_ container: String, processID: Int32?, of pod: PodIdentity) {
        guard let exits, let processID else { return }
        let isNew: Bool = state.withLock { $0.watched.insert(container).inserted }
        guard isNew else { return }
        exits.watch(processID: processID, containerID: container) { [feed] in
            feed.yield(.exited(container: container, pod))
        }
    }

    /// A sandbox is up: if its process ends, the pod has no network any more.
    package func watch(sandbox: String, of pod: PodIdentity) {
        guard let exits, let processID = observer.process(of: sandbox) else { return }
        let isNew: Bool = state.withLock { $0.watched.insert(sandbox).inserted }
        guard isNew else { return }
        exits.watch(processID: processID, containerID: sandbox) { [feed] in feed.yield(.sandboxEnded(sandbox, pod)) }
    }

    /// The runtime's own event says that something changed.
    package func changed(container: String, of pod: PodIdentity) {
        feed.yield(.exited(container: container, pod))
    }

    /// Runs until cancelled. - Parameter deliver: `PodWorkers.deliver`.
    package func run(deliver: @escaping Deliver) async {
        self.deliver.withLock { $0 = deliver }
        await firstList()
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.relistForEver() }
                group.addTask { await self.followEvents() }
                for await item in work {
                    group.addTask { await self.carryOut(item) }
                }
                group.cancelAll()
            }
        } onCancel: {
            feed.finish()
        }
    }

    private func send(_ event: PodEvent, to pod: PodIdentity) {
        if case .observed(let view) = event {
            state.withLock { $0.told[pod] = view.sandboxes.isEmpty && view.containers.isEmpty ? nil : view }
        }
        let deliver: Deliver? = self.deliver.withLock { $0 }
        deliver?(event, pod)
    }

    /// Nothing may be decided before the runtime was asked.
    private func firstList() async {
        var wait: Duration = .milliseconds(100)
        while !Task.isCancelled {
            do throws(CRIError) {
                let views: [PodIdentity: RuntimeView] = try await observer.observeAll().views
                let waiting: [PodIdentity] = state.withLock { state in
                    state.views = views
                    defer { state.waiting = [] }
                    return state.waiting
                }
                for (pod, view) in views { await watchAll(view, of: pod) }
                for pod in waiting { send(.observed(views[pod] ?? RuntimeView()), to: pod) }
                return
            } catch {
                log.warning("failed to list pods in the runtime", [("error", "\(error)")])
            }
            await clock.sleep(for: wait)
            wait = min(wait * 2, .seconds(5))
        }
    }

    private func relistForEver() async {
        while !Task.isCancelled {
            await clock.sleep(for: Self.relist)
            guard !Task.isCancelled else { return }
            do throws(CRIError) {
                let (views, order) = try await observer.observeAll()
                let before: [PodIdentity: RuntimeView] = state.withLock { state in
                    state.views = views
                    return state.told
                }
                for (pod, view) in views where before[pod] != view && Self.isNewer(order, than: before[pod]) {
                    await watchAll(view, of: pod)
                    send(.observed(view), to: pod)
                }
                // A pod that vanished from the runtime behind our back.
                for (pod, known) in before where views[pod] == nil && Self.isNewer(order, than: known) {
                    send(.observed(RuntimeView()), to: pod)
                }
            } catch {
                log.warning("failed to list pods in the runtime", [("error", "\(error)")])
            }
        }
    }

    /// Where the runtime tells of exits by itself, that is heard too; it may be sooner, and needs no process.
    private func followEvents() async {
        var wait: Duration = .seconds(1)
        while !Task.isCancelled {
            do throws(CRIError) {
                try await observer.stops { [weak self] container, pod in self?.changed(container: container, of: pod) }
                wait = .seconds(1)
            } catch {
                if error.code == .unimplemented { return }
                log.debug("runtime events ended", [("error", "\(error)")])
            }
            await clock.sleep(for: wait)
            wait = min(wait * 2, .seconds(30))
        }
    }

    /// A machine may have been told something newer while the list was made.
    private static func isNewer(_ order: ObservationOrder, than view: RuntimeView?) -> Bool {
        guard let view else { return true }
        return order.number > view.order.number
    }

    /// The pods that the runtime has, by the last relist.
    package var seen: Set<PodIdentity> { state.withLock { Set(($0.views ?? [:]).keys) } }

    private func watchAll(_ view: RuntimeView, of pod: PodIdentity) async {
        if let sandbox = view.sandboxes.first, sandbox.isReady { watch(sandbox: sandbox.id, of: pod) }
        for instances in view.containers.values {
            for instance in instances where instance.isRunning {
                guard exits != nil, !state.withLock({ $0.watched.contains(instance.id) }),
                    let status = try? await observer.status(instance.id)
                else { continue }
                watch(instance.id, processID: status.processID, of: pod)
            }
        }
    }

    private func carryOut(_ item: Work) async {
        switch item {
        case .first(let pod): await observe(pod)
        case .exited(let container, let pod):
            await waitForExit(container)
            state.withLock { _ = $0.watched.remove(container) }
            await observe(pod)
        case .sandboxEnded(let sandbox, let pod):
            await waitForEnd(of: sandbox, pod)
            state.withLock { _ = $0.watched.remove(sandbox) }
        }
    }

    /// The process is gone a little before the runtime knows.
    private func waitForExit(_ container: String) async {
        var wait: Duration = .milliseconds(2)
        while !Task.isCancelled && wait < .seconds(4) {
            do throws(CRIError) {
                let instance: ContainerInstance = try await observer.status(container).instance
                if case .exited = instance.state { return }
            } catch {
                if error.code == .notFound { return }
            }
            await clock.sleep(for: wait)
            wait = wait * 2
        }
    }

    /// Tells as soon as the runtime knows, too. Nothing to tell when the pod was taken away.
    private func waitForEnd(of sandbox: String, _ pod: PodIdentity) async {
        var wait: Duration = .milliseconds(20)
        while !Task.isCancelled && wait < .seconds(4) {
            await clock.sleep(for: wait)
            wait = wait * 2
            guard let view = try? await observer.observe(pod.uid) else { continue }
            guard let known = view.sandboxes.first(where: { $0.id == sandbox }) else { return }
            if !known.isReady { return send(.observed(view), to: pod) }
        }
    }

    private func observe(_ pod: PodIdentity) async {
        var wait: Duration = .milliseconds(100)
        while !Task.isCancelled {
            do throws(CRIError) {
                send(.observed(try await observer.observe(pod.uid)), to: pod)
                return
            } catch {
                log.warning("failed to ask the runtime about a pod", [("pod", pod.name), ("error", "\(error)")])
            }
            await clock.sleep(for: wait)
            wait = min(wait * 2, .seconds(5))
        }
    }
}
