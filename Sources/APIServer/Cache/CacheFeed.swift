package import APIMachinery
package import Store
import Synchronization

/// Brings the store's changes to the watch caches: one watch over everything, split by resource.
package final class CacheFeed: Sendable {
    private struct State {
        /// Everything up to here has been applied.
        var revision: Revision = 0
        var waiters: [Int: Waiter] = [:]
        var nextWaiter: Int = 0
        /// By storage prefix; several versions of a resource have a cache each.
        var routes: [[UInt8]: [Route]] = [:]
        /// Why nothing can be read; nil while all is well.
        var failure: String?
    }

    /// Somebody who waits for a revision.
    private struct Waiter {
        var revision: Revision
        var deadline: Duration
        var continuation: CheckedContinuation<Bool, Never>
    }

    /// A cache, and how its resource makes snapshots of stored values.
    package struct Route: Sendable {
        package var cache: ResourceCache
        package var snapshot: @Sendable (KeyValue) throws(StoreError) -> Snapshot
    }

    package static let root: [UInt8] = Array("/registry/".utf8)
    private static let page: Int = 2000

    private let store: any Store
    private let monotonic: @Sendable () -> Duration
    private let state: Mutex<State>

    package init(store: any Store, monotonic: @escaping @Sendable () -> Duration) {
        self.store = store
        self.monotonic = monotonic
        self.state = Mutex(State())
    }

    /// Adds a cache; before `load`.
    package func add(_ route: Route) {
        let prefix: [UInt8] = Array(route.cache.info.storagePrefix.utf8)
        state.withLock { $0.routes[prefix, default: []].append(route) }
    }

    package var revision: Revision { state.withLock { $0.revision } }

    /// Nil while the feed works.
    package var failure: String? { state.withLock { $0.failure } }

    // MARK: - Loading and following

    /// Fills all caches with what the store holds.
    package func load() async throws(StoreError) {
        let at: Revision = store.revision
        let routes: [[UInt8]: [Route]] = state.withLock { $0.routes }
        for (prefix, targets) in routes {
            var items: [KeyValue] = []
            var after: [UInt8]?
            while true {
                let result: RangeResult = try await store.range(
                    prefix: prefix, after: after, limit: Self.page, at: at == 0 ? nil : at)
                items.append(contentsOf: result.items)
                guard result.remaining > 0, let last = result.items.last else { break }
                after = last.key
            }
            for route in targets {
                var objects: [CachedObject] = []
                objects.reserveCapacity(items.count)
                for item in items { objects.append(CachedObject(key: item.key, snapshot: try route.snapshot(item))) }
                route.cache.load(objects, revision: at)
            }
        }
        advance(to: at)
    }

    /// Follows the store until the task is cancelled or the store is closed.
    package func run() async {
        while !Task.isCancelled {
            do throws(StoreError) {
                let watch: any StoreWatch = try store.watch(prefix: Self.root, from: revision + 1)
                while let batch = try await watch.next() {
                    try apply(batch.events)
                    advance(to: batch.revision)
                }
                return
            } catch {
                guard await recover(from: error) else { return }
            }
        }
    }

    /// Goes on after the store cut us off. False: it is gone for good.
    private func recover(from error: StoreError) async -> Bool {
        switch error {
        case .slowWatcher: return true
        case .compacted:
            do throws(StoreError) {
                try await load()
                return true
            } catch {
                fail("failed to load the watch caches: \(error)")
                return false
            }
        default:
            fail("failed to watch the store: \(error)")
            return false
        }
    }

    private func fail(_ text: String) {
        let waiters: [CheckedContinuation<Bool, Never>] = state.withLock { state in
            state.failure = text
            defer { state.waiters = [:] }
            return state.waiters.values.map { $0.continuation }
        }
        for waiter in waiters { waiter.resume(returning: false) }
    }

    private func apply(_ events: [StoreEvent]) throws(StoreError) {
        let routes: [[UInt8]: [Route]] = state.withLock { $0.routes }
        // Runs of changes of one resource are applied together; the order within a resource is kept.
        var pending: [[UInt8]: [StoreEvent]] = [:]
        var order: [[UInt8]] = []
        for event in events {
            guard let prefix = Self.prefix(of: event.current.key, in: routes) else { continue }
            if pending[prefix] == nil { order.append(prefix) }
            pending[prefix, default: []].append(event)
        }
        for prefix in order {
            guard let events = pending[prefix], let targets = routes[prefix] else { continue }
            for route in targets {
                var changes: [ResourceCache.Change] = []
                changes.reserveCapacity(events.count)
                for event in events { changes.append(try Self.change(event, route)) }
                route.cache.apply(changes)
            }
        }
    }

    private static func change(_ event: StoreEvent, _ route: Route) throws(StoreError) -> ResourceCache.Change {
        ResourceCache.Change(
            key: event.current.key, revision: event.current.modRevision,
            snapshot: event.kind == .put ? try route.snapshot(event.current) : nil)
    }

    /// The storage prefix of a key: one component behind the root for the core group, two for others.
    private static func prefix(of key: [UInt8], in routes: [[UInt8]: [Route]]) -> [UInt8]? {
        guard key.starts(withBytes: root) else { return nil }
        var at: Int = root.count
        for _ in 0..<2 {
            guard let slash = key[at...].firstIndex(of: 0x2F) else { return nil }
            let prefix: [UInt8] = Array(key[...slash])
            if routes[prefix] != nil { return prefix }
            at = slash + 1
        }
        return nil
    }

    private func advance(to revision: Revision) {
        let ready: [CheckedContinuation<Bool, Never>] = state.withLock { state in
            state.revision = max(state.revision, revision)
            guard !state.waiters.isEmpty else { return [] }
            var ready: [CheckedContinuation<Bool, Never>] = []
            for (id, waiter) in state.waiters where waiter.revision <= state.revision {
                ready.append(waiter.continuation)
                state.waiters[id] = nil
            }
            return ready
        }
        for waiter in ready { waiter.resume(returning: true) }
    }

    // MARK: - Waiting

    /// Whether everything that the store has committed is in the caches.
    package var isFresh: Bool { store.revision <= revision }

    /// Waits until the caches show `wanted`. False: the limit passed (seen by `tick`), the task was cancelled, or the
    /// feed failed.
    package func wait(for wanted: Revision, atMost limit: Duration) async -> Bool {
        let deadline: Duration = monotonic() + limit
        let id: Int? = state.withLock { state in
            guard state.revision < wanted, state.failure == nil else { return nil }
            state.nextWaiter += 1
            return state.nextWaiter
        }
        guard let id else { return revision >= wanted }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let answer: Bool? = state.withLock { state in
                    if state.revision >= wanted { return true }
                    if state.failure != nil || Task.isCancelled { return false }
                    state.waiters[id] = Waiter(revision: wanted, deadline: deadline, continuation: continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter: Waiter? = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.continuation.resume(returning: false)
        }
    }

    /// Lets go of those who waited too long.
    func tick(now: Duration) {
        let late: [Waiter] = state.withLock { state in
            guard !state.waiters.isEmpty else { return [] }
            let late: [Int: Waiter] = state.waiters.filter { $0.value.deadline <= now }
            for id in late.keys { state.waiters[id] = nil }
            return Array(late.values)
        }
        for waiter in late { waiter.continuation.resume(returning: false) }
    }
}
