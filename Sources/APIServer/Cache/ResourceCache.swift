package import APIMachinery
import Store
import Synchronization

/// The watch cache of one resource: the current objects in order, the newest changes, and who watches.
///
/// Fed by `CacheFeed` from the store, in the order of revisions; read by everybody.
package final class ResourceCache: Sendable {
    struct State {
        var objects = ObjectTable()
        var window: EventWindow
        /// The revision of the newest change of this resource, or of loading.
        var lastChange: Revision
        var watchers: [Int: CacheWatcher] = [:]
        var nextWatcher: Int = 0
    }

    /// The objects of a resource at a moment.
    struct View {
        var objects: ObjectTable
        var lastChange: Revision
    }

    package let info: ResourceInfo
    let state: Mutex<State>

    package init(info: ResourceInfo) {
        self.info = info
        self.state = Mutex(State(window: EventWindow(since: 0), lastChange: 0))
    }

    // MARK: - Feeding

    /// Replaces everything by what the store holds at `revision`. Open watches end: their history is unknown.
    func load(_ objects: [CachedObject], revision: Revision) {
        let watchers: [CacheWatcher] = state.withLock { state in
            state.objects = ObjectTable(sorted: objects)
            state.window = EventWindow(since: revision)
            state.lastChange = revision
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in watchers {
            watcher.end(.expired("the server lost track of the changes; list again"))
        }
    }

    /// One change as the store tells it.
    struct Change {
        var key: [UInt8]
        var revision: Revision
        /// Nil for a deletion.
        var snapshot: Snapshot?
    }

    /// Applies changes in order, then tells the watchers.
    func apply(_ changes: [Change]) {
        let (events, watchers): ([CachedEvent], [CacheWatcher]) = state.withLock { state in
            var events: [CachedEvent] = []
            events.reserveCapacity(changes.count)
            for change in changes {
                if let event = Self.apply(change, to: &state.objects) {
                    events.append(event)
                    state.window.append(event)
                }
                state.lastChange = change.revision
            }
            return (events, Array(state.watchers.values))
        }
        guard !events.isEmpty else { return }
        for watcher in watchers { watcher.offer(events) }
    }

    private static func apply(_ change: Change, to objects: inout ObjectTable) -> CachedEvent? {
        guard let snapshot = change.snapshot else {
            guard let old = objects.remove(change.key) else { return nil }
            let last = CachedObject(key: old.key, snapshot: old.snapshot.at(revision: change.revision))
            return CachedEvent(.deleted, last, previous: old)
        }
        let object = CachedObject(key: change.key, snapshot: snapshot)
        let old: CachedObject? = objects.put(object)
        return CachedEvent(old == nil ? .added : .modified, object, previous: old)
    }

    // MARK: - Reading

    func get(_ key: [UInt8]) -> CachedObject? {
        state.withLock { $0.objects }.get(key)
    }

    func view() -> View {
        state.withLock { View(objects: $0.objects, lastChange: $0.lastChange) }
    }

    var lastChange: Revision { state.withLock { $0.lastChange } }
    var count: Int { state.withLock { $0.objects.count } }
    /// Whether nobody watches.
    package var isIdle: Bool { watcherCount == 0 }
    var watcherCount: Int { state.withLock { $0.watchers.count } }

    // MARK: - Watching

    /// Where a watch begins.
    enum Start {
        /// With everything that is there, as added objects; with a marker behind them if `marksEnd`.
        case current(marksEnd: Bool)
        /// After a revision.
        case after(Revision)
    }

    struct WatchSetup {
        var filter: ObjectFilter
        var start: Start
        var now: Duration
        var deadline: Duration
        var bookmark: (@Sendable (Revision, Bool) -> Snapshot)?
        /// What the store tells of the time before `start`; the revision from which on it does.
        var history: (events: [CachedEvent], after: Revision)?
    }

    /// Changes after this revision are in the window.
    var windowStart: Revision { state.withLock { $0.window.since } }

    /// Opens a watch; `known` is the revision up to which the feed has applied everything.
    func watch(_ setup: WatchSetup, known: Revision) throws(StatusError) -> OpenWatch {
        // Outside of the lock: a history may be long, and selectors may have to decode it.
        let early: CacheWatcher? = setup.history.map { history in
            let watcher: CacheWatcher = Self.watcher(setup, from: history.after)
            watcher.begin(history: history.events)
            return watcher
        }
        let opened: Result<(CacheWatcher, Int, [CachedEvent], View), StatusError> = state.withLock { state in
            let at: Revision
            var backlog: [CachedEvent] = []
            switch setup.start {
            case .current: at = max(known, state.lastChange)
            case .after(let revision):
                guard revision >= state.window.since else {
                    return .failure(.tooOldResourceVersion(revision, oldest: state.window.since))
                }
                at = revision
                backlog = Array(state.window.after(revision))
            }
            let watcher: CacheWatcher = early ?? Self.watcher(setup, from: at)
            let id: Int = state.nextWatcher
            state.nextWatcher += 1
            state.watchers[id] = watcher
            // The backlog must come before what the feed offers from now on; offering is lock, append, unlock.
            watcher.offer(backlog)
            return .success((watcher, id, backlog, View(objects: state.objects, lastChange: at)))
        }
        let (watcher, id, _, view) = try opened.get()
        if case .current(let marksEnd) = setup.start {
            var initial: [CachedObject] = []
            let prefix: [UInt8] = setup.filter.exactKey ?? setup.filter.keyPrefix
            view.objects.visit(prefix: prefix, from: view.objects.lowerBound(prefix)) { object in
                if setup.filter.matchesKey(object.key), setup.filter.matches(object) { initial.append(object) }
                return true
            }
            watcher.begin(initial: initial, endMarker: marksEnd ? view.lastChange : nil)
        }
        return OpenWatch(watcher: watcher, cache: self, id: id)
    }

    private static func watcher(_ setup: WatchSetup, from revision: Revision) -> CacheWatcher {
        CacheWatcher(
            filter: setup.filter, revision: revision, now: setup.now, deadline: setup.deadline,
            bookmark: setup.bookmark)
    }

    fileprivate func close(_ id: Int) {
        _ = state.withLock { $0.watchers.removeValue(forKey: id) }
    }

    /// Looks at the time for all watches; ended ones are forgotten.
    func tick(now: Duration, known: Revision) {
        let watchers: [Int: CacheWatcher] = state.withLock { $0.watchers }
        guard !watchers.isEmpty else { return }
        for (id, watcher) in watchers {
            // Not `lastChange`: what was applied may not have been offered yet.
            watcher.tick(now: now, revision: known)
            if watcher.isEnded { close(id) }
        }
    }

    /// Ends all watches, at shutdown.
    func endWatches() {
        let watchers: [CacheWatcher] = state.withLock { state in
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.end() }
    }
}

/// A watch that is registered with its cache as long as this lives.
package final class OpenWatch: Sendable {
    package let watcher: CacheWatcher
    private let cache: ResourceCache
    private let id: Int

    init(watcher: CacheWatcher, cache: ResourceCache, id: Int) {
        self.watcher = watcher
        self.cache = cache
        self.id = id
    }

    deinit {
        cache.close(id)
        watcher.end()
    }

    /// See `CacheWatcher.next`.
    package func next() async throws(StatusError) -> [Delivery]? {
        try await watcher.next()
    }

    package func cancel() {
        cache.close(id)
        watcher.end()
    }
}
