/// Answers requests. Called on an event loop: it must not block.
package protocol HTTPHandler: Sendable {
    /// Answers one request, in this call or later from any thread.
    ///
    /// A responder that is dropped without an answer answers 500.
    func handle(_ request: HTTPRequest, responder: HTTPResponder)

    /// Makes an identity of a verified client certificate (DER). Called once per TLS connection that has one; the
    /// result is in `HTTPConnection.identity`.
    func identify(peerCertificate: [UInt8]) -> (any Sendable)?

    /// The most bytes of body that are collected for this request; above, the client gets 413.
    /// `nil` means the configured limit.
    func bodyLimit(method: String, target: String) -> Int?

    /// What a client is told whose body is above `limit`; `fields` are the request's. Nil: a line of text.
    func bodyTooLarge(fields: HTTPFields, limit: Int) -> (contentType: String, body: [UInt8])?
}

extension HTTPHandler {
    package func identify(peerCertificate: [UInt8]) -> (any Sendable)? { nil }
    package func bodyLimit(method: String, target: String) -> Int? { nil }
    package func bodyTooLarge(fields: HTTPFields, limit: Int) -> (contentType: String, body: [UInt8])? { nil }
}

/// A handler made of a closure.
package struct HTTPClosureHandler: HTTPHandler {
    private let body: @Sendable (HTTPRequest, HTTPResponder) -> Void

    package init(_ body: @escaping @Sendable (HTTPRequest, HTTPResponder) -> Void) {
        self.body = body
    }

    package func handle(_ request: HTTPRequest, responder: HTTPResponder) {
        body(request, responder)
    }
}

/// Why an exchange ended before its answer was complete.
package enum HTTPCloseReason: Sendable, Equatable {
    /// The client closed the connection, or reset the stream.
    case clientGone
    /// The client did not take bytes for `writeStallTimeout`.
    case stalled
    /// The server's deadline for requests in flight passed at its shutdown.
    case shutdown
    /// Our side gave up (`HTTPBodyWriter.abort`, or a writer dropped without `finish`).
    case aborted
}
