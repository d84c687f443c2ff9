/// One request with its whole body, independent of the HTTP version that it came in.
package struct HTTPRequest: Sendable {
    package enum Version: String, Sendable {
        case http10 = "HTTP/1.0"
        case http11 = "HTTP/1.1"
        case http2 = "HTTP/2.0"
    }

    /// As sent, case kept: `GET`.
    package var method: String
    /// Path and query as sent, still percent-encoded: `/api/v1/pods?limit=500`.
    package var target: String
    package var version: Version
    /// Without the HTTP/2 pseudo fields; `:authority` is given as `host`.
    package var fields: HTTPFields
    /// Whole, without transfer coding; at most the configured limit.
    package var body: [UInt8]
    package var connection: HTTPConnection

    package init(
        method: String, target: String, version: Version, fields: HTTPFields, body: [UInt8], connection: HTTPConnection
    ) {
        self.method = method
        self.target = target
        self.version = version
        self.fields = fields
        self.body = body
        self.connection = connection
    }

    /// The protocol that the client wants to switch to (`SPDY/3.1`, `websocket`), if `responder.upgrade` may be used.
    package var requestedUpgrade: String? {
        guard version == .http11, fields.hasToken("upgrade", in: "connection") else { return nil }
        return fields["upgrade"]
    }
}

/// What all requests of one connection share.
package final class HTTPConnection: Sendable {
    /// `address:port` of the peer.
    package let remoteAddress: String
    /// The address alone.
    package let remoteHost: String
    package let isTLS: Bool
    /// DER of the client's certificate, verified against the client CAs; nil when it gave none.
    package let peerCertificate: [UInt8]?
    /// Whether the client gave a certificate that is not believed; see `HTTPServerConfiguration.acceptsClient`.
    package let isPeerRefused: Bool
    /// What the handler's `identify` made of the certificate.
    package let identity: (any Sendable)?

    package init(
        remoteAddress: String, remoteHost: String, isTLS: Bool, peerCertificate: [UInt8]?, isPeerRefused: Bool = false,
        identity: (any Sendable)?
    ) {
        self.remoteAddress = remoteAddress
        self.remoteHost = remoteHost
        self.isTLS = isTLS
        self.peerCertificate = peerCertificate
        self.isPeerRefused = isPeerRefused
        self.identity = identity
    }
}
