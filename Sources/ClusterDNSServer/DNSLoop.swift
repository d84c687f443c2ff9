import CDNSSockets
import Client
import ClusterDNS
import Glibc

/// The server's thread: waits for sockets, and does what the engine says. Everything here belongs to that thread alone.
final class DNSLoop {
    /// Whom to answer, and how.
    enum Peer: Sendable {
        case datagram(listener: Int, cdns_peer)
        case stream(connection: Int)
    }

    /// Changed services that are worked in between two looks at the sockets.
    private static let settleLimit: Int = 128
    /// How often the file with the upstreams is looked at, and only when somebody asks for what they know.
    private static let fileInterval: Duration = .seconds(5)

    let configuration: ClusterDNSServer.Configuration
    let listeners: [OpenListener]
    let poller: Poller
    var engine: DNSEngine<Peer>
    var connections: [Int: DNSConnection] = [:]
    var lastConnection: Int = 0
    var exchanges: [Int: UpstreamSocket] = [:]
    var now: Duration = .zero
    private let inbox: DNSInbox
    private var batches: [Batch] = []
    private var isStopped: Bool = false
    private var nextSweep: Duration?
    private var upstreamFile = UpstreamFile()
    private var nextFileLook: Duration = .zero

    /// Buffers for datagrams.
    private final class Batch {
        let raw: OpaquePointer

        init() {
            guard let raw = cdns_batch_make() else { preconditionFailure("making a batch aborts when it cannot") }
            self.raw = raw
        }

        deinit { cdns_batch_free(raw) }
    }

    init(
        _ configuration: ClusterDNSServer.Configuration, _ listeners: [OpenListener], _ inbox: DNSInbox
    ) throws(DNSServerError) {
        self.configuration = configuration
        self.listeners = listeners
        self.inbox = inbox
        poller = try Poller()
        batches = listeners.map { _ in Batch() }
        var random = SystemRandomNumberGenerator()
        let rotation: UInt64 = random.next()
        let forwarder = Forwarder<Peer>(random: {
            var random = SystemRandomNumberGenerator()
            return random.next()
        })
        let zone = ClusterZone(configuration.zone, serial: UInt32(truncatingIfNeeded: Glibc.time(nil)))
        engine = DNSEngine(zone: zone, forwarder: forwarder, rotation: rotation)
        try poller.watch(inbox.descriptor, .inbox, 0)
        for (index, listener) in listeners.enumerated() {
            try poller.watch(listener.datagrams, .datagrams, index)
            try poller.watch(listener.streams, .streams, index)
        }
    }

    // MARK: - Running

    func run() throws(DNSServerError) {
        now = Self.time()
        if case .servers(let servers) = configuration.upstreams { setUpstreams(servers) }
        lookAtFile()
        perform()
        while !isStopped {
            let events: [Poller.Event] = try poller.wait(timeout)
            now = Self.time()
            for event in events { handle(event) }
            settle()
            engine.forwarder.expire(now: now)
            sweep()
            perform()
        }
    }

    private static func time() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    private var timeout: Duration? {
        if engine.zone.hasUnsettledChanges { return .zero }
        let next: Duration? = [engine.forwarder.nextDeadline, nextSweep].compactMap { $0 }.min()
        return next.map { max(.zero, $0 - now) }
    }

    private func handle(_ event: Poller.Event) {
        switch event.kind {
        case .inbox: takeInbox()
        case .datagrams: receive(event.number)
        case .streams: accept(event.number)
        case .connection: handleConnection(event)
        case .exchange: handleExchange(event)
        }
    }

    private func takeInbox() {
        for item in inbox.take() {
            switch item {
            case .change(let change): engine.zone.apply(change)
            case .report(let answer): answer(engine.counters)
            case .stop: isStopped = true
            }
        }
    }

    private func settle() {
        guard engine.zone.hasUnsettledChanges else { return }
        let updates: [ZoneUpdate] = engine.zone.settle(limit: Self.settleLimit)
        if !updates.isEmpty { configuration.updated(updates) }
    }

    // MARK: - Datagrams

