package import Flow
import Synchronization

/// A queue of keys to work on: each key once, one worker per key, delays and back-off. See `WorkQueueMachine`.
///
/// It holds each key at most once in each of its states, so that the number of objects bounds it.
package final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    package typealias Item = WorkQueueMachine<Key>.Item

    private struct State {
        var machine: WorkQueueMachine<Key>
        /// Workers that wait, first come first served.
        var workers: [(id: Int, wake: CheckedContinuation<Item?, Never>)] = []
        var lastWorker: Int = 0
    }

    /// For metrics.
    package let name: String
    private let clock: any MonotonicClock
    private let state: Mutex<State>
    /// Raised when there may be an earlier deadline than the timer task knows.
    private let timersChanged = Signal()

    package init(
        _ name: String, clock: any MonotonicClock,
        backOff: BackOff = BackOff(first: .milliseconds(5), longest: .seconds(1000))
    ) {
        self.name = name
        self.clock = clock
        self.state = Mutex(State(machine: WorkQueueMachine(backOff: backOff)))
    }

    // MARK: - Adding

    package func add(_ key: Key, causes: [Cause] = []) {
        let now: Duration = clock.now
        step { _ = $0.add(key, causes: causes, now: now) }
    }

    /// Adds a key after `delay`; several such adds count as the earliest.
    package func add(_ key: Key, after delay: Duration, causes: [Cause] = []) {
        let now: Duration = clock.now
        step { _ = $0.add(key, after: delay, causes: causes, now: now) }
        if delay > .zero { timersChanged.raise() }
    }

    /// Adds a key now instead of later.
    package func addInsteadOfLater(_ key: Key, causes: [Cause] = []) {
        let now: Duration = clock.now
        step { machine in
            machine.cancelDelay(key)
            _ = machine.add(key, causes: causes, now: now)
        }
    }

    /// Adds a failed key again after its back-off, or `atLeast`; tells the delay.
    @discardableResult
    package func retry(_ key: Key, atLeast: Duration = .zero, causes: [Cause] = []) -> Duration {
        let now: Duration = clock.now
        let delay: Duration = step { $0.retry(key, atLeast: atLeast, causes: causes, now: now) }
        timersChanged.raise()
        return delay
    }

    /// The key succeeded: its next failure backs off from the start.
    package func forget(_ key: Key) { step { $0.forget(key) } }

    package func failures(of key: Key) -> Int { state.withLock { $0.machine.failures(of: key) } }

    /// Keys that are ready.
    package var depth: Int { state.withLock { $0.machine.depth } }

    package func metrics() -> WorkQueueMetrics {
        let now: Duration = clock.now
        return state.withLock { $0.machine.metrics(now: now) }
    }

    // MARK: - Working

    /// Waits for a key; nil when the queue is shut down and empty, or the task is cancelled.
    /// The key must be given back with `done`.
    package func next() async -> Item? {
        let now: Duration = clock.now
        let id: Int = state.withLock { state in
            state.lastWorker += 1
            return state.lastWorker
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (wake: CheckedContinuation<Item?, Never>) in
                let answer: Item?? = state.withLock { state in
                    if Task.isCancelled { return .some(nil) }
                    if let item = state.machine.next(now: now) { return item }
                    if state.machine.isShutDown { return .some(nil) }
                    state.workers.append((id, wake))
                    return nil
                }
                if let answer { wake.resume(returning: answer) }
            }
        } onCancel: {
            let wake: CheckedContinuation<Item?, Never>? = state.withLock { state in
                guard let index = state.workers.firstIndex(where: { $0.id == id }) else { return nil }
                return state.workers.remove(at: index).wake
            }
            wake?.resume(returning: nil)
        }
    }

    package func done(_ key: Key) {
        let now: Duration = clock.now
        step { _ = $0.done(key, now: now) }
    }

    /// Takes no more keys; workers get what is ready, then nil.
    package func shutDown() {
        step { $0.shutDown() }
        timersChanged.raise()
    }

    /// Makes delayed keys ready when their time comes; runs until cancelled or shut down.
    package func runTimers() async {
        while !Task.isCancelled {
            let now: Duration = clock.now
            let (next, isShutDown): (Duration?, Bool) = step { ($0.promote(now: now).next, $0.isShutDown) }
            if isShutDown { return }
            await timersChanged.wait(until: next, on: clock)
        }
    }

    /// One step of the machine, then whatever it made ready goes to waiting workers.
    @discardableResult
    private func step<Result: Sendable>(_ body: (inout WorkQueueMachine<Key>) -> Result) -> Result {
        let now: Duration = clock.now
        let (result, answers) = state.withLock { state in
            let result: Result = body(&state.machine)
            var answers: [(CheckedContinuation<Item?, Never>, Item?)] = []
            while !state.workers.isEmpty {
                if let item = state.machine.next(now: now) {
                    answers.append((state.workers.removeFirst().wake, item))
                } else if state.machine.isShutDown {
                    answers.append((state.workers.removeFirst().wake, nil))
                } else {
                    break
                }
            }
            return (result, answers)
        }
        for (wake, item) in answers { wake.resume(returning: item) }
        return result
    }
}
