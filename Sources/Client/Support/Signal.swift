import Synchronization

/// "Look again": raised any number of times, seen at least once by the one task that waits.
package final class Signal: Sendable {
    private struct State {
        var isRaised: Bool = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State> = Mutex(State())

    package init() {}

    package func raise() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard let waiter = state.waiter else {
                state.isRaised = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns at the next `raise` (or at once after an unseen one), or when the task is cancelled.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
                let isThrough: Bool = state.withLock { state in
                    precondition(state.waiter == nil, "one task at a time waits for a signal")
                    if state.isRaised || Task.isCancelled {
                        state.isRaised = false
                        return true
                    }
                    state.waiter = waiter
                    return false
                }
                if isThrough { waiter.resume() }
            }
        } onCancel: {
            let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }
    }

    /// Waits for the signal, but not past `deadline`; nil waits for the signal only.
    package func wait(until deadline: Duration?, on clock: any MonotonicClock) async {
        guard let deadline else { return await wait() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await clock.sleep(until: deadline) }
            group.addTask { await self.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
