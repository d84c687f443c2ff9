import CDNSSockets
import Client
import ClusterDNS
import Glibc

/// A client's TCP connection. Questions may follow each other without waiting, and answers may overtake (RFC 7766).
final class DNSConnection {
    /// Questions of one connection that are under way.
    static let pendingLimit: Int = 64

    let descriptor: OwnedDescriptor
    var buffer = StreamBuffer()
    var pending: Int = 0
    var hasEnded: Bool = false
    /// When a whole question came, or an answer was given.
    var lastActive: Duration
    var isReading: Bool = true
    var isWriting: Bool = false

    init(_ descriptor: OwnedDescriptor, now: Duration) {
        self.descriptor = descriptor
        lastActive = now
    }
}

extension DNSLoop {
    func accept(_ index: Int) {
        // Bounded, so that others get their turn.
        for _ in 0..<64 {
            var peer = cdns_peer()
            let raw: Int32 = cdns_accept(listeners[index].streams, &peer)
            guard raw >= 0 else {
                if raw == -EMFILE || raw == -ENFILE || raw == -ENOMEM { makeRoom() }
                return
            }
            do throws(DNSServerError) {
                let descriptor = try OwnedDescriptor(raw, "accept")
                guard connections.count < configuration.connectionLimit, listeners[index].admits(peer) else { continue }
                lastConnection += 1
                try poller.watch(raw, .connection, lastConnection)
                connections[lastConnection] = DNSConnection(descriptor, now: now)
            } catch {
                configuration.log.warning("connection lost", [("error", error.description)])
            }
        }
    }

    func close(_ number: Int) { connections[number] = nil }

    /// The process may open no more: who has been silent longest goes, so that who knocks does not wake us for ever.
    private func makeRoom() {
        if let oldest = connections.min(by: { $0.value.lastActive < $1.value.lastActive }) { return close(oldest.key) }
        poll(nil, 0, 10)
    }

    func handleConnection(_ event: Poller.Event) {
        guard let connection = connections[event.number] else { return }
        if event.isReadable || event.isBroken {
            switch connection.buffer.fill(connection.descriptor.raw) {
            case .open: break
            case .ended: connection.hasEnded = true
            case .broken: return close(event.number)
            }
        }
        process(event.number, connection)
    }

    /// Answers what has come, sends what there is, and says what to wait for.
    private func process(_ number: Int, _ connection: DNSConnection) {
        while connection.pending < DNSConnection.pendingLimit, let question = connection.buffer.next() {
            connection.lastActive = now
            switch engine.receive(question.span, from: .stream(connection: number), isStream: true, now: now) {
            case .written: connection.buffer.put(engine.written)
            case .reply(let reply): connection.buffer.put(reply)
            case .waiting: connection.pending += 1
            case .silent: return close(number)
            }
        }
        if case .broken = connection.buffer.drain(connection.descriptor.raw) { return close(number) }
        if connection.buffer.isOverfull { return close(number) }
        if connection.hasEnded && connection.pending == 0 && !connection.buffer.hasOutput { return close(number) }
        let isReading: Bool = !connection.hasEnded && connection.pending < DNSConnection.pendingLimit
        let isWriting: Bool = connection.buffer.hasOutput
        guard isReading != connection.isReading || isWriting != connection.isWriting else { return }
        do throws(DNSServerError) {
            if isReading || isWriting {
                try poller.watch(
                    connection.descriptor.raw, .connection, number, reading: isReading, writing: isWriting,
                    isKnown: connection.isReading || connection.isWriting)
            } else {
                poller.forget(connection.descriptor.raw)
            }
            (connection.isReading, connection.isWriting) = (isReading, isWriting)
        } catch {
            close(number)
        }
    }

    /// An answer that came later.
    func reply(_ reply: [UInt8], to number: Int) {
        guard let connection = connections[number] else { return }
        connection.pending -= 1
        connection.lastActive = now
        connection.buffer.put(reply)
        process(number, connection)
    }
}
