import NIOCore

/// Puts writes together before TLS, which else makes a record of each.
///
/// HTTP/2 writes a frame's nine bytes of head and its body apart, so that every second record would carry nine bytes: a
/// sealing here, an opening and a wake-up at the client. What is gathered goes down at a flush, or when it is large.
final class WriteCoalescer: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Eight full TLS records.
    private static let limit: Int = 128 * 1024

    private var gathered: ByteBuffer = ByteBuffer()
    /// What was gathered last: room for as much is made at once.
    private var expected: Int = 256
    /// The last buffer, to be filled again: by then TLS has let go of it, else it is copied on write.
    private var spare: ByteBuffer = ByteBuffer()
    /// A larger one is not kept where little is written.
    private static let keptCapacity: Int = 16 * 1024
    private var promise: EventLoopPromise<Void>?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes: ByteBuffer = unwrapOutboundIn(data)
        if gathered.readableBytes > 0, gathered.readableBytes + bytes.readableBytes > Self.limit { passDown(context) }
        if gathered.readableBytes == 0 {
            let wanted: Int = max(expected, bytes.readableBytes)
            if spare.capacity >= wanted {
                gathered = spare
                spare = ByteBuffer()
                gathered.clear()
            } else {
                gathered = context.channel.allocator.buffer(capacity: wanted)
            }
        }
        gathered.writeImmutableBuffer(bytes)
        guard let promise else { return }
        if let first = self.promise {
            first.futureResult.cascade(to: promise)
        } else {
            self.promise = promise
        }
    }

    func flush(context: ChannelHandlerContext) {
        passDown(context)
        context.flush()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        passDown(context)
        context.close(mode: mode, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        promise?.fail(ChannelError.ioOnClosedChannel)
        promise = nil
    }

    private func passDown(_ context: ChannelHandlerContext) {
        guard gathered.readableBytes > 0 || promise != nil else { return }
        expected = gathered.readableBytes
        let bytes: ByteBuffer = gathered
        gathered = ByteBuffer()
        spare = bytes.capacity <= max(Self.keptCapacity, 4 * expected) ? bytes : ByteBuffer()
        context.write(wrapOutboundOut(bytes), promise: promise.take())
    }
}
