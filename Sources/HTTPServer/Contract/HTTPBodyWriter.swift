import Synchronization

/// Writes the body of a streamed answer, from any thread.
///
/// Writes of one loop turn are put together into one buffer and one flush. A writer that is dropped without `finish`
/// cuts the stream, so that the client cannot mistake half an answer for a whole one.
package final class HTTPBodyWriter: Sendable {
    package enum WriteResult: Sendable, Equatable {
        case accepted
        /// The buffer's bound would be passed; nothing was taken.
        case full
        /// The client left, or the body was finished.
        case closed
    }

    private let exchange: Exchange

    init(_ exchange: Exchange) {
        self.exchange = exchange
    }

    deinit {
        exchange.abortUnlessFinished()
    }

    /// Takes bytes to send. Never blocks; keeps the array until the loop's next turn.
    @discardableResult
    package func write(_ bytes: [UInt8]) -> WriteResult {
        exchange.enqueue(.bytes(bytes))
    }

    /// Takes bytes that were gathered in a buffer; they are not copied again here.
    @discardableResult
    package func write(_ buffer: HTTPBodyBuffer) -> WriteResult {
        exchange.enqueue(.buffer(buffer.bytes))
    }

    /// Ends the body; what was accepted before is still sent.
    package func finish() {
        exchange.finish()
    }

    /// Cuts the stream (HTTP/2 RST_STREAM, HTTP/1.1 close).
    package func abort() {
        exchange.abortUnlessFinished()
    }

    /// Bytes accepted that the socket has not taken.
    package var bufferedBytes: Int { exchange.bufferedBytes }

    /// Whether fewer bytes wait than the low watermark.
    package var isWritable: Bool { exchange.isWritable }

    package var closeReason: HTTPCloseReason? { exchange.closeReason }

    /// Does `body` on the connection's event loop, step by step between the loop's other work. Each step must be short.
    package func onLoop(_ body: @Sendable () async -> Void) async {
        await withTaskExecutorPreference(exchange.executor) { await body() }
    }

    /// Calls `body` once, on the event loop, as soon as `isWritable` (soon, if it is now) or the stream is closed.
    package func whenWritable(_ body: @escaping @Sendable () -> Void) {
        exchange.whenWritable(body)
    }

    /// Waits until `isWritable`. False: the stream is closed, or the task was cancelled.
    package func writable() async -> Bool {
        await exchange.writable()
    }

    /// See `HTTPResponder.onClose`.
    package func onClose(_ body: @escaping @Sendable (HTTPCloseReason) -> Void) {
        exchange.onClose(body)
    }
}
