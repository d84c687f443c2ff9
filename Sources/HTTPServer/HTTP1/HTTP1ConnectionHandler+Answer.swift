import NIOCore

extension HTTP1ConnectionHandler: ResponseSink {
    func respond(_ exchange: Exchange, status: Int, fields: HTTPFields, body: [UInt8]) {
        guard isCurrent(exchange), !headSent, let context else { return }
        headSent = true
        sentBytes = 0
        let sendsBody: Bool = !exchange.isHead && HTTP1Encoder.hasBody(status)
        framing = HTTP1Encoder.hasBody(status) ? .length(body.count) : .none
        let inline: Bool = !sendsBody || body.count <= Exchange.turnBytes
        var buffer: ByteBuffer = context.channel.allocator.buffer(
            capacity: 512 + (inline && sendsBody ? body.count : 0))
        HTTP1Encoder.head(
            status: status, fields: fields, framing: framing, keepAlive: keepAliveField, date: shard.date, into: &buffer
        )
        if inline {
            if sendsBody { buffer.writeBytes(body) }
            context.write(wrapOutboundOut(buffer), promise: nil)
            flushSoon()
            finish(exchange)
        } else {
            context.write(wrapOutboundOut(buffer), promise: nil)
            exchange.preload(body)
            drain(exchange)
            flushSoon()
        }
    }

    func begin(_ exchange: Exchange, status: Int, fields: HTTPFields) {
        guard isCurrent(exchange), !headSent, let context else { return }
        headSent = true
        sentBytes = 0
        if !HTTP1Encoder.hasBody(status) {
            framing = .none
        } else if let length = fields["content-length"].flatMap({ Int($0) }) {
            framing = .length(length)
        } else if exchange.isHead {
            framing = .none
        } else if isHTTP10 {
            framing = .close
            isKeepAlive = false
        } else {
            framing = .chunked
        }
        var buffer: ByteBuffer = context.channel.allocator.buffer(capacity: 512)
        HTTP1Encoder.head(
            status: status, fields: fields, framing: framing, keepAlive: keepAliveField, date: shard.date, into: &buffer
        )
        context.write(wrapOutboundOut(buffer), promise: nil)
        flushSoon()
        // From another thread, bytes may have come by a drain that was scheduled before this.
        drain(exchange)
    }

    func upgrade(_ exchange: Exchange, status: Int, fields: HTTPFields, input: RawInput) {
        guard isCurrent(exchange), !headSent, let context else { return input.end() }
        headSent = true
        var fields: HTTPFields = fields
        if fields["connection"] == nil { fields.append("connection", "Upgrade") }
        var buffer: ByteBuffer = context.channel.allocator.buffer(capacity: 256)
        HTTP1Encoder.head(
            status: status, fields: fields, framing: .none, keepAlive: nil, date: shard.date, into: &buffer)
        context.write(wrapOutboundOut(buffer), promise: nil)
        flushSoon()
        phase = .raw(exchange, input)
        framing = .close
        let rest: [UInt8] = parser.takeRest()
        // The client may end its direction and still want to read ours.
        context.channel.setOption(.allowRemoteHalfClosure, value: true).whenFailure { _ in }
        if !input.received(rest, limit: shard.configuration.rawReadLimit) { resumeReading() }
        drain(exchange)
    }

    func drain(_ exchange: Exchange) {
        guard let context, isCurrent(exchange), headSent else { return }
        while let turn = exchange.take() {
            var buffer: ByteBuffer = context.channel.allocator.buffer(capacity: turn.bytes + 32)
            encode(turn, isHead: exchange.isHead, into: &buffer)
            let bytes: Int = turn.bytes
            sentBytes += bytes
            if !exchange.isInFlight(besides: bytes) { progressAt = .now() }
            let written: EventLoopPromise<Void> = context.eventLoop.makePromise()
            let isEnd: Bool = turn.end
            // A failed write is followed by the end of the channel, and that by the end of the exchange.
            written.futureResult.assumeIsolated().whenSuccess {
                self.progressAt = .now()
                exchange.wrote(bytes)
                if isEnd { return self.wroteEnd(exchange) }
                self.drain(exchange)
                self.flushSoon()
            }
            context.write(wrapOutboundOut(buffer), promise: written)
            guard turn.end else { continue }
            if case .raw(_, _) = phase {
                flushNow()
                context.close(mode: .output, promise: nil)
            } else {
                if case .length(let promised) = framing, promised != sentBytes, !exchange.isHead { isKeepAlive = false }
                finish(exchange)
            }
            return
        }
    }

    /// The last byte of our direction is with the kernel.
    private func wroteEnd(_ exchange: Exchange) {
        guard case .raw(let current, _) = phase, current === exchange else { return }
        isOutputDone = true
        if isAbandoned { closeNow() }
    }

    func abandoned(_ exchange: Exchange) {
        guard case .raw(let current, let input) = phase, current === exchange else { return }
        isAbandoned = true
        input.end()
        resumeReading()
        if isOutputDone { closeNow() }
    }

    func drained() {
        if isReading { flushSoon() } else { flushNow() }
    }

    func abort(_ exchange: Exchange) {
        guard isCurrent(exchange) else { return }
        ended(.aborted)
        closeNow()
    }

    private func encode(_ turn: Exchange.Turn, isHead: Bool, into buffer: inout ByteBuffer) {
        switch framing {
        case .none:
            return
        case .chunked:
            if turn.bytes > 0 {
                buffer.writeString(String(turn.bytes, radix: 16))
                buffer.writeString("\r\n")
                turn.append(to: &buffer)
                buffer.writeString("\r\n")
            }
            if turn.end { buffer.writeString("0\r\n\r\n") }
        case .length, .close:
            if isHead { return }
            turn.append(to: &buffer)
        }
    }

    private var keepAliveField: Bool { isKeepAlive && !isDraining }

    private func isCurrent(_ exchange: Exchange) -> Bool {
        switch phase {
        case .answering(let current), .raw(let current, _): current === exchange
        case .reading, .discarding, .closed: false
        }
    }
}
