import NIOCore
import NIOHPACK
import NIOHTTP2

/// Serves one HTTP/2 connection, all streams of it in one handler, right above the frames.
///
/// A channel per stream (NIOHTTP2's multiplexer) would cost a pipeline per request; here a stream is one object.
/// Flow control towards the client, limits on resets and control frames, and header validation are `NIOHTTP2Handler`'s;
/// windows towards us, exchanges, timeouts and shutdown are here.
final class HTTP2ConnectionHandler: ChannelInboundHandler, ManagedConnection {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// Bytes of one request's body that a client may send ahead of us.
    static let streamWindow: Int = 1024 * 1024
    /// Of all requests together.
    static let connectionWindow: Int = 8 * 1024 * 1024

    /// How long an idle client has to answer at shutdown.
    private static let drainPatience: TimeAmount = .milliseconds(500)

    private enum Drain {
        case no
        /// The first GOAWAY and a PING are sent; until its answer, requests that were under way still come in.
        case announced
        /// The second GOAWAY named the last stream that will be answered.
        case last
    }

    let shard: Shard
    let connection: HTTPConnection
    var context: ChannelHandlerContext?
    var outbox: Outbox?
    var streams: [HTTP2StreamID: HTTP2Stream] = [:]
    /// Bytes of bodies being collected, over all streams.
    var collectedBytes: Int = 0
    private var lastStream: HTTP2StreamID = .rootStream
    private var uncredited: Int = 0
    private var drainState: Drain = .no
    private var lastActivity: NIODeadline = .now()
    private var pingedAt: NIODeadline?
    private(set) var isReading: Bool = false
    private var needsFlush: Bool = false
    private var flushScheduled: Bool = false

    init(shard: Shard, connection: HTTPConnection) {
        self.shard = shard
        self.connection = connection
    }

