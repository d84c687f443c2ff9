import NIOCore

/// A connection as its event loop's shard sees it. On the event loop only.
protocol ManagedConnection: AnyObject {
    /// Looks at its timeouts.
    func sweep(now: NIODeadline)
    /// Takes no more requests, and closes when those in flight are answered.
    func drain()
    /// Closes now.
    func cut(_ reason: HTTPCloseReason)
}

/// The connections of one event loop, and what they share. On the event loop only.
///
/// One timer serves all of them, and only while there are any.
final class Shard {
    let eventLoop: any EventLoop
    let configuration: HTTPServerConfiguration
    let handler: any HTTPHandler
    let metrics: HTTPServerMetrics
    private var connections: [ObjectIdentifier: any ManagedConnection] = [:]
    private var timer: RepeatedTask?
    private var draining: Bool = false
    private var emptied: EventLoopPromise<Void>?
    private var clock: HTTPDate = HTTPDate()

    init(
        eventLoop: any EventLoop, configuration: HTTPServerConfiguration, handler: any HTTPHandler,
        metrics: HTTPServerMetrics
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.handler = handler
        self.metrics = metrics
    }

    /// The value of a `date` field.
    var date: String { clock.now() }

    func add(_ connection: any ManagedConnection) {
        connections[ObjectIdentifier(connection)] = connection
        if draining { connection.drain() }
        guard timer == nil else { return }
        let interval: TimeAmount = TimeAmount(configuration.sweepInterval)
        let bound: NIOLoopBound<Shard> = NIOLoopBound(self, eventLoop: eventLoop)
        timer = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in bound.value.sweep() }
    }

    func remove(_ connection: any ManagedConnection) {
        connections.removeValue(forKey: ObjectIdentifier(connection))
        guard connections.isEmpty else { return }
        timer?.cancel()
        timer = nil
        guard let emptied = emptied.take() else { return }
        // A connection leaves before its channel counts as closed.
        eventLoop.execute { emptied.succeed(()) }
    }

    /// Asks every connection to finish; the future succeeds when the last is gone.
    func drain() -> EventLoopFuture<Void> {
        draining = true
        if connections.isEmpty { return eventLoop.makeSucceededVoidFuture() }
        let promise: EventLoopPromise<Void> = emptied ?? eventLoop.makePromise()
        emptied = promise
        for connection in Array(connections.values) { connection.drain() }
        return promise.futureResult
    }

    func cut() {
        for connection in Array(connections.values) { connection.cut(.shutdown) }
    }

    private func sweep() {
        let now: NIODeadline = .now()
        for connection in Array(connections.values) { connection.sweep(now: now) }
    }
}

/// A connection before its protocol is known (TLS handshake).
final class Handshake: ManagedConnection {
    private let channel: any Channel
    private let deadline: NIODeadline
    private let shard: Shard

    init(_ channel: any Channel, shard: Shard) {
        self.channel = channel
        self.shard = shard
        self.deadline = .now() + TimeAmount(shard.configuration.handshakeTimeout)
    }

    func sweep(now: NIODeadline) {
        if now >= deadline { cut(.clientGone) }
    }

    func drain() { cut(.shutdown) }

    func cut(_ reason: HTTPCloseReason) {
        shard.metrics.rejected()
        channel.close(mode: .all, promise: nil)
    }
}
