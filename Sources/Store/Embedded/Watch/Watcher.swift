import Synchronization

/// A watcher as the hub knows it: the machine, and the reader that may wait.
final class Watcher: Sendable {
    private struct State {
        var machine: WatcherMachine
        var reader: CheckedContinuation<Void, Never>?
    }

    enum PushResult {
        case keep
        case ended
        case cutOff
    }

    let prefix: [UInt8]
    private let state: Mutex<State>

    init(machine: WatcherMachine) {
        prefix = machine.prefix
        state = Mutex(State(machine: machine))
    }

    func step() -> WatcherMachine.Step {
        state.withLock { $0.machine.next() }
    }

    func receive(history events: [StoreEvent], through revision: Revision) {
        state.withLock { $0.machine.receive(history: events, through: revision) }
    }

    /// Waits until there is something to step for.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isReady: Bool = state.withLock { state in
                precondition(state.reader == nil, "a watch has one reader")
                // A push may have come between the step and now.
                guard state.machine.isIdle else { return true }
                state.reader = continuation
                return false
            }
            if isReady {
                continuation.resume()
            }
        }
    }

    func push(_ events: [StoreEvent], through revision: Revision) -> PushResult {
        let (result, reader): (PushResult, CheckedContinuation<Void, Never>?) = state.withLock { state in
            let wasEnded = state.machine.isEnded
            guard state.machine.push(events, through: revision) else { return (wasEnded ? .ended : .keep, nil) }
            let result: PushResult = wasEnded ? .ended : state.machine.isEnded ? .cutOff : .keep
            return (result, exchange(&state.reader, with: nil))
        }
        reader?.resume()
        return result
    }

    func missed(through revision: Revision) {
        let reader: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.machine.missed(through: revision) ? exchange(&state.reader, with: nil) : nil
        }
        reader?.resume()
    }

    func end(_ error: StoreError?) {
        let reader: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.machine.end(error)
            return exchange(&state.reader, with: nil)
        }
        reader?.resume()
    }
}
