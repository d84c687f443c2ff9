package import APICore
package import APIMachinery
import NIOSSL
package import StreamConnections
package import Streams
import Synchronization

/// Where the kubelet of a node listens.
package struct KubeletPlace: Sendable, Equatable {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `10.0.0.1:10250`
    package var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Connects the API server with kubelets.
package final class KubeletConnector: Sendable {
    /// Upstream's port of a kubelet that does not tell its own.
    private static let defaultPort: Int = 10250

    private let addressTypes: [String]
    private let timeout: Duration
    private let tls: @Sendable () -> BackendTLS?
    private let context: Mutex<(tls: BackendTLS, context: NIOSSLContext)?> = Mutex(nil)

    /// - Parameters:
    ///   - addressTypes: of the node's addresses, best first.
    ///   - timeout: for the TCP connection.
    ///   - tls: asked for each connection, so that renewed certificates are used; nil: plain HTTP.
    package init(
        addressTypes: [String] = ["InternalIP", "ExternalIP", "Hostname", "InternalDNS", "ExternalDNS"],
        timeout: Duration = .seconds(30), tls: @escaping @Sendable () -> BackendTLS?
    ) {
        self.addressTypes = addressTypes
        self.timeout = timeout
        self.tls = tls
    }

    package func place(of node: Node) throws(StatusError) -> KubeletPlace {
        for type in addressTypes {
            guard let found = node.status.addresses.first(where: { $0.type == type }), !found.address.isEmpty else {
                continue
            }
            let port: Int = node.status.daemonEndpoints.kubeletEndpoint.Port
            return KubeletPlace(host: found.address, port: port == 0 ? Self.defaultPort : port)
        }
        let known: [String] = node.status.addresses.map { "{\($0.type) \($0.address)}" }
        throw .plain("no preferred addresses found; known addresses: [\(known.joined(separator: " "))]")
    }

    /// Sends a request, and reads the head of the answer.
    package func open(
        _ place: KubeletPlace, method: String, target: String, fields: [HTTP1ResponseHead.Field] = []
    ) async throws(DialError) -> BackendExchange {
        try await open(
            place, BackendRequest(method: method, target: target, host: place.authority, fields: fields))
    }

    package func open(_ place: KubeletPlace, _ request: BackendRequest) async throws(DialError) -> BackendExchange {
        let security: StreamDialer.Security
        if let tls = tls() {
            security = .tls(try context(for: tls), serverName: nil)
        } else {
            security = .plain
        }
        let connection: OutgoingConnection = try await StreamDialer(security: security, timeout: timeout)
            .connect(host: place.host, port: place.port)
        return try await BackendExchange.open(request, on: connection)
    }

    private func context(for tls: BackendTLS) throws(DialError) -> NIOSSLContext {
        if let known = context.withLock({ $0 }), known.tls == tls { return known.context }
        let made: NIOSSLContext = try tls.context()
        context.withLock { $0 = (tls, made) }
        return made
    }
}

extension StatusError {
    /// 500 without a reason, as upstream answers errors that are no `Status`.
    static func plain(_ message: String) -> StatusError {
        var status = Status()
        status.status = "Failure"
        status.code = 500
        status.message = message
        return StatusError(status)
    }
}
