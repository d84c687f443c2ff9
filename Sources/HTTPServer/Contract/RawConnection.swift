/// A connection after an upgrade: bytes both ways.
///
/// Dropping the last reference closes it, after what was written is sent.
/// One reader at a time. Bytes that came right after the request's head are read first.
package final class RawConnection: Sendable {
    private let exchange: Exchange
    private let input: RawInput

    init(_ exchange: Exchange, _ input: RawInput) {
        self.exchange = exchange
        self.input = input
    }

    deinit {
        exchange.abandon()
    }

    /// The next bytes, at least one; nil at the end of the input, after `close`, or when the task is cancelled.
    package func read() async -> [UInt8]? {
        await input.read { exchange.resumeReading() }
    }

    /// Sends bytes; returns once few wait, so that a fast producer is slowed down. False: the connection is closed.
    @discardableResult
    package func write(_ bytes: [UInt8]) async -> Bool {
        while true {
            switch exchange.enqueue(.bytes(bytes)) {
            case .closed: return false
            case .accepted:
                _ = await exchange.writable()
                return exchange.closeReason == nil
            case .full:
                if await !exchange.writable() { return false }
            }
        }
    }

    /// Takes bytes without waiting; see `HTTPBodyWriter.write`.
    package func send(_ bytes: [UInt8]) -> HTTPBodyWriter.WriteResult {
        exchange.enqueue(.bytes(bytes))
    }

    package var bufferedBytes: Int { exchange.bufferedBytes }

    /// Ends our direction after what was written; the peer's may go on.
    package func closeWrite() {
        exchange.finish()
    }

    /// Cuts both directions now; unsent bytes are lost.
    package func close() {
        input.end()
        exchange.cut()
    }

    package func onClose(_ body: @escaping @Sendable (HTTPCloseReason) -> Void) {
        exchange.onClose(body)
    }
}