    /// The handler below this one.
    static func frameHandler(_ limits: HTTPServerConfiguration) -> NIOHTTP2Handler {
        var connection: NIOHTTP2Handler.ConnectionConfiguration = .init()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.concurrentStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headLimit),
            HTTP2Setting(parameter: .initialWindowSize, value: streamWindow),
        ]
        connection.maximumBufferedControlFrames = 2000
        // A head of the longest kind, in frames of 16 KiB.
        connection.maximumSequentialContinuationFrames = max(5, limits.headLimit / 16_384 + 1)
        // Go clients cancel watches with RST_STREAM, and send a PING along; both are normal far above NIO's default.
        connection.controlFrameRateLimit.maximumCount = 2000
        var stream: NIOHTTP2Handler.StreamConfiguration = .init()
        stream.streamResetFrameRateLimit.maximumCount = 1000
        return NIOHTTP2Handler(mode: .server, connectionConfiguration: connection, streamConfiguration: stream)
    }

    // MARK: channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        outbox = Outbox(eventLoop: context.eventLoop, sink: self)
        shard.add(self)
        if context.channel.isActive { openWindow(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended(.clientGone)
        self.context = nil
        outbox = nil
        shard.remove(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        openWindow(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended(.clientGone)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame: HTTP2Frame = unwrapInboundIn(data)
        isReading = true
        lastActivity = .now()
        pingedAt = nil
        switch frame.payload {
        case .headers(let payload):
            if let stream = streams[frame.streamID] {
                if payload.endStream { receivedEnd(stream) }
            } else {
                open(frame.streamID, payload)
            }
        case .data(let payload):
            receive(frame.streamID, payload)
        case .ping(_, let isAck):
            if isAck, drainState == .announced { sendLastGoAway() }
        default:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        if needsFlush { flushNow() }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let closed = event as? StreamClosedEvent { self.closed(closed) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        shard.metrics.rejected()
        // The frame handler has answered a stream's error with RST_STREAM; anything else ends the connection.
        if !Self.isStreamError(error) { context.close(promise: nil) }
    }

    private static func isStreamError(_ error: any Error) -> Bool {
        switch error {
        case is NIOHTTP2Errors.StreamClosed, is NIOHTTP2Errors.NoSuchStream, is NIOHTTP2Errors.MissingPseudoHeader,
            is NIOHTTP2Errors.DuplicatePseudoHeader, is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader,
            is NIOHTTP2Errors.UnknownPseudoHeader, is NIOHTTP2Errors.InvalidPseudoHeaders,
            is NIOHTTP2Errors.ForbiddenHeaderField, is NIOHTTP2Errors.ContentLengthViolated,
            is NIOHTTP2Errors.MaxStreamsViolation, is NIOHTTP2Errors.InvalidStatusValue:
            true
        default: false
        }
    }

    // MARK: requests

    private func open(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload.Headers) {
        guard drainState != .last || id <= lastStream else { return }
        lastStream = max(lastStream, id)
        var fields: HTTPFields = HTTPFields()
        fields.reserveCapacity(payload.headers.count)
        var method: String = ""
        var target: String = ""
        for (name, value, _) in payload.headers {
            switch name {
            case ":method": method = value
            case ":path": target = value
            case ":authority": fields.append(lowercaseName: "host", value)
            case ":scheme": break
            case "host" where fields["host"] != nil: break
            default: fields.append(lowercaseName: name, value)
            }
        }
        let limit: Int = shard.handler.bodyLimit(method: method, target: target) ?? shard.configuration.bodyLimit
        let stream: HTTP2Stream = HTTP2Stream(
            id: id, method: method, target: target, fields: fields, bodyLimit: limit)
        streams[id] = stream
        guard method != "CONNECT", target.hasPrefix("/") || target == "*" else {
            return reject(stream, status: 400, "a malformed request target")
        }
        guard fields.count <= shard.configuration.fieldCountLimit else {
            return reject(stream, status: 431, HTTP1Rejection.tooLarge.message)
        }
        if let length = fields["content-length"].flatMap({ Int($0) }) {
            if length > limit { return reject(stream, status: 413, HTTP1Rejection.bodyTooLarge.message) }
            stream.body.reserveCapacity(min(length, limit))
        }
        if payload.endStream { receivedEnd(stream) }
    }

    private func receive(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload.Data) {
        guard case .byteBuffer(let bytes) = payload.data else { return }
        let credit: Int = bytes.readableBytes + (payload.paddingBytes ?? 0)
        creditConnection(credit)
        guard let stream = streams[id], stream.exchange == nil, !stream.headSent else { return }
        if stream.body.count + bytes.readableBytes > stream.bodyLimit {
            return reject(stream, status: 413, HTTP1Rejection.bodyTooLarge.message)
        }
        stream.body.append(contentsOf: bytes.readableBytesView)
        collectedBytes += bytes.readableBytes
        if payload.endStream { return receivedEnd(stream) }
        if collectedBytes > shard.configuration.connectionBodyLimit {
            return reject(stream, status: 429, "too many request bodies at once on this connection")
        }
        stream.uncredited += credit
        if stream.uncredited >= Self.streamWindow / 2 {
            write(id, .windowUpdate(windowSizeIncrement: stream.uncredited))
            stream.uncredited = 0
        }
    }

    private func receivedEnd(_ stream: HTTP2Stream) {
        stream.isWhole = true
        guard stream.exchange == nil, !stream.headSent, let outbox else { return }
        let exchange: Exchange = Exchange(
            streamID: Int(stream.id), isHead: stream.method == "HEAD", canUpgrade: false, outbox: outbox,
            lowWatermark: shard.configuration.writerLowWatermark, limit: shard.configuration.writerLimit)
        stream.exchange = exchange
        let request: HTTPRequest = HTTPRequest(
            method: stream.method, target: stream.target, version: .http2, fields: stream.fields, body: stream.body,
            connection: connection)
        collectedBytes -= stream.body.count
        stream.body = []
        shard.metrics.requestStarted()
        shard.handler.handle(request, responder: HTTPResponder(exchange))
    }

    private func closed(_ event: StreamClosedEvent) {
        guard let stream = streams.removeValue(forKey: event.streamID) else { return }
        collectedBytes -= stream.body.count
        if let exchange = stream.exchange {
            if stream.endSent && event.reason == nil { exchange.complete() } else { exchange.close(.clientGone) }
            shard.metrics.requestEnded()
        }
        lastActivity = .now()
        closeIfDone()
    }

    // MARK: windows, frames, flushes

    private func openWindow(_ context: ChannelHandlerContext) {
        write(.rootStream, .windowUpdate(windowSizeIncrement: Self.connectionWindow - 65_535))
    }

    private func creditConnection(_ bytes: Int) {
        uncredited += bytes
        guard uncredited >= Self.connectionWindow / 2 else { return }
        write(.rootStream, .windowUpdate(windowSizeIncrement: uncredited))
        uncredited = 0
    }

    func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload, promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: promise)
        flushSoon()
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

    // MARK: ManagedConnection

    func sweep(now: NIODeadline) {
        let limits: HTTPServerConfiguration = shard.configuration
        for stream in Array(streams.values) {
            let waited: TimeAmount = now - stream.waitingSince
            if let exchange = stream.exchange {
                let waits: Bool = stream.endSent || exchange.isInFlight
                if waits, waited > TimeAmount(limits.writeStallTimeout) { reset(stream, .stalled) }
            } else if waited > TimeAmount(limits.bodyTimeout) {
                if stream.headSent { reset(stream, .stalled) } else { reject(stream, status: 408, "too slow") }
            }
        }
        let silence: TimeAmount = now - lastActivity
        if streams.isEmpty {
            if silence > TimeAmount(limits.idleTimeout) {
                if drainState == .no { drain() } else { closeNow() }
            }
        } else if let pingedAt {
            if now - pingedAt > TimeAmount(limits.pingInterval) { cut(.clientGone) }
        } else if silence > TimeAmount(limits.pingInterval) {
            pingedAt = now
            write(.rootStream, .ping(HTTP2PingData(withInteger: 0x7377_6966_746C_6574), ack: false))
        }
    }

    /// RFC 9113 section 6.8: a GOAWAY that refuses nothing, a round trip, then the one that names the last stream.
    func drain() {
        guard drainState == .no else { return }
        drainState = .announced
        lastActivity = .now()
        write(.rootStream, .goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil))
        write(.rootStream, .ping(HTTP2PingData(withInteger: 0x676F_6177_6179_2121), ack: false))
        // A client that does not read, or is gone, answers no PING; nothing of it is under way that could be lost.
        guard streams.isEmpty, let context else { return }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.drainPatience) {
            if self.drainState == .announced { self.sendLastGoAway() }
        }
    }

    private func sendLastGoAway() {
        drainState = .last
        write(.rootStream, .goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil))
        closeIfDone()
    }

    private func closeIfDone() {
        guard drainState == .last, streams.isEmpty, let context else { return }
        flushNow()
        let sent: EventLoopPromise<Void> = context.eventLoop.makePromise()
        sent.futureResult.assumeIsolated().whenComplete { _ in self.closeNow() }
        let frame: HTTP2Frame = HTTP2Frame(
            streamID: .rootStream, payload: .goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(frame), promise: sent)
    }

    func cut(_ reason: HTTPCloseReason) {
        ended(reason)
        closeNow()
    }

    private func closeNow() {
        context?.close(promise: nil)
    }

    private func ended(_ reason: HTTPCloseReason) {
        let all: [HTTP2Stream] = Array(streams.values)
        streams.removeAll()
        collectedBytes = 0
        for stream in all {
            guard let exchange = stream.exchange else { continue }
            exchange.close(reason)
            shard.metrics.requestEnded()
        }
    }
}
