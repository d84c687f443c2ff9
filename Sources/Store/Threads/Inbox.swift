import Synchronization

/// A bounded queue into a thread of ours: anyone sends, one thread receives all that is there.
package final class Inbox<Element: Sendable>: Sendable {
    package enum Refusal: Error {
        case full
        case closed
    }

    private struct State {
        var elements: [Element] = []
        var isClosed: Bool = false
        /// The receiver waits on the signal and must be woken.
        var isAsleep: Bool = false
    }

    private let state = Mutex(State())
    private let signal = ThreadSignal()
    private let capacity: Int

    package init(capacity: Int) {
        self.capacity = capacity
    }

    /// - Parameter force: also when full; for what is bounded by other means.
    package func send(_ element: Element, force: Bool = false) throws(Refusal) {
        let outcome: Result<Bool, Refusal> = state.withLock { state in
            guard !state.isClosed else { return .failure(.closed) }
            guard force || state.elements.count < capacity else { return .failure(.full) }
            state.elements.append(element)
            return .success(exchange(&state.isAsleep, with: false))
        }
        if try outcome.get() {
            signal.wake()
        }
    }

    /// Elements that wait.
    var count: Int {
        state.withLock { $0.elements.count }
    }

    /// Refuses what comes from now on; the receiver gets what is there, and then nil.
    package func close() {
        let wasAsleep: Bool = state.withLock { state in
            state.isClosed = true
            return exchange(&state.isAsleep, with: false)
        }
        if wasAsleep {
            signal.wake()
        }
    }

    /// Blocks until there is something. nil: closed and empty.
    package func receive() -> [Element]? {
        while true {
            let taken: [Element]?? = state.withLock { state in
                if !state.elements.isEmpty {
                    return .some(exchange(&state.elements, with: []))
                }
                if state.isClosed {
                    return .some(nil)
                }
                state.isAsleep = true
                return nil
            }
            if let taken {
                return taken
            }
            signal.wait()
        }
    }
}
