import APIMachinery
import NIOCore
import NIOHTTP1
import Synchronization

/// One answer on its way from an event loop to a task: head, then body, then the end or an error.
///
/// Bounded: above `highWatermark` bytes the channel is not read until the task has taken what is there, so that the
/// peer is held up by flow control.
final class ResponseSink: Sendable {
    static let highWatermark: Int = 512 * 1024

    private struct State {
        var head: HTTPResponseHead?
        var chunks: [ByteBuffer] = []
        var size: Int = 0
        var isEnded: Bool = false
        /// Counts what has come, so that nothing is missed between looking and waiting.
        var changes: Int = 0
        var failure: StatusError?
        /// A read that was held back, to be done when the task has taken what is there.
        var isReadHeld: Bool = false
        var waiter: CheckedContinuation<Void, Never>?
        var resume: (@Sendable () -> Void)?
        var abort: (@Sendable () -> Void)?
    }

    private let state: Mutex<State> = Mutex(State())

    // MARK: - Event loop's side

    /// - Parameters:
    ///   - resume: reads the channel again.
    ///   - abort: ends the exchange.
    func attach(resume: @escaping @Sendable () -> Void, abort: @escaping @Sendable () -> Void) {
        let isLate: Bool = state.withLock { state in
            state.resume = resume
            state.abort = abort
            return state.failure != nil
        }
        if isLate { abort() }
    }

    func receive(head: HTTPResponseHead) {
        step { state in
            // 1xx heads announce the real one.
            if head.status.code >= 200 { state.head = head }
        }
    }

    func receive(body: ByteBuffer) {
        step { state in
            state.chunks.append(body)
            state.size += body.readableBytes
        }
    }

    func end() { step { $0.isEnded = true } }

    /// The first failure counts; after the end there is none.
    func fail(_ error: StatusError) {
        step { state in
            if !state.isEnded && state.failure == nil { state.failure = error }
        }
    }

    /// False: too much is waiting; `resume` is called later.
    func mayRead() -> Bool {
        state.withLock { state in
            state.isReadHeld = state.size >= Self.highWatermark
            return !state.isReadHeld
        }
    }

    private func step(_ body: (inout State) -> Void) {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            body(&state)
            state.changes += 1
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    // MARK: - Task's side

    /// Ends the exchange; whoever waits gets `error`.
    func cancel(_ error: StatusError) {
        fail(error)
        state.withLock { $0.abort }?()
    }

    func head() async throws(StatusError) -> HTTPResponseHead {
        while true {
            let (head, failure, seen) = state.withLock { ($0.head, $0.failure, $0.changes) }
            if let head { return head }
            if let failure { throw failure }
            await wait(seen: seen)
        }
    }

    /// What has come of the body since the last call, at least one byte; nil at its end.
    func next() async throws(StatusError) -> [ByteBuffer]? {
        while true {
            let (chunks, isEnded, failure, resume, seen) = state.withLock { state in
                defer {
                    state.chunks = []
                    state.size = 0
                    state.isReadHeld = false
                }
                let resume: (@Sendable () -> Void)? = state.isReadHeld ? state.resume : nil
                return (state.chunks, state.isEnded, state.failure, resume, state.changes)
            }
            resume?()
            if !chunks.isEmpty { return chunks }
            if isEnded { return nil }
            if let failure { throw failure }
            await wait(seen: seen)
        }
    }

    /// Returns when something has come, or the task is cancelled, which cancels the exchange.
    private func wait(seen: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
                let isThere: Bool = state.withLock { state in
                    precondition(state.waiter == nil, "one task at a time reads an answer")
                    if state.changes != seen { return true }
                    state.waiter = waiter
                    return false
                }
                if isThere { waiter.resume() }
            }
        } onCancel: {
            cancel(.connectionFailure("the request was cancelled"))
        }
    }
}
