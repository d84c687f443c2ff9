package import APIMachinery
import Store
import Synchronization

/// One open watch on a cache: what it has not taken yet, bounded.
///
/// The feed offers, one consumer takes. A consumer that lets more than `limit` events pile up is cut off: the watch
/// ends after what is buffered, and the client goes on from its last revision.
package final class CacheWatcher: Sendable {
    private struct State {
        /// Objects that the watch begins with, not yet delivered.
        var initial: ArraySlice<CachedObject> = []
        /// Owed after `initial`: the bookmark that ends it.
        var initialEnd: Revision?
        var buffer: [Delivery] = []
        /// How many deliveries may wait: the history that the watch begins with comes on top of the usual bound.
        var limit: Int
        /// Nothing at or below this is delivered as an event.
        var revision: Revision
        var ended: Bool = false
        var failure: StatusError?
        var waiter: CheckedContinuation<Void, Never>?
        var nextBookmark: Duration
        var bookmarked: Revision = 0
    }

    package static let bookmarkInterval: Duration = .seconds(60)
    static let batch: Int = 256

    let filter: ObjectFilter
    private let bookmark: (@Sendable (Revision, Bool) -> Snapshot)?
    private let deadline: Duration
    private let state: Mutex<State>

    /// - Parameters:
    ///   - bookmark: makes bookmarks; nil if the client wants none.
    ///   - deadline: on the server's monotonic clock.
    init(
        filter: ObjectFilter, revision: Revision, now: Duration, deadline: Duration, limit: Int = 8192,
        bookmark: (@Sendable (Revision, Bool) -> Snapshot)?
    ) {
        self.filter = filter
        self.bookmark = bookmark
        self.deadline = deadline
        self.state = Mutex(State(limit: limit, revision: revision, nextBookmark: now + Self.bookmarkInterval))
    }

    // MARK: - The cache's side

    /// Sets what the watch begins with; before anybody takes from it.
    func begin(initial: [CachedObject], endMarker: Revision?) {
        state.withLock {
            $0.initial = initial[...]
            $0.initialEnd = endMarker
        }
    }

    /// Offers what came before the cache's window; before anything else, and however much it is.
    func begin(history: [CachedEvent]) {
        state.withLock { $0.limit += history.count }
        offer(history)
    }

    /// Offers changes in order; those of one revision together.
    func offer(_ events: some Sequence<CachedEvent>) {
        var deliveries: [Delivery] = []
        for event in events {
            if let delivery = delivery(of: event) { deliveries.append(delivery) }
        }
        guard !deliveries.isEmpty else { return }
        wake { state in
            guard !state.ended else { return false }
            // Not compared with each other: an expired lease takes many objects at one revision.
            let seen: Revision = state.revision
            for delivery in deliveries where delivery.snapshot.revision > seen {
                state.buffer.append(delivery)
                state.revision = delivery.snapshot.revision
            }
            if state.buffer.count > state.limit { state.ended = true }
            return true
        }
    }

    /// What a change means for this watcher: an object that begins to match is added, one that stops is deleted.
    private func delivery(of event: CachedEvent) -> Delivery? {
        guard filter.matchesKey(event.object.key) else { return nil }
        if filter.isEverything { return Delivery(event.kind, event.object.snapshot, shared: event) }
        let was: Bool = event.previous.map { filter.matches($0) } ?? false
        let matches: Bool = event.kind == .deleted ? false : filter.matches(event.object)
        switch (was, matches) {
        case (false, false): return nil
        case (true, true), (false, true):
            let kind: WatchEvent.Kind = was ? .modified : .added
            return Delivery(kind, event.object.snapshot, shared: kind == event.kind ? event : nil)
        case (true, false):
            if event.kind == .deleted { return Delivery(.deleted, event.object.snapshot, shared: event) }
            guard let previous = event.previous else { return nil }
            return Delivery(.deleted, previous.snapshot.at(revision: event.revision))
        }
    }

    /// Looks at the time: bookmarks that are due, the end of the watch. `revision` is what has been offered completely.
    func tick(now: Duration, revision: Revision) {
        wake { state in
            guard !state.ended else { return false }
            let isOver: Bool = now >= deadline
            if let bookmark, now >= state.nextBookmark || isOver {
                state.nextBookmark = now + Self.bookmarkInterval
                if state.initial.isEmpty, state.initialEnd == nil, revision > state.bookmarked {
                    state.bookmarked = revision
                    state.buffer.append(Delivery(.bookmark, bookmark(max(revision, state.revision), false)))
                }
            }
            if isOver { state.ended = true }
            return isOver || !state.buffer.isEmpty
        }
    }

    /// Ends the watch after what is buffered, or at once with an error.
    func end(_ failure: StatusError? = nil) {
        wake { state in
            state.ended = true
            if let failure {
                state.failure = failure
                state.buffer = []
                state.initial = []
                state.initialEnd = nil
            }
            return true
        }
    }

    private func wake(_ body: (inout State) -> Bool) {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard body(&state) else { return nil }
            return state.waiter.take()
        }
        waiter?.resume()
    }

    var isEnded: Bool { state.withLock { $0.ended } }

    // MARK: - The consumer's side

    private enum Taken {
        case some([Delivery])
        case nothing
        case over(StatusError?)
    }

    private func take() -> Taken {
        state.withLock { state in
            if !state.initial.isEmpty {
                let part: ArraySlice<CachedObject> = state.initial.prefix(Self.batch)
                state.initial = state.initial.dropFirst(part.count)
                return .some(part.map { Delivery(.added, $0.snapshot) })
            }
            if let revision = state.initialEnd {
                state.initialEnd = nil
                if let bookmark {
                    state.bookmarked = revision
                    return .some([Delivery(.bookmark, bookmark(revision, true))])
                }
            }
            if !state.buffer.isEmpty {
                let taken: [Delivery] = state.buffer
                state.buffer = []
                return .some(taken)
            }
            return state.ended ? .over(state.failure) : .nothing
        }
    }

    /// The next deliveries in order; nil at the end, and when the task is cancelled. One caller at a time.
    package func next() async throws(StatusError) -> [Delivery]? {
        while true {
            switch take() {
            case .some(let deliveries): return deliveries
            case .over(let failure):
                if let failure { throw failure }
                return nil
            case .nothing: break
            }
            if Task.isCancelled { return nil }
            await wait()
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let parked: Bool = state.withLock { state in
                    precondition(state.waiter == nil, "a watch has one consumer")
                    guard state.buffer.isEmpty, !state.ended, !Task.isCancelled else { return false }
                    state.waiter = continuation
                    return true
                }
                if !parked { continuation.resume() }
            }
        } onCancel: {
            wake { _ in true }
        }
    }
}
