import NIOCore

/// Serves one HTTP/1.x connection: one exchange at a time, in order; pipelined requests wait, bounded, in the parser.
///
///     reading ──request complete──► answering ──answer handed over──► reading
///        │                              ├──upgrade──► raw
///        └──rejection──► discarding ──► closed
final class HTTP1ConnectionHandler: ChannelDuplexHandler, ManagedConnection {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        case reading
        case answering(Exchange)
        case raw(Exchange, RawInput)
        /// Answered and about to close; what still comes in is thrown away until then.
        case discarding(until: NIODeadline)
        case closed
    }

    /// Pipelined bytes that may wait behind an answer.
    private static let pipelineLimit: Int = 64 * 1024

    let shard: Shard
    let connection: HTTPConnection
    var phase: Phase = .reading
    var context: ChannelHandlerContext?
    var outbox: Outbox?
    var parser: HTTP1Parser

    /// The request whose body is being collected.
    var head: HTTP1Parser.Head?
    var body: [UInt8] = []
    var bodyLimit: Int = 0
    /// When the wait for the current thing (head, body, next request) began.
    var waitingSince: NIODeadline = .now()
    private var sawHeadByte: Bool = false
    private var isAdvancing: Bool = false

    /// Of the current answer.
    var isKeepAlive: Bool = true
    var isHTTP10: Bool = false
    var headSent: Bool = false
    var framing: HTTP1Encoder.Framing = .none
    var sentBytes: Int = 0

    /// Of a raw connection: our direction ended; nobody holds it any more.
    var isOutputDone: Bool = false
    var isAbandoned: Bool = false

    var isDraining: Bool = false
    private var isPaused: Bool = false
    private var hasPendingRead: Bool = false
    private(set) var isReading: Bool = false
    private var needsFlush: Bool = false
    private var flushScheduled: Bool = false
    /// The last time the socket took bytes, or became unwritable.
    var progressAt: NIODeadline = .now()

    init(shard: Shard, connection: HTTPConnection) {
        self.shard = shard
        self.connection = connection
        self.parser = HTTP1Parser(
            limits: .init(headBytes: shard.configuration.headLimit, fieldCount: shard.configuration.fieldCountLimit))
    }

    // MARK: channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        outbox = Outbox(eventLoop: context.eventLoop, sink: self)
        shard.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended(.clientGone)
        self.context = nil
        outbox = nil
        shard.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended(.clientGone)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer: ByteBuffer = unwrapInboundIn(data)
        isReading = true
        switch phase {
        case .reading, .answering:
            parser.append(buffer.readableBytesView)
            advance()
            if case .answering = phase, parser.bufferedCount >= Self.pipelineLimit { isPaused = true }
        case .raw(_, let input):
            isPaused = input.received(Array(buffer.readableBytesView), limit: shard.configuration.rawReadLimit)
        case .discarding, .closed:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if needsFlush { flushNow() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        progressAt = .now()
        if context.channel.isWritable { advance() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent, case .raw(_, let input) = phase { input.end() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if isPaused { hasPendingRead = true } else { context.read() }
    }

    // MARK: requests

    /// Goes on with what has been received, until it is not enough or an answer is outstanding.
    func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while case .reading = phase, let context, context.channel.isWritable {
            switch parser.next() {
            case .needMore:
                if head == nil, parser.isInHead != sawHeadByte {
                    sawHeadByte = parser.isInHead
                    waitingSince = .now()
                }
                resumeReading()
                return
            case .head(let head): receive(head)
            case .body(let bytes): receive(bytes)
            case .end: dispatch()
            case .failed(let rejection): reject(rejection)
            }
        }
    }

    private func receive(_ head: HTTP1Parser.Head) {
        isHTTP10 = head.version == .http10
        isKeepAlive = head.keepAlive && !isDraining
        self.head = head
        sawHeadByte = false
        waitingSince = .now()
        bodyLimit =
            shard.handler.bodyLimit(method: head.method, target: head.target) ?? shard.configuration.bodyLimit
        if let length = head.contentLength {
            if length > bodyLimit { return reject(.bodyTooLarge) }
            body.reserveCapacity(length)
        }
        if head.expectsContinue, head.isChunked || (head.contentLength ?? 0) > 0, let context {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        }
    }

    private func receive(_ bytes: ArraySlice<UInt8>) {
        if body.count + bytes.count > bodyLimit { return reject(.bodyTooLarge) }
        body.append(contentsOf: bytes)
    }

    private func dispatch() {
        guard let head, let outbox else { return }
        let request: HTTPRequest = HTTPRequest(
            method: head.method, target: head.target, version: head.version, fields: head.fields, body: body,
            connection: connection)
        self.head = nil
        body = []
        let exchange: Exchange = Exchange(
            streamID: 0, isHead: head.method == "HEAD", canUpgrade: request.requestedUpgrade != nil, outbox: outbox,
            lowWatermark: shard.configuration.writerLowWatermark, limit: shard.configuration.writerLimit)
        phase = .answering(exchange)
        headSent = false
        shard.metrics.requestStarted()
        shard.handler.handle(request, responder: HTTPResponder(exchange))
    }

    /// Answers bytes that are not a request that we take, and closes.
    func reject(_ rejection: HTTP1Rejection) {
        shard.metrics.rejected()
        let fields: HTTPFields? = rejection.status == 413 ? head?.fields : nil
        let told: (contentType: String, body: [UInt8])? = fields.flatMap {
            shard.handler.bodyTooLarge(fields: $0, limit: bodyLimit)
        }
        head = nil
        body = []
        guard let context else { return }
        let text: [UInt8] = told?.body ?? [UInt8]((rejection.message + "\n").utf8)
        var buffer: ByteBuffer = context.channel.allocator.buffer(capacity: 256 + text.count)
        HTTP1Encoder.head(
            status: rejection.status, fields: ["content-type": told?.contentType ?? "text/plain; charset=utf-8"],
            framing: .length(text.count), keepAlive: false, date: shard.date, into: &buffer)
        buffer.writeBytes(text)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        // A client in the middle of sending would lose the answer if we closed at once (the kernel resets then).
        phase = .discarding(until: .now() + .milliseconds(500))
        resumeReading()
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(500)) { self.closeNow() }
    }

    // MARK: the end

    /// The exchange's bytes are all handed to the channel.
    func finish(_ exchange: Exchange) {
        exchange.complete()
        shard.metrics.requestEnded()
        waitingSince = .now()
        if isKeepAlive && !isDraining {
            phase = .reading
            if parser.bufferedCount > 0 { advance() } else { resumeReading() }
        } else {
            closeAfterWrites()
        }
    }

    /// Closes once everything written is sent.
    func closeAfterWrites() {
        guard let context else { return }
        phase = .discarding(until: .now() + TimeAmount(shard.configuration.writeStallTimeout))
        resumeReading()
        let sent: EventLoopPromise<Void> = context.eventLoop.makePromise()
        sent.futureResult.assumeIsolated().whenComplete { _ in self.closeNow() }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: sent)
    }

    func closeNow() {
        context?.close(promise: nil)
    }

    /// The connection is over, for whatever is still going on.
    func ended(_ reason: HTTPCloseReason) {
        let last: Phase = phase
        phase = .closed
        switch last {
        case .answering(let exchange):
            exchange.close(reason)
            shard.metrics.requestEnded()
        case .raw(let exchange, let input):
            input.end()
            exchange.close(reason)
            shard.metrics.requestEnded()
        case .reading, .discarding, .closed:
            break
        }
    }

    // MARK: ManagedConnection

    func sweep(now: NIODeadline) {
        let limits: HTTPServerConfiguration = shard.configuration
        switch phase {
        case .reading:
            if let context, !context.channel.isWritable {
                if now - progressAt > TimeAmount(limits.writeStallTimeout) { cut(.stalled) }
            } else if head != nil {
                if now - waitingSince > TimeAmount(limits.bodyTimeout) { reject(.timeout) }
            } else if sawHeadByte {
                if now - waitingSince > TimeAmount(limits.headTimeout) { reject(.timeout) }
            } else if now - waitingSince > TimeAmount(limits.idleTimeout) {
                closeNow()
            }
        case .answering(let exchange), .raw(let exchange, _):
            guard let context, exchange.isInFlight || !context.channel.isWritable else { return }
            if now - progressAt > TimeAmount(limits.writeStallTimeout) { cut(.stalled) }
        case .discarding(let deadline):
            if now > deadline { closeNow() }
        case .closed:
            break
        }
    }

    func drain() {
        isDraining = true
        if case .reading = phase, head == nil, !sawHeadByte { closeAfterWrites() }
    }

    func cut(_ reason: HTTPCloseReason) {
        if reason == .stalled { shard.metrics.rejected() }
        ended(reason)
        closeNow()
    }

    // MARK: reading and flushing

    func resumeReading() {
        isPaused = false
        guard hasPendingRead else { return }
        hasPendingRead = false
        context?.read()
    }

    /// Flushes at the end of this turn, once for all writes.
    func flushSoon() {
        needsFlush = true
        guard !isReading, !flushScheduled, let context else { return }
        flushScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.flushScheduled = false
            if self.needsFlush { self.flushNow() }
        }
    }

    func flushNow() {
        needsFlush = false
        context?.flush()
    }
}

extension HTTP1Rejection {
    static let bodyTooLarge: HTTP1Rejection = HTTP1Rejection(
        status: 413, message: "request entity too large: limit exceeded")
    static let timeout: HTTP1Rejection = HTTP1Rejection(status: 408, message: "the request did not arrive in time")
}
