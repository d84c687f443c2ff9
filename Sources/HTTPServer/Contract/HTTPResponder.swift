/// The way to answer one request, once, from any thread.
package final class HTTPResponder: Sendable {
    private let exchange: Exchange

    init(_ exchange: Exchange) {
        self.exchange = exchange
    }

    deinit {
        if exchange.claimAnswer() {
            exchange.respond(
                status: 500, fields: ["content-type": "text/plain; charset=utf-8"],
                body: [UInt8]("no answer was given".utf8))
        }
    }

    /// Sends a whole answer. On the event loop of the connection nothing is scheduled: the bytes are written now.
    ///
    /// `content-length` and `date` are added. Later answers are ignored: the first one counts.
    /// Bodies above 64 KiB are sent in turns, so that other requests of the connection go on meanwhile.
    package func respond(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
        guard exchange.claimAnswer() else { return }
        exchange.respond(status: status, fields: fields, body: body)
    }

    /// Sends the head, and gives the writer of the body.
    ///
    /// Nil when the request was answered already.
    package func stream(status: Int, fields: HTTPFields = [:]) -> HTTPBodyWriter? {
        guard exchange.claimAnswer() else { return nil }
        exchange.begin(status: status, fields: fields)
        return HTTPBodyWriter(exchange)
    }

    /// Switches an HTTP/1.1 connection to another protocol; `connection: Upgrade` is the caller's to give.
    ///
    /// Nil, with nothing sent, when the request came over HTTP/2 or was answered already.
    package func upgrade(status: Int = 101, fields: HTTPFields) -> RawConnection? {
        guard exchange.canUpgrade, exchange.claimAnswer() else { return nil }
        return exchange.upgrade(status: status, fields: fields)
    }

    /// Calls `body` once if the client leaves, or is cut, before the answer is complete; at once if that happened.
    /// Called on the event loop; must not block. Not called after a complete answer.
    package func onClose(_ body: @escaping @Sendable (HTTPCloseReason) -> Void) {
        exchange.onClose(body)
    }

    /// Whether the client has left.
    package var isClosed: Bool { exchange.closeReason != nil }
}