    private func receive(_ index: Int) {
        let batch: OpaquePointer = batches[index].raw
        let listener: OpenListener = listeners[index]
        let count: Int32 = cdns_receive(batch, listener.datagrams)
        guard count > 0 else { return }
        for number in 0..<count {
            guard let peer = cdns_question_peer(batch, number)?.pointee, listener.admits(peer) else { continue }
            var length: Int32 = 0
            guard let bytes = cdns_question(batch, number, &length) else { continue }
            // The bytes stay where they are until the next `cdns_receive`.
            let question = UnsafeBufferPointer(start: bytes, count: Int(length))
            let outcome: DNSEngine<Peer>.Outcome = engine.receive(
                question.span, from: .datagram(listener: index, peer), isStream: false, now: now)
            switch outcome {
            case .written:
                engine.withWritten { cdns_answer(batch, number, $0.baseAddress, Int32($0.count)) }
            case .reply(let reply):
                cdns_answer(batch, number, reply, Int32(reply.count))
            case .waiting:
                lookAtFile()
            case .silent:
                break
            }
        }
        cdns_flush(batch, listener.datagrams)
    }

    // MARK: - The forwarder's wishes

    /// Does what is to be done, until nothing is: a server that refuses at once makes for the next step.
    func perform() {
        while true {
            let actions: [Forwarder<Peer>.Action] = engine.takeActions()
            if actions.isEmpty { return }
            for action in actions { perform(action) }
        }
    }

    private func perform(_ action: Forwarder<Peer>.Action) {
        switch action {
        case .ask(let exchange, let upstream, let isStream, let message):
            ask(exchange, upstream, isStream, message)
        case .close(let exchange):
            exchanges[exchange] = nil
        case .reply(let peer, let reply, _, _):
            switch peer {
            case .datagram(let index, var peer):
                _ = cdns_send(listeners[index].datagrams, &peer, reply, Int32(reply.count))
            case .stream(let connection):
                self.reply(reply, to: connection)
            }
        case .loop(let upstream):
            configuration.log.error(
                "upstream server leads back to us and is left out", [("server", upstream.description)])
        }
    }

    // MARK: - Upstreams

    private func lookAtFile() {
        guard case .file(let path) = configuration.upstreams, now >= nextFileLook else { return }
        nextFileLook = now + Self.fileInterval
        if let servers = upstreamFile.changed(path) { setUpstreams(servers) }
    }

    private func setUpstreams(_ servers: [Upstream]) {
        // Asking ourselves leads nowhere.
        let others: [Upstream] = servers.filter { server in
            !listeners.contains { $0.listener.address == server.address && $0.port == server.port }
        }
        if others.isEmpty { configuration.log.warning("no upstream server for names outside of the cluster") }
        engine.forwarder.setUpstreams(others, now: now)
    }

    // MARK: - Silence

    /// When connections are looked at for silence.
    private func sweep() {
        guard !connections.isEmpty else {
            nextSweep = nil
            return
        }
        guard let due = nextSweep else {
            nextSweep = now + .seconds(1)
            return
        }
        guard now >= due else { return }
        nextSweep = now + .seconds(1)
        for (number, connection) in connections where now - connection.lastActive > configuration.idleLimit {
            close(number)
        }
    }
}

/// The file that names the upstreams, and how it was when it was read.
private struct UpstreamFile {
    private struct Stamp: Equatable {
        var seconds: Int
        var nanoseconds: Int
        var inode: UInt
        var size: Int
    }

    private var stamp: Stamp?
    private var wasRead: Bool = false

    /// Its servers; nil: it is as it was. A file that is not there names nobody.
    mutating func changed(_ path: String) -> [Upstream]? {
        var status = stat()
        var current: Stamp?
        if stat(path, &status) == 0 {
            current = Stamp(
                seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, inode: UInt(status.st_ino),
                size: Int(status.st_size))
        }
        if wasRead && current == stamp { return nil }
        (stamp, wasRead) = (current, true)
        guard let file = fopen(path, "re") else { return [] }
        defer { fclose(file) }
        // A resolv.conf is small; what is longer is none.
        var bytes: [UInt8] = [UInt8](repeating: 0, count: 65536)
        let count: Int = fread(&bytes, 1, bytes.count, file)
        return Upstream.parse(resolvConf: String(decoding: bytes.prefix(count), as: UTF8.self))
    }
}
