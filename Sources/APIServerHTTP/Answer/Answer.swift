import APIMachinery
import APIServer
import HTTPServer
import Synchronization

/// The answer to one request in the making.
final class Answer: Sendable {
    private struct State {
        /// Nil before it was found out.
        var negotiation: Negotiation?
        var target: RequestTarget?
        var context: RequestContext?
        var audit: AuditEntry?
        var flow: FlowMatch?
    }

    /// A short body goes out at once, a long one in parts.
    private enum Body {
        case bytes([UInt8])
        case list(ListParts)
    }

    let responder: HTTPResponder
    let id: String
    let receivedAt: MicroTime
    let began: Duration
    private let core: APIServerCore
    private let isHead: Bool
    private let accept: String
    private let userAgent: String
    private let takesGzip: Bool
    private let compression: AnswerCompression
    private let state = Mutex(State())

    init(_ http: HTTPRequest, _ responder: HTTPResponder, core: APIServerCore, compression: AnswerCompression) {
        self.responder = responder
        self.core = core
        self.compression = compression
        self.isHead = http.method == "HEAD"
        self.accept = http.fields["accept"] ?? ""
        self.userAgent = http.fields["user-agent"] ?? ""
        self.takesGzip = AnswerCompression.acceptsGzip(http.fields)
        let environment: ServerEnvironment = core.services.environment
        receivedAt = environment.clock.nowMicro
        began = environment.monotonic()
        id = Self.auditID(http.fields["audit-id"]) ?? environment.uuid()
    }

