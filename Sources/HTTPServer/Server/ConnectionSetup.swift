import NIOCore
import NIOHTTP2
import NIOSSL
import Synchronization

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
        let verdict: ClientVerdict? = shard.configuration.acceptsClient == nil ? nil : ClientVerdict()
        try channel.pipeline.syncOperations.addHandler(
            tlsHandler(context, verdict, shard.configuration.acceptsClient))
        // Clients that offer no ALPN get HTTP/1.1.
        let negotiated: EventLoopFuture<Void> = channel.configureHTTP2SecureUpgrade(
            h2ChannelConfigurator: { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (shard, handshake): (Shard, Handshake) = bound.value
                    try addHTTP2(channel, shard: shard, verdict: verdict)
                    shard.remove(handshake)
                }
            },
            http1ChannelConfigurator: { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (shard, handshake): (Shard, Handshake) = bound.value
                    try addHTTP1(channel, shard: shard, isTLS: true, verdict: verdict)
                    shard.remove(handshake)
                }
            })
        negotiated.whenFailure { _ in channel.close(promise: nil) }
    }

    /// With a judge of our own, TLS takes every certificate; what it is worth is kept in the verdict.
    private static func tlsHandler(
        _ context: NIOSSLContext, _ verdict: ClientVerdict?, _ accepts: (@Sendable ([[UInt8]]) async -> Bool)?
    ) -> NIOSSLServerHandler {
        guard let verdict, let accepts else { return NIOSSLServerHandler(context: context) }
        return NIOSSLServerHandler(
            context: context,
            customVerificationCallback: { chain, promise in
                let encoded: [[UInt8]] = chain.compactMap { try? $0.toDERBytes() }
                promise.completeWithTask {
                    verdict.set(encoded.count == chain.count ? await accepts(encoded) : false)
                    return .certificateVerified
                }
            })
    }

    private static func addHTTP1(_ channel: any Channel, shard: Shard, isTLS: Bool, verdict: ClientVerdict? = nil)
        throws
    {
        let connection: HTTPConnection = try connection(channel, shard: shard, isTLS: isTLS, verdict)
        try channel.pipeline.syncOperations.addHandler(HTTP1ConnectionHandler(shard: shard, connection: connection))
    }

    private static func addHTTP2(_ channel: any Channel, shard: Shard, verdict: ClientVerdict?) throws {
        let connection: HTTPConnection = try connection(channel, shard: shard, isTLS: true, verdict)
        try channel.pipeline.syncOperations.addHandlers([
            HTTP2ConnectionHandler.frameHandler(shard.configuration),
            HTTP2ConnectionHandler(shard: shard, connection: connection),
        ])
    }

    private static func connection(_ channel: any Channel, shard: Shard, isTLS: Bool, _ verdict: ClientVerdict?)
        throws -> HTTPConnection
    {
        var certificate: [UInt8]?
        if isTLS {
            let tls: NIOSSLServerHandler = try channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
            certificate = try tls.peerCertificate?.toDERBytes()
        }
        var isRefused: Bool = false
        if certificate != nil, let verdict, !verdict.isAccepted {
            isRefused = true
            certificate = nil
        }
        let host: String = channel.remoteAddress?.ipAddress ?? ""
        let port: Int = channel.remoteAddress?.port ?? 0
        return HTTPConnection(
            remoteAddress: host.utf8.contains(0x3A) ? "[\(host)]:\(port)" : "\(host):\(port)", remoteHost: host,
            isTLS: isTLS, peerCertificate: certificate, isPeerRefused: isRefused,
            identity: certificate.flatMap { shard.handler.identify(peerCertificate: $0) })
    }
}

/// What a judge said of a client's certificate; nothing said is no.
private final class ClientVerdict: Sendable {
    private let accepted = Mutex(false)

    var isAccepted: Bool { accepted.withLock { $0 } }

    func set(_ isAccepted: Bool) {
        accepted.withLock { $0 = isAccepted }
    }
}
