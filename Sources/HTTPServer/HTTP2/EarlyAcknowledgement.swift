import NIOCore

/// Lets our settings hold from a connection's first request on.
///
/// `NIOHTTP2Handler` applies its own settings when the client has acknowledged them; until then a head has NIO's 16 KiB.
/// But a client sends its first request along with its settings, before it can have seen ours. All that ours do is allow
/// more than the default, so nothing speaks against letting them hold at once: the acknowledgement is put into the bytes
/// right after the client's first frame, and the client's own is taken out when it comes.
///
///     client:  magic  SETTINGS         HEADERS …  ACK  HEADERS …
///     above:   magic  SETTINGS  (ACK)  HEADERS …       HEADERS …
struct EarlyAcknowledgement {
    private static let magicCount: Int = 24
    private static let headerCount: Int = 9
    /// An empty SETTINGS frame with the flag ACK.
    private static let frame: [UInt8] = [0, 0, 0, 0x4, 0x1, 0, 0, 0, 0]

    private enum State: Equatable {
        /// So many bytes of the magic, and then the first frame, are to come.
        case magic(left: Int)
        case first
        case searching
        /// The client's own acknowledgement has come; nothing is looked at any more.
        case done
    }

    private var state: State = .magic(left: magicCount)
    /// Of the frame whose header has come.
    private var payloadLeft: Int = 0
    /// A header that is not complete yet.
    private var header: [UInt8] = []

    var isDone: Bool { state == .done }

    /// What the frames' handler is to see of these bytes.
    mutating func receive(_ bytes: inout ByteBuffer, into output: inout ByteBuffer) {
        while bytes.readableBytes > 0, step(&bytes, &output) {}
        if isDone { output.writeBuffer(&bytes) }
    }

    /// - Returns: false when there is nothing more to do.
    private mutating func step(_ bytes: inout ByteBuffer, _ output: inout ByteBuffer) -> Bool {
        if case .magic(let left) = state {
            let count: Int = min(left, bytes.readableBytes)
            pass(count, &bytes, &output)
            state = count == left ? .first : .magic(left: left - count)
            return true
        }
        if isDone { return false }
        if payloadLeft > 0 {
            let count: Int = min(payloadLeft, bytes.readableBytes)
            pass(count, &bytes, &output)
            payloadLeft -= count
            if payloadLeft == 0 { endFrame(&output) }
            return true
        }
        let missing: Int = Self.headerCount - header.count
        header += bytes.readBytes(length: min(missing, bytes.readableBytes)) ?? []
        guard header.count == Self.headerCount else { return false }
        beginFrame(&output)
        return true
    }

    private mutating func beginFrame(_ output: inout ByteBuffer) {
        defer { header = [] }
        let isAcknowledgement: Bool = header[3] == 0x4 && header[4] & 0x1 != 0
        if state == .searching, isAcknowledgement {
            state = .done
            // One with a payload is an error, which is the frames' handler's to find.
            let isEmpty: Bool = header[0] == 0 && header[1] == 0 && header[2] == 0
            if !isEmpty { output.writeBytes(header) }
            return
        }
        output.writeBytes(header)
        payloadLeft = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
        if payloadLeft == 0 { endFrame(&output) }
    }

    private mutating func endFrame(_ output: inout ByteBuffer) {
        guard state == .first else { return }
        output.writeBytes(Self.frame)
        state = .searching
    }

    private func pass(_ count: Int, _ bytes: inout ByteBuffer, _ output: inout ByteBuffer) {
        if var part = bytes.readSlice(length: count) { output.writeBuffer(&part) }
    }
}

/// Below the frames' handler until the client has acknowledged our settings.
final class EarlyAcknowledgementHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var machine = EarlyAcknowledgement()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes: ByteBuffer = unwrapInboundIn(data)
        var output: ByteBuffer = context.channel.allocator.buffer(capacity: bytes.readableBytes + 9)
        machine.receive(&bytes, into: &output)
        if output.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(output)) }
        if machine.isDone { context.pipeline.syncOperations.removeHandler(context: context, promise: nil) }
    }
}
