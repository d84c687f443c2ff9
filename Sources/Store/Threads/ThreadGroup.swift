import Synchronization

/// The store's threads, as one: those who wait for their end, and the directory lock that they need until then.
final class ThreadGroup: Sendable {
    private struct State {
        var running: Int
        var lock: DirectoryLock?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(count: Int, lock: DirectoryLock) {
        state = Mutex(State(running: count, lock: lock))
    }

    /// Called by each thread at its end. The last releases the lock.
    func leave() {
        let (lock, waiters): (DirectoryLock?, [CheckedContinuation<Void, Never>]) = state.withLock { state in
            state.running -= 1
            guard state.running == 0 else { return (nil, []) }
            return (exchange(&state.lock, with: nil), exchange(&state.waiters, with: []))
        }
        lock?.release()
        for waiter in waiters {
            waiter.resume()
        }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver: Bool = state.withLock { state in
                guard state.running > 0 else { return true }
                state.waiters.append(continuation)
                return false
            }
            if isOver {
                continuation.resume()
            }
        }
    }
}
