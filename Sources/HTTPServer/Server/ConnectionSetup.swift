import NIOCore
import NIOHTTP2
import NIOSSL

/// Puts the handlers of a new connection in place. On its event loop.
enum ConnectionSetup {
    static func configure(_ channel: any Channel, shard: Shard, context: NIOSSLContext?) throws {
        guard let context else {
            try addHTTP1(channel, shard: shard, isTLS: false)
            return
        }
        let handshake: Handshake = Handshake(channel, shard: shard)
        shard.add(handshake)
        let bound: NIOLoopBound<(Shard, Handshake)> = NIOLoopBound((shard, handshake), eventLoop: channel.eventLoop)
        channel.closeFuture.whenComplete { _ in bound.value.0.remove(bound.value.1) }
        try channel.pipeline.syncOperations.addHandler(tlsHandler(context, shard.configuration))
        // Clients that offer no ALPN get HTTP/1.1.
        let negotiated: EventLoopFuture<Void> = channel.configureHTTP2SecureUpgrade(
            h2ChannelConfigurator: { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (shard, handshake): (Shard, Handshake) = bound.value
                    try addHTTP2(channel, shard: shard)
                    shard.remove(handshake)
                }
            },
            http1ChannelConfigurator: { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (shard, handshake): (Shard, Handshake) = bound.value
                    try addHTTP1(channel, shard: shard, isTLS: true)
                    shard.remove(handshake)
                }
            })
        negotiated.whenFailure { _ in channel.close(promise: nil) }
    }

    private static func tlsHandler(
        _ context: NIOSSLContext, _ configuration: HTTPServerConfiguration
    ) -> NIOSSLServerHandler {
        guard configuration.verifyClient != nil else { return NIOSSLServerHandler(context: context) }
        // Whom to believe is decided in `connection`, which a resumed session comes to as well. That the client has the
        // certificate's key was proved by its signature in the handshake.
        return NIOSSLServerHandler(context: context) { _, promise in promise.succeed(.certificateVerified) }
    }

    private static func addHTTP1(_ channel: any Channel, shard: Shard, isTLS: Bool) throws {
        let connection: HTTPConnection = try connection(channel, shard: shard, isTLS: isTLS)
        try channel.pipeline.syncOperations.addHandler(HTTP1ConnectionHandler(shard: shard, connection: connection))
    }

    private static func addHTTP2(_ channel: any Channel, shard: Shard) throws {
        let connection: HTTPConnection = try connection(channel, shard: shard, isTLS: true)
        try channel.pipeline.syncOperations.addHandlers([
            WriteCoalescer(),
            EarlyAcknowledgementHandler(),
            HTTP2ConnectionHandler.frameHandler(shard.configuration),
            HTTP2ConnectionHandler(shard: shard, connection: connection),
        ])
    }

    private static func connection(_ channel: any Channel, shard: Shard, isTLS: Bool) throws -> HTTPConnection {
        var certificate: [UInt8]?
        var isRefused: Bool = false
        if isTLS {
            let tls: NIOSSLServerHandler = try channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
            certificate = try tls.peerCertificate?.toDERBytes()
            if let given = certificate, let verify = shard.configuration.verifyClient, !verify(given) {
                (certificate, isRefused) = (nil, true)
            }
        }
        let host: String = channel.remoteAddress?.ipAddress ?? ""
        let port: Int = channel.remoteAddress?.port ?? 0
        return HTTPConnection(
            remoteAddress: host.utf8.contains(0x3A) ? "[\(host)]:\(port)" : "\(host):\(port)", remoteHost: host,
            isTLS: isTLS, peerCertificate: certificate,
            identity: certificate.flatMap { shard.handler.identify(peerCertificate: $0) }, isPeerRefused: isRefused)
    }
}
