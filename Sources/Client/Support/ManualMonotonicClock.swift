import Synchronization

/// A clock that moves only when told to. For tests.
package final class ManualMonotonicClock: MonotonicClock {
    private struct State {
        var now: Duration = .zero
        var sleepers: [Int: (deadline: Duration, wake: CheckedContinuation<Void, Never>)] = [:]
        var watchers: [(count: Int, wake: CheckedContinuation<Void, Never>)] = []
        var lastID: Int = 0
    }

    private let state: Mutex<State> = Mutex(State())

    package init() {}

    package var now: Duration { state.withLock { $0.now } }

    /// When the next sleeper wakes; nil if nobody sleeps.
    package var nextDeadline: Duration? { state.withLock { $0.sleepers.values.map(\.deadline).min() } }

    package func sleep(until deadline: Duration) async {
        let id: Int = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (wake: CheckedContinuation<Void, Never>) in
                let ready: [CheckedContinuation<Void, Never>] = state.withLock { state in
                    if deadline <= state.now || Task.isCancelled { return [wake] }
                    state.sleepers[id] = (deadline, wake)
                    let count: Int = state.sleepers.count
                    let ready = state.watchers.filter { $0.count <= count }.map(\.wake)
                    state.watchers.removeAll { $0.count <= count }
                    return ready
                }
                for continuation in ready { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id)?.wake }?.resume()
        }
    }

    /// Moves the clock and wakes whoever waited for that, in the order of their deadlines.
    package func advance(by span: Duration) {
        let due: [CheckedContinuation<Void, Never>] = state.withLock { state in
            state.now += span
            let now: Duration = state.now
            let due = state.sleepers.filter { $0.value.deadline <= now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.map(\.value.wake)
        }
        for wake in due { wake.resume() }
    }

    /// Returns once at least `count` tasks sleep.
    package func waitForSleepers(_ count: Int = 1) async {
        await withCheckedContinuation { (wake: CheckedContinuation<Void, Never>) in
            let isThere: Bool = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append((count, wake))
                return false
            }
            if isThere { wake.resume() }
        }
    }
}
