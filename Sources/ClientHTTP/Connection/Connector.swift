import APIMachinery
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL

/// Opens connections: TCP, TLS, and what ALPN chooses.
struct Connector: Sendable {
    static let connectTimeout: TimeAmount = .seconds(10)
    /// What one stream, and the connection, may have under way.
    static let windowBytes: Int = 1 << 20

    let host: String
    let port: Int
    let serverName: String
    let group: any EventLoopGroup

    /// - Parameters:
    ///   - tls: nil for plain HTTP/1.1.
    ///   - onIdle: told when an HTTP/1.1 connection can be used for another exchange.
    func connect(
        tls: NIOSSLContext?, onIdle: @escaping @Sendable (Link) -> Void
    ) -> EventLoopFuture<Link> {
        let loop: any EventLoop = group.next()
        let promise: EventLoopPromise<Link> = loop.makePromise()
        ClientBootstrap(group: loop)
            .connectTimeout(Self.connectTimeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try initialize(channel, tls, promise, onIdle)
                }
            }
            .connect(host: host, port: port)
            .whenFailure { promise.fail($0) }
        return promise.futureResult
    }

    private func initialize(
        _ channel: any Channel, _ tls: NIOSSLContext?, _ promise: EventLoopPromise<Link>,
        _ onIdle: @escaping @Sendable (Link) -> Void
    ) throws {
        channel.closeFuture.whenComplete { _ in promise.fail(ChannelError.eof) }
        guard let tls else {
            try addHTTP1(channel, promise, onIdle)
            return
        }
        // An address is no server name in the sense of RFC 6066.
        let isAddress: Bool = (try? SocketAddress(ipAddress: serverName, port: 0)) != nil
        let handler = try NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : serverName)
        try channel.pipeline.syncOperations.addHandler(handler)
        channel.configureHTTP2SecureUpgrade(
            h2ChannelConfigurator: { channel in
                channel.eventLoop.makeCompletedFuture { try addHTTP2(channel, promise) }
            },
            http1ChannelConfigurator: { channel in
                channel.eventLoop.makeCompletedFuture { try addHTTP1(channel, promise, onIdle) }
            }
        ).whenFailure { promise.fail($0) }
        try channel.pipeline.syncOperations.addHandler(HandshakeFailureHandler(promise))
    }

    private func addHTTP2(_ channel: any Channel, _ promise: EventLoopPromise<Link>) throws {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 1 << 16),
            HTTP2Setting(parameter: .initialWindowSize, value: Self.windowBytes),
        ]
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = Self.windowBytes
        let multiplexer: NIOHTTP2Handler.StreamMultiplexer = try channel.pipeline.syncOperations
            .configureHTTP2Pipeline(
                mode: .client, connectionConfiguration: connection, streamConfiguration: stream,
                inboundStreamInitializer: { pushed in pushed.close() })
        try channel.pipeline.syncOperations.addHandler(KeepAliveHandler())
        promise.succeed(.http2(channel, multiplexer))
    }

    private func addHTTP1(
        _ channel: any Channel, _ promise: EventLoopPromise<Link>, _ onIdle: @escaping @Sendable (Link) -> Void
    ) throws {
        try channel.pipeline.syncOperations.addHTTPClientHandlers()
        let handler = ResponseHandler(onEnd: { channel, isReusable in
            guard isReusable, channel.isActive,
                let handler = try? channel.pipeline.syncOperations.handler(type: ResponseHandler.self)
            else {
                channel.close(promise: nil)
                return
            }
            onIdle(.http1(channel, NIOLoopBound(handler, eventLoop: channel.eventLoop)))
        })
        try channel.pipeline.syncOperations.addHandler(handler)
        let link: Link = .http1(channel, NIOLoopBound(handler, eventLoop: channel.eventLoop))
        if channel.isActive {
            promise.succeed(link)
        } else {
            // Plain HTTP: the pipeline is made before the connection is.
            try channel.pipeline.syncOperations.addHandler(ActiveHandler { promise.succeed(link) })
        }
    }
}

/// Tells why a TLS handshake failed.
private final class HandshakeFailureHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny
    private let promise: EventLoopPromise<Link>

    init(_ promise: EventLoopPromise<Link>) {
        self.promise = promise
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}

/// Calls once when the connection is there.
private final class ActiveHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny
    private let action: () -> Void

    init(_ action: @escaping () -> Void) {
        self.action = action
    }

    func channelActive(context: ChannelHandlerContext) {
        action()
        context.fireChannelActive()
    }
}
