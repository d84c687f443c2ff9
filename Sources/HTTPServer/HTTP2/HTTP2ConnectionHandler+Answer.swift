import NIOCore
import NIOHPACK
import NIOHTTP2

extension HTTP2ConnectionHandler: ResponseSink {
    func respond(_ exchange: Exchange, status: Int, fields: HTTPFields, body: [UInt8]) {
        guard let stream = stream(of: exchange), !stream.headSent else { return }
        let sendsBody: Bool = !exchange.isHead && HTTP1Encoder.hasBody(status) && !body.isEmpty
        var headers: HPACKHeaders = head(status: status, fields: fields)
        if HTTP1Encoder.hasBody(status) { Self.addUnique(&headers, "content-length", String(body.count)) }
        stream.headSent = true
        stream.waitingSince = .now()
        guard sendsBody else {
            stream.endSent = true
            return write(stream.id, .headers(.init(headers: headers, endStream: true)))
        }
        write(stream.id, .headers(.init(headers: headers)))
        if body.count <= Exchange.turnBytes {
            stream.endSent = true
            write(stream.id, .data(.init(data: .byteBuffer(ByteBuffer(bytes: body)), endStream: true)))
        } else {
            exchange.preload(body)
            drain(exchange)
        }
    }

    func begin(_ exchange: Exchange, status: Int, fields: HTTPFields) {
        guard let stream = stream(of: exchange), !stream.headSent else { return }
        var headers: HPACKHeaders = head(status: status, fields: fields)
        if let length = fields["content-length"] { headers.add(name: "content-length", value: length) }
        stream.headSent = true
        stream.sendsBody = !exchange.isHead && HTTP1Encoder.hasBody(status)
        stream.waitingSince = .now()
        write(stream.id, .headers(.init(headers: headers)))
        // From another thread, bytes may have come by a drain that was scheduled before this.
        drain(exchange)
    }

    func drain(_ exchange: Exchange) {
        guard let context, let stream = stream(of: exchange), stream.headSent, !stream.endSent else { return }
        while let turn = exchange.take() {
            let sends: Bool = stream.sendsBody && turn.bytes > 0
            if !sends, !turn.end {
                exchange.wrote(turn.bytes)
                continue
            }
            let buffer: ByteBuffer = sends ? turn.buffer(context.channel.allocator) : ByteBuffer()
            if !exchange.isInFlight(besides: turn.bytes) { stream.waitingSince = .now() }
            let bytes: Int = turn.bytes
            let written: EventLoopPromise<Void> = context.eventLoop.makePromise()
            // A failed write is followed by the end of the stream.
            written.futureResult.assumeIsolated().whenSuccess {
                stream.waitingSince = .now()
                exchange.wrote(bytes)
                self.drain(exchange)
            }
            stream.endSent = turn.end
            write(stream.id, .data(.init(data: .byteBuffer(buffer), endStream: turn.end)), promise: written)
            if turn.end { return }
        }
    }

    func drained() {
        if !isReading { flushNow() }
    }

    func abort(_ exchange: Exchange) {
        guard let stream = stream(of: exchange), !stream.endSent else { return }
        reset(stream, .aborted)
    }

    func upgrade(_ exchange: Exchange, status: Int, fields: HTTPFields, input: RawInput) {
        preconditionFailure("an HTTP/2 exchange cannot be upgraded, and says so")
    }

    func resumeReading() {}

    func abandoned(_ exchange: Exchange) {}

    /// Answers a request that is not given to the handler, and tells the client to stop sending it.
    func reject(_ stream: HTTP2Stream, status: Int, _ message: String) {
        guard !stream.headSent else { return }
        shard.metrics.rejected()
        collectedBytes -= stream.body.count
        stream.body = []
        stream.headSent = true
        stream.endSent = true
        stream.waitingSince = .now()
        let told: (contentType: String, body: [UInt8])? =
            status == 413 ? shard.handler.bodyTooLarge(fields: stream.fields, limit: stream.bodyLimit) : nil
        let text: [UInt8] = told?.body ?? [UInt8]((message + "\n").utf8)
        var headers: HPACKHeaders = head(
            status: status, fields: ["content-type": told?.contentType ?? "text/plain; charset=utf-8"])
        headers.add(name: "content-length", value: String(text.count))
        let id: HTTP2StreamID = stream.id
        write(id, .headers(.init(headers: headers)))
        write(id, .data(.init(data: .byteBuffer(ByteBuffer(bytes: text)), endStream: true)))
        guard !stream.isWhole else { return }
        // Apart from the answer: curl, when it gets both at once, takes the reset for a failure.
        flushNow()
        write(id, .rstStream(.noError))
    }

    /// Cuts one stream.
    func reset(_ stream: HTTP2Stream, _ reason: HTTPCloseReason) {
        if let exchange = stream.exchange { exchange.close(reason) }
        write(stream.id, .rstStream(.internalError))
    }

    private func stream(of exchange: Exchange) -> HTTP2Stream? {
        streams[HTTP2StreamID(exchange.streamID)]
    }

    private func head(status: Int, fields: HTTPFields) -> HPACKHeaders {
        var headers: HPACKHeaders = HPACKHeaders()
        headers.reserveCapacity(fields.count + 3)
        headers.add(name: ":status", value: String(status))
        for field in fields.fields where !Self.isOurs(field.name) {
            let value: String = HTTP1Encoder.sanitized(field.value)
            if field.name == "audit-id" {
                Self.addUnique(&headers, field.name, value)
            } else {
                headers.add(name: field.name, value: value)
            }
        }
        headers.add(name: "date", value: shard.date)
        return headers
    }

    /// Adds a field whose value no later answer has again. The table of what was sent before would only be filled with
    /// it, so that the fields that do come again are found later in it, or not at all.
    private static func addUnique(_ headers: inout HPACKHeaders, _ name: String, _ value: String) {
        headers.add(name: name, value: value, indexing: .nonIndexable)
    }

    /// Fields that we set, or that HTTP/2 has no place for (RFC 9113 section 8.2.2).
    private static func isOurs(_ name: String) -> Bool {
        switch name {
        case "content-length", "date", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
            true
        default: !name.utf8.allSatisfy(HTTP1Parser.isToken)
        }
    }
}
