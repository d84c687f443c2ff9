import APIMachinery
import NIOCore
import NIOHTTP1

/// The last handler of a stream (HTTP/2) or connection (HTTP/1.1): hands what comes to the exchange's sink.
final class ResponseHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    /// Nil between the exchanges of an HTTP/1.1 connection.
    private var sink: ResponseSink?
    private var keepsAlive: Bool = false
    /// Told when an exchange has ended well, with whether the connection can be used again. HTTP/1.1 only.
    private let onEnd: ((any Channel, Bool) -> Void)?
    private var context: ChannelHandlerContext?

    init(_ sink: ResponseSink? = nil, onEnd: ((any Channel, Bool) -> Void)? = nil) {
        self.sink = sink
        self.onEnd = onEnd
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if let sink { attach(sink, context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    /// Begins another exchange on an HTTP/1.1 connection.
    func begin(_ sink: ResponseSink) {
        guard let context, context.channel.isActive else {
            sink.fail(.connectionFailure("the connection was closed"))
            return
        }
        self.sink = sink
        attach(sink, context)
    }

    private func attach(_ sink: ResponseSink, _ context: ChannelHandlerContext) {
        let channel: any Channel = context.channel
        let handler: NIOLoopBound<ResponseHandler> = NIOLoopBound(self, eventLoop: channel.eventLoop)
        let exchange = ObjectIdentifier(sink)
        sink.attach(
            resume: { channel.eventLoop.execute { channel.read() } },
            abort: { channel.eventLoop.execute { handler.value.abort(exchange) } })
    }

    /// Ends an exchange early. When it has ended already, the connection may serve another one by now, which goes on.
    private func abort(_ exchange: ObjectIdentifier) {
        guard let sink, ObjectIdentifier(sink) == exchange else { return }
        context?.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            keepsAlive = head.isKeepAlive
            sink?.receive(head: head)
        case .body(let body):
            sink?.receive(body: body)
        case .end:
            let ended: ResponseSink? = sink
            sink = nil
            ended?.end()
            onEnd?(context.channel, keepsAlive)
        }
    }

    func read(context: ChannelHandlerContext) {
        guard let sink else {
            context.read()
            return
        }
        if sink.mayRead() { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        sink?.fail(.connectionFailure("the connection broke: \(error)"))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        sink?.fail(.connectionFailure("the connection was closed before the answer was complete"))
        sink = nil
        context.fireChannelInactive()
    }
}
