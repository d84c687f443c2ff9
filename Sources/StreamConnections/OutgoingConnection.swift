import NIOCore

/// A connection that we opened. Dropping the last reference closes it.
package final class OutgoingConnection: ByteConnection {
    private let channel: any Channel
    private let input: IncomingBytes

    init(_ channel: any Channel, _ input: IncomingBytes) {
        self.channel = channel
        self.input = input
    }

    deinit {
        channel.close(promise: nil)
    }

    package func read() async -> [UInt8]? {
        await input.read { channel.read() }
    }

    /// Returns when the socket has taken the bytes.
    package func write(_ bytes: [UInt8]) async -> Bool {
        do {
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
            return true
        } catch {
            return false
        }
    }

    package func closeWrite() {
        channel.close(mode: .output, promise: nil)
    }

    package func close() {
        input.end()
        channel.close(promise: nil)
    }

    /// What broke the connection, such as a failed handshake; nil for an orderly end.
    package var failure: String? { input.failure }

    /// Puts bytes back to be read again.
    func unread(_ bytes: [UInt8]) {
        input.unread(bytes)
    }
}

/// Hands what comes to `IncomingBytes`, and does not ask for more while that is full.
final class IncomingHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let input: IncomingBytes

    init(_ input: IncomingBytes) {
        self.input = input
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.received(Array(unwrapInboundIn(data).readableBytesView))
    }

    func read(context: ChannelHandlerContext) {
        // The reader asks again when it has taken what is there.
        if !input.isPaused { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { input.end() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        input.end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        input.end(failure: DialError.words(error))
        context.close(promise: nil)
    }
}
