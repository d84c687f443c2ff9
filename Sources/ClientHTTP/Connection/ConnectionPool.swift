import APIMachinery
import Client
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The connections to one server: one for HTTP/2, which everyone shares; a few for HTTP/1.1.
final class ConnectionPool: Sendable {
    /// Idle HTTP/1.1 connections that are kept.
    static let idleLimit: Int = 8

    private struct State {
        var shared: Link?
        /// The attempt that everyone waits for, until it is known that the server has no HTTP/2.
        var connecting: EventLoopFuture<Link>?
        var isHTTP1: Bool = false
        var idle: [Link] = []
        var isClosed: Bool = false
    }

    private let state: Mutex<State> = Mutex(State())
    private let configuration: ClientConfiguration
    private let connector: Connector

    init(_ configuration: ClientConfiguration, group: any EventLoopGroup) {
        self.configuration = configuration
        let name: String = configuration.serverName
        connector = Connector(
            host: configuration.host, port: configuration.port,
            serverName: name.isEmpty ? configuration.host : name, group: group)
    }

    private enum Choice {
        case use(Link)
        case wait(EventLoopFuture<Link>)
        case connect
        case closed
    }

    /// A connection for one exchange; connects if there is none.
    func link() async throws(StatusError) -> Link {
        let choice: Choice = state.withLock { state in
            if state.isClosed { return .closed }
            if let shared = state.shared, shared.channel.isActive { return .use(shared) }
            state.shared = nil
            while let idle = state.idle.popLast() {
                if idle.channel.isActive { return .use(idle) }
            }
            if let connecting = state.connecting { return .wait(connecting) }
            return .connect
        }
        switch choice {
        case .closed: throw .connectionFailure("the client is closed")
        case .use(let link): return link
        case .wait(let future):
            let link: Link = try await get(future)
            if case .http2 = link { return link }
            // One of those who waited has the connection; the others need their own.
            return try await connectAlone()
        case .connect: return try await connectForAll()
        }
    }

    private func connectForAll() async throws(StatusError) -> Link {
        let tls: NIOSSLContext? = try await tlsContext()
        let future: EventLoopFuture<Link> = connector.connect(tls: tls) { [weak self] in self?.giveBack($0) }
        // Two that came at the same time both connect; the later one's HTTP/2 connection becomes the shared
        // one, and the
        // other ends with its exchange.
        state.withLock { state in
            if !state.isHTTP1 { state.connecting = future }
        }
        do throws(StatusError) {
            let link: Link = try await get(future)
            connected(link)
            return link
        } catch {
            state.withLock { $0.connecting = nil }
            throw error
        }
    }

    private func connectAlone() async throws(StatusError) -> Link {
        let tls: NIOSSLContext? = try await tlsContext()
        return try await get(connector.connect(tls: tls) { [weak self] in self?.giveBack($0) })
    }

    private func connected(_ link: Link) {
        let isClosed: Bool = state.withLock { state in
            state.connecting = nil
            switch link {
            case .http2: state.shared = link
            case .http1: state.isHTTP1 = true
            }
            return state.isClosed
        }
        if isClosed { link.channel.close(promise: nil) }
    }

    /// The connection is of no use for new exchanges.
    func forget(_ link: Link) {
        state.withLock { state in
            if let shared = state.shared, shared.channel === link.channel { state.shared = nil }
        }
    }

    private func giveBack(_ link: Link) {
        let isKept: Bool = state.withLock { state in
            guard !state.isClosed, state.idle.count < Self.idleLimit else { return false }
            state.idle.append(link)
            return true
        }
        if !isKept { link.channel.close(promise: nil) }
    }

    /// Closes all connections; exchanges under way fail.
    func close() {
        let links: [Link] = state.withLock { state in
            state.isClosed = true
            defer {
                state.shared = nil
                state.idle = []
            }
            return state.idle + [state.shared].compactMap { $0 }
        }
        for link in links { link.channel.close(promise: nil) }
    }

    private func get(_ future: EventLoopFuture<Link>) async throws(StatusError) -> Link {
        do {
            return try await future.get()
        } catch {
            throw .connectionFailure("failed to connect to \(configuration.authority): \(error)")
        }
    }

    /// Files are read on a thread that may block.
    private func tlsContext() async throws(StatusError) -> NIOSSLContext? {
        let configuration: ClientConfiguration = self.configuration
        do {
            return try await NIOThreadPool.singleton.runIfActive { try configuration.tlsContext() }
        } catch {
            throw .connectionFailure("\(error)")
        }
    }
}
