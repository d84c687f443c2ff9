import CDNSSockets
package import Client
package import ClusterDNS
import Glibc
import NodeSetup
import Synchronization

/// The cluster's DNS server on this node: sockets and one thread around `DNSEngine`.
package final class ClusterDNSServer: Sendable {
    /// An address to be asked at, over UDP and TCP.
    package struct Listener: Sendable, Equatable {
        package var address: InternetAddress
        package var port: UInt16
        /// Who may ask; nil: everyone who reaches it.
        package var clients: [IPPrefix]?

        package init(_ address: InternetAddress, port: UInt16 = 53, clients: [IPPrefix]? = nil) {
            self.address = address
            self.port = port
            self.clients = clients
        }
    }

    package enum Upstreams: Sendable, Equatable {
        case servers([Upstream])
        /// A resolv.conf(5), read again when it changed.
        case file(String)
    }

    package struct Configuration: Sendable {
        package var listeners: [Listener]
        package var zone: ClusterZone.Configuration
        package var upstreams: Upstreams
        package var log: Log = .silent
        /// Told what came of changes, on the server's thread: must be quick.
        package var updated: @Sendable ([ZoneUpdate]) -> Void = { _ in }
        /// Connections at a time.
        package var connectionLimit: Int = 1000
        /// How long a connection may be silent: CoreDNS' own.
        package var idleLimit: Duration = .seconds(10)

        package init(listeners: [Listener], zone: ClusterZone.Configuration, upstreams: Upstreams) {
            self.listeners = listeners
            self.zone = zone
            self.upstreams = upstreams
        }
    }

    private let configuration: Configuration
    private let inbox: DNSInbox
    private let opened: Mutex<[OpenListener]>
    package let ports: [UInt16]
    /// Listeners that could not be opened.
    package let problems: [DNSServerError]

    /// Opens the sockets. Listeners that cannot be had are told in `problems`; the error is thrown if none can.
    package init(_ configuration: Configuration) throws(DNSServerError) {
        self.configuration = configuration
        inbox = try DNSInbox()
        var listeners: [OpenListener] = []
        var problems: [DNSServerError] = []
        for listener in configuration.listeners {
            do throws(DNSServerError) {
                listeners.append(try OpenListener(listener))
            } catch {
                problems.append(error)
            }
        }
        if listeners.isEmpty, let problem = problems.first { throw problem }
        ports = listeners.map(\.port)
        self.problems = problems
        opened = Mutex(listeners)
    }

    /// Takes over a change of the zone; in order, never blocks.
    package func post(_ change: ZoneChange) { inbox.post(.change(change)) }

    /// Tells what was counted so far, on the server's thread: `answer` must be quick. Nothing was, when the server has stopped.
    package func report(_ answer: @escaping @Sendable (DNSCounters) -> Void) {
        if !inbox.post(.report(answer)) { answer(DNSCounters()) }
    }

    /// What was counted so far; all that was posted before has been taken over then.
    package func counters() async -> DNSCounters {
        await withCheckedContinuation { continuation in report { continuation.resume(returning: $0) } }
    }

    /// Serves until the task is cancelled.
    package func run() async {
        let listeners: [OpenListener] = opened.withLock { opened in
            let taken: [OpenListener] = opened
            opened = []
            return taken
        }
        precondition(!listeners.isEmpty, "a DNS server runs once")
        let (configuration, inbox): (Configuration, DNSInbox) = (self.configuration, self.inbox)
        await withTaskCancellationHandler {
            let failure: DNSServerError? = await OwnedThread.run {
                do throws(DNSServerError) {
                    try DNSLoop(configuration, listeners, inbox).run()
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { configuration.log.error("dns server stopped", [("error", failure.description)]) }
            for case .report(let answer) in inbox.close() { answer(DNSCounters()) }
        } onCancel: {
            inbox.post(.stop)
        }
    }
}

/// A listener's two sockets. Immutable, and the descriptors are only closed when nobody has it any more.
final class OpenListener: Sendable {
    let listener: ClusterDNSServer.Listener
    let datagrams: Int32
    let streams: Int32
    let port: UInt16

    init(_ listener: ClusterDNSServer.Listener) throws(DNSServerError) {
        self.listener = listener
        let bytes: [UInt8] = listener.address.bytes
        let operation: String = "listen on \(listener.address) port \(listener.port)"
        var last = DNSServerError(operation, EADDRINUSE)
        // With port 0 the kernel chooses for UDP, and TCP may not have the same: then it chooses again.
        for _ in 0..<(listener.port == 0 ? 16 : 1) {
            let datagrams: Int32 = cdns_listen(bytes, Int32(bytes.count), listener.port, 0)
            guard datagrams >= 0 else { throw DNSServerError(operation, -datagrams) }
            let port = UInt16(clamping: cdns_port(datagrams))
            let streams: Int32 = cdns_listen(bytes, Int32(bytes.count), port, 1)
            guard streams >= 0 else {
                close(datagrams)
                last = DNSServerError(operation, -streams)
                continue
            }
            (self.datagrams, self.streams, self.port) = (datagrams, streams, port)
            return
        }
        throw last
    }

    deinit {
        close(datagrams)
        close(streams)
    }

    func admits(_ peer: cdns_peer) -> Bool {
        guard let clients = listener.clients else { return true }
        var peer: cdns_peer = peer
        var bytes: [UInt8] = [UInt8](repeating: 0, count: 16)
        let count: Int32 = cdns_peer_address(&peer, &bytes)
        guard let address = InternetAddress(bytes: Array(bytes.prefix(Int(count)))) else { return false }
        return clients.contains { $0.contains(address) }
    }
}
