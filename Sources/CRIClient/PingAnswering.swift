import NIOCore

/// Answers the server's HTTP/2 pings by itself, before swift-nio-http2 sees them.
///
/// Runtimes written in Go measure the connection with a ping for nearly every answer they send (gRPC's
/// bandwidth estimation). swift-nio-http2 takes 200 such frames within seconds for an attack and closes the
/// connection, with all calls on it: measured, at the 198th `Version` in a row. gRPC's transport has no setting for
/// that limit, and a runtime behind a unix socket of root's is no attacker.
///
/// Sits next to the socket and looks at frame headers only (RFC 9113, section 4.1):
///
///     length (3 bytes)  type (1)  flags (1)  stream (4)  payload (length bytes)
final class PingAnswering: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let headerLength = 9
    private static let pingType: UInt8 = 6
    private static let acknowledged: UInt8 = 1
    private static let pingLength = 8

    /// The start of a frame whose header, or whose ping, is not complete yet: at most 16 bytes between reads.
    private var rest = ByteBuffer()
    /// Payload of the current frame that is still to come.
    private var passing = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        if rest.readableBytes > 0 {
            rest.writeBuffer(&input)
            input = rest
            rest = ByteBuffer()
        }
        // Frames in a row that are not pings travel as one slice, as they came.
        var start = input.readerIndex
        var next = start
        let end = input.writerIndex
        while next < end {
            if passing > 0 {
                let step = min(passing, end - next)
                passing -= step
                next += step
                continue
            }
            guard end - next >= Self.headerLength, let length = Self.length(input, at: next),
                let type = input.getInteger(at: next + 3, as: UInt8.self),
                let flags = input.getInteger(at: next + 4, as: UInt8.self)
            else { break }
            guard type == Self.pingType, flags & Self.acknowledged == 0, length == Self.pingLength else {
                passing = Self.headerLength + length
                continue
            }
            let whole = Self.headerLength + Self.pingLength
            guard end - next >= whole, let ping = input.getSlice(at: next, length: whole) else { break }
            forward(context, input, from: start, to: next)
            answer(context, ping)
            next += whole
            start = next
        }
        forward(context, input, from: start, to: next)
        if next < end, let left = input.getSlice(at: next, length: end - next) { rest = left }
    }

    private static func length(_ buffer: ByteBuffer, at index: Int) -> Int? {
        guard let high = buffer.getInteger(at: index, as: UInt16.self),
            let low = buffer.getInteger(at: index + 2, as: UInt8.self)
        else { return nil }
        return Int(high) << 8 | Int(low)
    }

    private func forward(_ context: ChannelHandlerContext, _ buffer: ByteBuffer, from start: Int, to end: Int) {
        guard end > start, let slice = buffer.getSlice(at: start, length: end - start) else { return }
        context.fireChannelRead(wrapInboundOut(slice))
    }

    /// The same frame with the acknowledgement's flag. Frames are written whole in one turn of the event loop,
    /// so this one lands between two of the connection's own.
    private func answer(_ context: ChannelHandlerContext, _ ping: ByteBuffer) {
        var reply = ping
        reply.setInteger(Self.acknowledged, at: reply.readerIndex + 4)
        context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
    }
}
