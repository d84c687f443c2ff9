import NIOCore
import NIOPosix
import Synchronization

/// An HTTP server on one address: HTTP/1.1 and, with TLS, HTTP/2 by ALPN.
///
///     created ──start──► serving ──shutdown──► stopped
package final class HTTPServer: Sendable {
    private struct State {
        var isStarted: Bool = false
        var isStopping: Bool = false
        var listener: (any Channel)?
        var runner: CheckedContinuation<Void, Never>?
    }

    package let configuration: HTTPServerConfiguration
    package let metrics: HTTPServerMetrics = HTTPServerMetrics()
    private let loops: EventLoops
    private let contexts: TLSContexts?
    private let shards: [ObjectIdentifier: NIOLoopBoundBox<Shard>]
    private let state: Mutex<State> = Mutex(State())

    /// `tls` nil: plain TCP, HTTP/1.1 only. `loops` stays the caller's.
    package init(
        configuration: HTTPServerConfiguration, loops: EventLoops, tls: (any TLSIdentitySource)? = nil,
        handler: any HTTPHandler
    ) {
        self.configuration = configuration
        self.loops = loops
        self.contexts = tls.map { TLSContexts($0) }
        var shards: [ObjectIdentifier: NIOLoopBoundBox<Shard>] = [:]
        for loop in loops.group.makeIterator() {
            shards[ObjectIdentifier(loop)] = .makeBoxSendingValue(
                Shard(eventLoop: loop, configuration: configuration, handler: handler, metrics: metrics),
                eventLoop: loop)
        }
        self.shards = shards
    }

    /// Listens, and returns the port.
    @discardableResult
    package func start() async throws(HTTPServerError) -> Int {
        let isFirst: Bool = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { throw HTTPServerError(.alreadyStarted, "the server was started already") }
        // A broken certificate is an error now, not at the first connection.
        _ = try contexts?.current()
        let listener: any Channel
        do {
            listener = try await bootstrap().bind(host: configuration.host, port: configuration.port).get()
        } catch {
            throw HTTPServerError(
                .bindFailed, "failed to listen on \(configuration.host):\(configuration.port): \(error)")
        }
        state.withLock { $0.listener = listener }
        return listener.localAddress?.port ?? configuration.port
    }

    /// Serves until the task is cancelled or `shutdown` is called; then requests in flight have `shutdownGrace`.
    /// Starts first unless `start` was called.
    package func run() async throws(HTTPServerError) {
        if !state.withLock({ $0.isStarted }) { try await start() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let now: Bool = state.withLock {
                    if $0.isStopping || Task.isCancelled { return true }
                    $0.runner = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.runner.take() }?.resume()
        }
        await shutdown(within: configuration.shutdownGrace)
    }

    /// Stops accepting, lets requests in flight finish, and cuts what is left when `grace` is over.
    package func shutdown(within grace: Duration) async {
        let (listener, runner): ((any Channel)?, CheckedContinuation<Void, Never>?) = state.withLock {
            $0.isStopping = true
            return ($0.listener.take(), $0.runner.take())
        }
        runner?.resume()
        if let listener { try? await listener.close().get() }
        let delay: TimeAmount = TimeAmount(grace)
        let drained: [EventLoopFuture<Void>] = shards.values.map { shard in
            let loop: any EventLoop = shard.eventLoop
            return loop.flatSubmit {
                let cut: Scheduled<Void> = loop.scheduleTask(in: delay) { shard.value.cut() }
                let done: EventLoopFuture<Void> = shard.value.drain()
                done.whenComplete { _ in cut.cancel() }
                return done
            }
        }
        for future in drained { try? await future.get() }
    }

    private func bootstrap() -> ServerBootstrap {
        ServerBootstrap(group: loops.group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 64 * 1024, high: 256 * 1024))
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try self.initialize(channel) }
            }
    }

    /// On the channel's event loop.
    private func initialize(_ channel: any Channel) throws {
        let open: Int = metrics.connectionOpened()
        let metrics: HTTPServerMetrics = metrics
        channel.closeFuture.whenComplete { _ in metrics.connectionClosed() }
        guard open <= configuration.connectionLimit, let shard = shards[ObjectIdentifier(channel.eventLoop)] else {
            metrics.rejected()
            throw ChannelError.operationUnsupported
        }
        try ConnectionSetup.configure(channel, shard: shard.value, context: try contexts?.current())
    }
}
