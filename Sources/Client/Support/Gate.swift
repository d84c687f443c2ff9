import Synchronization

/// Opens once; everyone waits until then.
package final class Gate: Sendable {
    private struct State {
        var isOpen: Bool = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastID: Int = 0
    }

    private let state: Mutex<State> = Mutex(State())

    package init() {}

    package var isOpen: Bool { state.withLock { $0.isOpen } }

    package func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [:] }
            return state.waiters.values.map { $0 }
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when the gate is open, or the task is cancelled; tells whether it is open.
    @discardableResult
    package func wait() async -> Bool {
        let id: Int = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
                let isThrough: Bool = state.withLock { state in
                    if state.isOpen || Task.isCancelled { return true }
                    state.waiters[id] = waiter
                    return false
                }
                if isThrough { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
        return isOpen
    }
}