    /// A client may bring its own, if it is a sensible one.
    private static func auditID(_ given: String?) -> String? {
        guard let given, !given.isEmpty, given.utf8.count <= 64,
            given.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 })
        else { return nil }
        return given
    }

    func use(_ target: RequestTarget) { state.withLock { $0.target = target } }
    func use(_ context: RequestContext) { state.withLock { $0.context = context } }
    func use(_ flow: FlowMatch) { state.withLock { $0.flow = flow } }
    func use(_ audit: AuditEntry) { state.withLock { $0.audit = audit } }

    var negotiation: Negotiation { state.withLock { $0.negotiation } ?? Negotiation() }

    /// Errors may come before negotiation, or of it.
    private var errorNegotiation: Negotiation {
        let (known, query): (Negotiation?, [(name: String, value: String)]) = state.withLock {
            ($0.negotiation, $0.target?.query ?? [])
        }
        return known ?? Negotiation(forErrors: accept, query: query, userAgent: userAgent)
    }

    func negotiate(
        _ http: HTTPRequest, isWatch: Bool, hasTable: @autoclosure () -> Bool = true
    ) throws(StatusError) {
        let query: [(name: String, value: String)] = state.withLock { $0.target?.query ?? [] }
        let negotiation = try Negotiation(
            accept: accept, query: query, userAgent: userAgent, isWatch: isWatch, hasTable: hasTable())
        state.withLock { $0.negotiation = negotiation }
    }

    private func fields(_ contentType: String) -> HTTPFields {
        var fields = HTTPFields([
            ("audit-id", id), ("cache-control", "no-cache, private"), ("content-type", contentType),
        ])
        if let flow = state.withLock({ $0.flow }), !flow.schemaUID.isEmpty {
            fields.append("x-kubernetes-pf-flowschema-uid", flow.schemaUID)
            fields.append("x-kubernetes-pf-prioritylevel-uid", flow.levelUID)
        }
        return fields
    }

    /// For metrics, and for the audit log.
    private func finished(_ code: Int, _ note: (AuditEntry, MicroTime) -> Void) {
        let (context, audit): (RequestContext?, AuditEntry?) = state.withLock { ($0.context, $0.audit) }
        if let context { core.answered(context, code: code, since: began) }
        if let audit { note(audit, core.services.environment.clock.nowMicro) }
    }

    /// A long answer has begun.
    func started(code: Int = 200) {
        guard let audit = state.withLock({ $0.audit }) else { return }
        audit.started(AuditEntry.Outcome(code: code), at: core.services.environment.clock.nowMicro)
    }

    /// A long answer is over.
    func ended() {
        guard let audit = state.withLock({ $0.audit }) else { return }
        audit.answered(code: 200, at: core.services.environment.clock.nowMicro)
    }

    /// Whether the answer may be encoded on an event loop: stored bytes may, long conversions may not.
    func isCheap(_ response: APIResponse) -> Bool {
        guard case .list(let items, _, _, _) = response.body, items.count > 64 else { return true }
        let negotiation: Negotiation = negotiation
        return negotiation.format == .json && negotiation.form == .plain && !negotiation.pretty
    }

    // MARK: - Sending

    func fail(_ error: StatusError) {
        let code: Int = error.code == 0 ? 500 : error.code
        var contentType: String = "application/json"
        var body: [UInt8] = error.body + [0x0A]
        if let encoded = try? ResponseEncoder(errorNegotiation, now: receivedAt.time).encode(json: error.body),
            case .whole(let bytes) = encoded.body
        {
            contentType = encoded.contentType
            body = bytes
        }
        var fields: HTTPFields = fields(contentType)
        if let seconds = error.retryAfterSeconds { fields.append("retry-after", String(seconds)) }
        if code == 401 { fields.append("www-authenticate", "Bearer realm=\"kubernetes-master\"") }
        responder.respond(status: code, fields: fields, body: isHead ? [] : body)
        finished(code) { $0.failed(error, at: $1) }
    }

    func send(_ response: NonResourceResponse) {
        var fields: HTTPFields = fields(response.contentType)
        for field in response.fields { fields.set(field.name, field.value) }
        send(.bytes(response.body), response.code, fields, compressAbove: response.compressAbove)
        finished(response.code) { $0.answered(code: response.code, at: $1) }
    }

    func send(_ response: APIResponse, of resource: (any ServedResource)?) {
        let encoder = ResponseEncoder(negotiation, now: receivedAt.time)
        do throws(StatusError) {
            let (contentType, body): (String, ResponseEncoder.Body) = try encoder.encode(response.body, of: resource)
            var fields: HTTPFields = fields(contentType)
            for warning in response.warnings { fields.append("warning", Self.warning(warning)) }
            switch body {
            case .whole(let bytes): send(.bytes(bytes), response.code, fields)
            case .parts(let parts): send(.list(parts), response.code, fields)
            }
            finished(response.code) { $0.answered(response, of: resource, at: $1) }
        } catch {
            fail(error)
        }
    }

    private func send(
        _ body: Body, _ code: Int, _ fields: HTTPFields, compressAbove threshold: Int = AnswerCompression.threshold
    ) {
        if isHead { return responder.respond(status: code, fields: fields) }
        switch body {
        case .bytes(let bytes):
            if takesGzip, bytes.count > threshold, compression.enter() {
                return sendCompressed(.bytes(bytes), code, fields)
            }
            responder.respond(status: code, fields: fields, body: bytes)
        case .list(var parts):
            if parts.isSmall { return responder.respond(status: code, fields: fields, body: parts.nextPart() ?? []) }
            if takesGzip, parts.estimatedSize > threshold, compression.enter() {
                return sendCompressed(.list(parts), code, fields)
            }
            guard let writer = responder.stream(status: code, fields: fields) else { return }
            Self.pump(parts, writer)
        }
    }

    private func sendCompressed(_ source: AnswerCompression.Source, _ code: Int, _ fields: HTTPFields) {
        var fields: HTTPFields = fields
        fields.append("content-encoding", "gzip")
        let vary: String = fields["vary"].map { $0 + ", Accept-Encoding" } ?? "Accept-Encoding"
        fields.set("vary", vary)
        let compression: AnswerCompression = compression
        guard let writer = responder.stream(status: code, fields: fields) else { return compression.leave() }
        RequestTasks.start {
            await AnswerCompression.pump(source, writer)
            compression.leave()
        }
    }

    /// One part each time that the client has room, so that other requests of the loop go on between them.
    private static func pump(_ parts: ListParts, _ writer: HTTPBodyWriter) {
        writer.whenWritable {
            var parts: ListParts = parts
            var buffer = HTTPBodyBuffer(capacity: parts.estimatedRest)
            guard parts.nextPart({ buffer.append($0) }) else {
                writer.finish()
                return
            }
            guard writer.write(buffer) == .accepted else { return }
            pump(parts, writer)
        }
    }

    func beginWatch() -> HTTPBodyWriter? {
        responder.stream(status: 200, fields: fields(negotiation.watchContentType))
    }

    /// `299 - "text"`, with quotes and backslashes escaped (RFC 7234 §5.5), cut to what fits a header.
    static func warning(_ text: String) -> String {
        var quoted: String = ""
        for scalar in text.unicodeScalars.prefix(4096) {
            if scalar == "\"" || scalar == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
        }
        return "299 - \"\(quoted)\""
    }
}
