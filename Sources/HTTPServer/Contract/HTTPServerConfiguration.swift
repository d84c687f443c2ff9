/// Limits and timeouts of a server.
package struct HTTPServerConfiguration: Sendable {
    /// An address to listen on: `0.0.0.0`, `::`, `127.0.0.1`.
    package var host: String
    /// 0 lets the kernel choose.
    package var port: Int
    /// Bytes of request body; upstream's limit for resource requests is 3 MiB.
    package var bodyLimit: Int = 3 * 1024 * 1024
    /// Bytes of request line and fields (HTTP/1.1), or of the decoded field list (HTTP/2); upstream's value.
    package var headLimit: Int = 1024 * 1024
    package var fieldCountLimit: Int = 200
    /// Streams open at once on an HTTP/2 connection; upstream's value.
    package var concurrentStreams: Int = 250
    /// Bytes of request bodies, not yet complete, that one HTTP/2 connection may hold.
    package var connectionBodyLimit: Int = 64 * 1024 * 1024
    /// Connections open at once; more are closed at accept.
    package var connectionLimit: Int = 20_000
    /// For the TLS handshake.
    package var handshakeTimeout: Duration = .seconds(10)
    /// Decides about a client's certificate (DER) after the handshake, which then takes any: a refused one counts as
    /// none, and the connection says so, so that requests can be answered 401 as upstream does.
    /// Nil: the handshake fails unless one of the identity's client authorities vouches for the certificate.
    package var verifyClient: (@Sendable ([UInt8]) -> Bool)?
    /// From the first byte of a request's head to its last; upstream's read header timeout.
    package var headTimeout: Duration = .seconds(32)
    /// From the end of the head to the end of the body.
    package var bodyTimeout: Duration = .seconds(60)
    /// Between requests; upstream's idle timeout.
    package var idleTimeout: Duration = .seconds(90)
    /// How long bytes may wait for a client that does not read.
    package var writeStallTimeout: Duration = .seconds(60)
    /// An HTTP/2 client that is silent for this long, with streams open, is pinged, and cut when silent as long again.
    package var pingInterval: Duration = .seconds(30)
    /// Below this many buffered bytes a body writer is writable.
    package var writerLowWatermark: Int = 64 * 1024
    /// The most bytes a body writer holds.
    package var writerLimit: Int = 8 * 1024 * 1024
    /// What a raw connection holds of received bytes before it stops reading.
    package var rawReadLimit: Int = 256 * 1024
    /// How long requests may go on when `run()` is cancelled.
    package var shutdownGrace: Duration = .seconds(10)
    /// How often timeouts are looked at.
    package var sweepInterval: Duration = .seconds(2)

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// Why a server could not do its work.
package struct HTTPServerError: Error, CustomStringConvertible {
    package enum Code: Sendable {
        case bindFailed
        case badIdentity
        case alreadyStarted
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
