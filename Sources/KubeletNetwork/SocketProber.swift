import Glibc
package import Kubelet
package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Probes over real sockets, on NIO's threads. A new connection for each question, as upstream.
package final class SocketProber: NetworkProber {
    private static let redirects: Int = 10
    static let bodyBytes: Int = 10 << 10

    private let group: any EventLoopGroup
    /// The agent that servers see.
    private let userAgent: String

    package init(group: any EventLoopGroup, userAgent: String = "kube-probe/1.34") {
        self.group = group
        self.userAgent = userAgent
    }

    package func tcp(host: String, port: Int, timeout: Duration) async -> NetworkProbeResult {
        do {
            let channel: any Channel = try await connect(host, port, timeout) { $0.eventLoop.makeSucceededVoidFuture() }
            channel.close(promise: nil)
            return .success
        } catch {
            return .failure(Self.dialing(host, port, error))
        }
    }

    package func http(_ request: HTTPProbeRequest) async -> NetworkProbeResult {
        let clock = ContinuousClock()
        let end: ContinuousClock.Instant = clock.now + request.timeout
        var request: HTTPProbeRequest = request
        let first: String = request.host
        for _ in 0..<Self.redirects {
            request.timeout = end - clock.now
            guard request.timeout > .zero else { return .failure(Self.timedOut(request)) }
            let answer: HTTPAnswer
            do {
                answer = try await ask(request)
            } catch let error as ProbeError where error == .timeout {
                return .failure(Self.timedOut(request))
            } catch {
                return .failure("Get \"\(request.url)\": \(Self.dialing(request.host, request.port, error))")
            }
            switch answer.status {
            case 300..<400 where !answer.location.isEmpty:
                guard let next = Redirection.follow(answer.location, from: request) else { return .success }
                // To another host: it is up, and where it sends people is not our business.
                if next.host != first { return .success }
                request = next
            case 200..<400: return .success
            default: return .failure("HTTP probe failed with statuscode: \(answer.status)")
            }
        }
        return .failure("Get \"\(request.url)\": stopped after \(Self.redirects) redirects")
    }

    private static func timedOut(_ request: HTTPProbeRequest) -> String {
        "Get \"\(request.url)\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    }

    private func ask(_ request: HTTPProbeRequest) async throws -> HTTPAnswer {
        let promise: EventLoopPromise<HTTPAnswer> = group.next().makePromise(of: HTTPAnswer.self)
        let head: HTTPRequestHead = head(request)
        let channel: any Channel
        do {
            channel = try await connect(request.host, request.port, request.timeout) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if request.isSecure { try pipeline.addHandler(Self.tls(host: request.host)) }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(AnswerCollector(head: head, promise: promise))
                }
            }
        } catch {
            promise.fail(error)
            _ = try? await promise.futureResult.get()
            throw error
        }
        let timer: Scheduled<Void> = channel.eventLoop.scheduleTask(in: Self.amount(request.timeout)) {
            promise.fail(ProbeError.timeout)
        }
        defer {
            timer.cancel()
            channel.close(promise: nil)
        }
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            promise.fail(ProbeError.timeout)
        }
    }

    private func head(_ request: HTTPProbeRequest) -> HTTPRequestHead {
        var headers = HTTPHeaders()
        for header in request.headers { headers.add(name: header.name, value: header.value) }
        let bracketed: String = request.host.contains(":") ? "[\(request.host)]" : request.host
        if !headers.contains(name: "Host") { headers.add(name: "Host", value: "\(bracketed):\(request.port)") }
        if !headers.contains(name: "User-Agent") { headers.add(name: "User-Agent", value: userAgent) }
        if !headers.contains(name: "Accept") { headers.add(name: "Accept", value: "*/*") }
        headers.replaceOrAdd(name: "Connection", value: "close")
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: request.path, headers: headers)
    }

    /// Probes take any certificate: they ask whether somebody is there, not who.
    private static func tls(host: String) throws -> NIOSSLClientHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        let context = try NIOSSLContext(configuration: configuration)
        let isAddress: Bool = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    private func connect(
        _ host: String, _ port: Int, _ timeout: Duration,
        _ initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> any Channel {
        try await ClientBootstrap(group: group)
            .connectTimeout(Self.amount(timeout))
            .channelInitializer(initialize)
            .connect(host: host, port: port)
            .get()
    }

    private static func amount(_ duration: Duration) -> TimeAmount {
        let (seconds, attoseconds) = duration.components
        return .nanoseconds(max(1, seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }

    /// As Go words it: `dial tcp 10.0.0.1:80: connect: connection refused`.
    static func dialing(_ host: String, _ port: Int, _ error: any Error) -> String {
        let place: String = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        switch error {
        case ChannelError.connectTimeout: return "dial tcp \(place): i/o timeout"
        case let error as IOError: return "dial tcp \(place): connect: \(reason(error.errnoCode))"
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return dialing(host, port, first.error) }
            return "dial tcp: lookup \(host): no such host"
        case ProbeError.closed: return "EOF"
        default: return "\(error)"
        }
    }

    private static func reason(_ number: CInt) -> String {
        String(cString: strerror(number)).lowercased()
    }
}

/// What a probe fails with, besides the socket's own errors.
enum ProbeError: Error, Equatable {
    case timeout
    /// The peer hung up before it answered.
    case closed
}
