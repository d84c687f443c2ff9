import NIOCore
import NIOHTTP1

/// The part of an HTTP answer that a probe looks at.
struct HTTPAnswer: Sendable {
    var status: Int
    /// Empty: none.
    var location: String
}

/// Sends one request when the connection is up, and fulfils the promise with the head of the answer.
final class AnswerCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let promise: EventLoopPromise<HTTPAnswer>

    init(head: HTTPRequestHead, promise: EventLoopPromise<HTTPAnswer>) {
        self.head = head
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let answer) = unwrapInboundIn(data), answer.status.code >= 200 else { return }
        promise.succeed(
            HTTPAnswer(status: Int(answer.status.code), location: answer.headers.first(name: "Location") ?? ""))
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(ProbeError.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
