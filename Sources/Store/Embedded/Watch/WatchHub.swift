import Synchronization

/// The open watchers, and the thread that brings them what was published. The writer only wakes it.
final class WatchHub: Sendable {
    private struct State {
        var watchers: [Int: Watcher] = [:]
        var nextID: Int = 0
        var isClosed: Bool = false
    }

    private let state = Mutex(State())
    private let wakeUps = Inbox<Void>(capacity: 1)
    private let start: Revision

    /// - Parameter position: what is published already.
    init(position: Revision) {
        start = position
    }

    var count: Int {
        state.withLock { $0.watchers.count }
    }

    /// nil: the hub is closed.
    func add(_ watcher: Watcher) -> Int? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            state.nextID += 1
            state.watchers[state.nextID] = watcher
            return state.nextID
        }
    }

    func remove(_ id: Int) {
        _ = state.withLock { $0.watchers.removeValue(forKey: id) }
    }

    /// Something was published.
    func announce() {
        // Full: the thread will look anyhow. Closed: nobody is to be told.
        try? wakeUps.send(())
    }

    func close() {
        wakeUps.close()
    }

    /// The thread's body; returns after `close`, when all watchers have ended.
    func run(_ engine: Engine) {
        var position = start
        while wakeUps.receive() != nil {
            deliver(engine, &position)
        }
        let watchers: [Int: Watcher] = state.withLock { state in
            state.isClosed = true
            return exchange(&state.watchers, with: [:])
        }
        for watcher in watchers.values {
            watcher.end(.unavailable("the store is closed"))
        }
    }

    private func deliver(_ engine: Engine, _ position: inout Revision) {
        let (batches, revision): (ArraySlice<EventWindow.Batch>?, Revision) = engine.state.withLock { state in
            (state.window.batches(after: position), state.revision)
        }
        let watchers: [Int: Watcher] = state.withLock { $0.watchers }
        for (id, watcher) in watchers {
            guard let batches else {
                watcher.missed(through: revision)
                continue
            }
            switch watcher.push(batches.events(prefix: watcher.prefix, after: position), through: revision) {
            case .keep: break
            case .ended: remove(id)
            case .cutOff:
                remove(id)
                engine.state.withLock { $0.counters.slowWatchers += 1 }
            }
        }
        position = revision
    }
}
