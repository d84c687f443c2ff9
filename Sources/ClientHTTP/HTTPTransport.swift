package import APIMachinery
package import Client
import Flow
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix

/// The way to an API server over the network: HTTP/2 over one connection where the server has it, else HTTP/1.1.
///
/// Connects when first used, and again when the connection is lost. A request that cannot have reached the
/// server, and a read
/// whose connection broke, is sent once more; `Retry-After` is followed a bounded number of times.
package final class HTTPTransport: Transport {
    /// As upstream's client.
    package static let retryLimit: Int = 10
    /// The most that one answer other than a watch may hold.
    package static let bodyLimit: Int = 1 << 30

    package let configuration: ClientConfiguration
    private let pool: ConnectionPool
    private let tokens: TokenSource
    private let clock: any MonotonicClock

    package init(_ configuration: ClientConfiguration, clock: any MonotonicClock = SystemMonotonicClock()) {
        self.configuration = configuration
        self.clock = clock
        self.pool = ConnectionPool(configuration, group: MultiThreadedEventLoopGroup.singleton)
        self.tokens = TokenSource(configuration.credential, clock: clock)
    }

    deinit {
        pool.close()
    }

    /// Closes all connections; what is under way fails.
    package func close() { pool.close() }

    // MARK: - Transport

    package func perform(_ request: APIRequest) async throws(StatusError) -> APIResponse {
        let raw: RawResponse = try await send(RawRequest(request))
        return try request.response(raw)
    }

    package func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream {
        let (sink, _) = try await open(RawRequest(request))
        return HTTPWatchStream(sink)
    }

    /// Any request, such as for `/version` or a discovery document; its answer in full.
    package func send(_ request: RawRequest) async throws(StatusError) -> RawResponse {
        let (sink, head) = try await open(request)
        let timeout: Deadline = deadline(sink, request)
        defer { timeout.cancel() }
        var body: [UInt8] = []
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }) {
            body.reserveCapacity(min(length, Self.bodyLimit))
        }
        while let chunks = try await sink.next() {
            for chunk in chunks { body += chunk.readableBytesView }
            guard body.count <= Self.bodyLimit else {
                let error: StatusError = .internalError("the answer is larger than \(Self.bodyLimit) bytes")
                sink.cancel(error)
                throw error
            }
        }
        return RawResponse(
            code: Int(head.status.code), body: body,
            contentType: head.headers.first(name: "content-type") ?? "",
            warnings: head.headers["warning"].map { Self.warningText($0) })
    }

    // MARK: - Exchanges

    /// Sends a request until it is answered with success; failures are thrown with what the server said.
    private func open(_ request: RawRequest) async throws(StatusError) -> (ResponseSink, HTTPResponseHead) {
        var retries: Int = 0
        var mayResend: Bool = true
        var mayRenewToken: Bool = tokens.isFile
        var isTokenFresh: Bool = false
        while true {
            let sink = ResponseSink()
            let head: HTTPResponseHead
            do throws(ExchangeError) {
                head = try await exchange(request, sink, freshToken: isTokenFresh)
            } catch {
                let isHarmless: Bool = !error.wasSent || request.method == "GET"
                guard mayResend, isHarmless, !Task.isCancelled else { throw error.status }
                mayResend = false
                continue
            }
            if (200..<300).contains(head.status.code) { return (sink, head) }
            let failure: StatusError = await failure(request, sink, head)
            if head.status.code == 401, mayRenewToken {
                (mayRenewToken, isTokenFresh) = (false, true)
                continue
            }
            let after: Int? = head.headers.first(name: "retry-after").flatMap { Int($0) }
            let isBusy: Bool = head.status.code == 429 || head.status.code >= 500
            guard let after, isBusy, retries < Self.retryLimit, !request.isWatch else { throw failure }
            retries += 1
            await clock.sleep(for: .seconds(min(max(after, 0), 60)))
            if Task.isCancelled { throw failure }
        }
    }

    private func failure(_ request: RawRequest, _ sink: ResponseSink, _ head: HTTPResponseHead) async -> StatusError {
        var body: [UInt8] = []
        let timeout: Deadline = deadline(sink, request)
        defer { timeout.cancel() }
        do throws(StatusError) {
            while body.count < 1 << 20, let chunks = try await sink.next() {
                for chunk in chunks { body += chunk.readableBytesView }
            }
        } catch {
            // The code says enough.
        }
        return StatusError(
            code: Int(head.status.code), body: body, method: request.method, action: request.action,
            retryAfterSeconds: head.headers.first(name: "retry-after").flatMap { Int($0) } ?? 0)
    }

    private struct ExchangeError: Error {
        var status: StatusError
        /// Whether the server may have seen the request.
        var wasSent: Bool
    }

    /// Sends the request and waits for the head of its answer.
    private func exchange(
        _ request: RawRequest, _ sink: ResponseSink, freshToken: Bool
    ) async throws(ExchangeError) -> HTTPResponseHead {
        let head: HTTPRequestHead
        let link: Link
        do throws(ConfigurationError) {
            head = self.head(request, authorization: try await tokens.authorization(fresh: freshToken))
        } catch {
            throw ExchangeError(status: .connectionFailure(error.message), wasSent: true)
        }
        do throws(StatusError) {
            link = try await pool.link()
        } catch {
            // The server is not there: trying again at once is of no use.
            throw ExchangeError(status: error, wasSent: true)
        }
        do {
            try await begin(head, request.body, on: link, sink)
        } catch {
            pool.forget(link)
            throw ExchangeError(
                status: .connectionFailure("failed to send to \(configuration.authority): \(error)"), wasSent: false)
        }
        let timeout: Deadline = deadline(sink, request)
        defer { timeout.cancel() }
        do throws(StatusError) {
            return try await sink.head()
        } catch {
            if !link.channel.isActive { pool.forget(link) }
            throw ExchangeError(status: error, wasSent: true)
        }
    }

    /// Opens a stream, or takes the connection, and writes the request.
    private func begin(_ head: HTTPRequestHead, _ body: [UInt8], on link: Link, _ sink: ResponseSink) async throws {
        let channel: any Channel
        switch link {
        case .http2(let connection, let multiplexer):
            let promise: EventLoopPromise<any Channel> = connection.eventLoop.makePromise()
            multiplexer.createStreamChannel(promise: promise) { stream in
                stream.eventLoop.makeCompletedFuture {
                    try stream.pipeline.syncOperations.addHandlers([
                        HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .https), ResponseHandler(sink),
                    ])
                }
            }
            channel = try await promise.futureResult.get()
        case .http1(let connection, let handler):
            try await connection.eventLoop.submit { handler.value.begin(sink) }.get()
            channel = connection
        }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if !body.isEmpty {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        }
        // A failure to write shows as the end of the channel, which the sink tells.
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    private func head(_ request: RawRequest, authorization: String?) -> HTTPRequestHead {
        var fields = HTTPHeaders()
        fields.add(name: "host", value: configuration.authority)
        fields.add(name: "user-agent", value: configuration.userAgent)
        fields.add(name: "accept", value: request.accept)
        if let authorization { fields.add(name: "authorization", value: authorization) }
        if !request.body.isEmpty { fields.add(name: "content-type", value: request.contentType) }
        if !request.body.isEmpty || request.method != "GET" {
            fields.add(name: "content-length", value: String(request.body.count))
        }
        if !request.causes.isEmpty { fields.add(name: Cause.headerName, value: Cause.header(request.causes)) }
        return HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method),
            uri: configuration.pathPrefix + request.path, headers: fields)
    }

    // MARK: - Deadlines

    private struct Deadline {
        var scheduled: Scheduled<Void>
        func cancel() { scheduled.cancel() }
    }

    private func deadline(_ sink: ResponseSink, _ request: RawRequest) -> Deadline {
        let time: Duration = configuration.requestTimeout
        let text: String = "no answer to \(request.action) within \(time)"
        let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
        return Deadline(
            scheduled: loop.scheduleTask(in: TimeAmount(time)) { sink.cancel(.connectionFailure(text)) })
    }

    /// The text of `299 - "text"`.
    private static func warningText(_ field: String) -> String {
        guard let first = field.firstIndex(of: "\""), let last = field.lastIndex(of: "\""), first < last else {
            return field
        }
        var text: String = ""
        var isEscaped: Bool = false
        for character in field[field.index(after: first)..<last] {
            if character == "\\" && !isEscaped {
                isEscaped = true
            } else {
                text.append(character)
                isEscaped = false
            }
        }
        return text
    }
}
