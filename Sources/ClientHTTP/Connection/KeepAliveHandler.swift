import NIOCore
import NIOHTTP2

/// Pings an HTTP/2 connection and closes it when the answer does not come: else a peer that vanished would be noticed
/// only after many minutes, and watches would be silent all that time. Upstream's times.
final class KeepAliveHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    static let interval: TimeAmount = .seconds(30)
    static let patience: TimeAmount = .seconds(15)

    private var scheduled: Scheduled<Void>?
    private var isWaiting: Bool = false

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { schedule(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        schedule(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        scheduled?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .ping(_, ack: true) = unwrapInboundIn(data).payload { isWaiting = false }
        context.fireChannelRead(data)
    }

    private func schedule(_ context: ChannelHandlerContext) {
        scheduled?.cancel()
        scheduled = context.eventLoop.assumeIsolated().scheduleTask(in: Self.interval) { self.ping(context) }
    }

    private func ping(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        isWaiting = true
        let frame = HTTP2Frame(streamID: .rootStream, payload: .ping(HTTP2PingData(withInteger: 1), ack: false))
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        scheduled = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) {
            if self.isWaiting { context.close(promise: nil) } else { self.schedule(context) }
        }
    }
}
