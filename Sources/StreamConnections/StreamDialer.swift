import Glibc
import NIOCore
import NIOPosix
package import NIOSSL

/// Why no connection came about, in the words of Go's dialer, which users know: `dial tcp 10.0.0.1:10250: connect:
/// connection refused`.
package struct DialError: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }

    init(_ error: any Error, host: String, port: Int) {
        let address: String = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        description = "dial tcp \(address): \(Self.words(error))"
    }

    static func words(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return words(first.error) }
            return "lookup \(error.host): no such host"
        }
        if let error = error as? IOError { return "connect: " + systemWords(error.errnoCode) }
        if case .connectTimeout = error as? ChannelError { return "i/o timeout" }
        return "\(error)"
    }

    /// As Go writes it: in lower case.
    private static func systemWords(_ code: CInt) -> String {
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text).lowercased()
    }
}

/// Opens connections to one kind of backend: plain, or TLS with our certificate.
package struct StreamDialer: Sendable {
    package enum Security: Sendable {
        case plain
        /// `serverName` nil: the address that was dialed is what the certificate must have.
        case tls(NIOSSLContext, serverName: String?)
    }

    private static let handshakePatience: TimeAmount = .seconds(10)

    private let security: Security
    private let group: any EventLoopGroup
    private let timeout: TimeAmount

    /// - Parameter timeout: for the TCP connection; upstream's dialer waits 30 s.
    package init(security: Security = .plain, timeout: Duration = .seconds(30)) {
        self.security = security
        self.group = MultiThreadedEventLoopGroup.singleton
        self.timeout = TimeAmount(timeout)
    }

    package func connect(host: String, port: Int) async throws(DialError) -> OutgoingConnection {
        let input = IncomingBytes()
        do {
            let channel: any Channel = try await ClientBootstrap(group: group)
                .connectTimeout(timeout)
                .channelOption(.socketOption(.so_keepalive), value: 1)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try initialize(channel, host: host, input) }
                }
                .connect(host: host, port: port).get()
            return OutgoingConnection(channel, input)
        } catch {
            throw DialError(error, host: host, port: port)
        }
    }

    private func initialize(_ channel: any Channel, host: String, _ input: IncomingBytes) throws {
        if case .tls(let context, let serverName) = security {
            let name: String = serverName ?? host
            // An address is no server name in the sense of RFC 6066.
            let isAddress: Bool = (try? SocketAddress(ipAddress: name, port: 0)) != nil
            let handler = try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name)
            try channel.pipeline.syncOperations.addHandler(handler)
        }
        try channel.pipeline.syncOperations.addHandler(IncomingHandler(input))
    }
}

/// The certificates of TLS towards backends, as PEM.
package struct BackendTLS: Sendable, Equatable {
    /// nil: the backend's certificate is not verified, upstream's default towards kubelets.
    package var authorities: [UInt8]?
    package var certificateChain: [UInt8]
    package var privateKey: [UInt8]

    package init(authorities: [UInt8]?, certificateChain: [UInt8] = [], privateKey: [UInt8] = []) {
        self.authorities = authorities
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }

    /// What a dialer needs. `verify` false leaves out the check of the backend's certificate.
    package func context(verify: Bool = true) throws(DialError) -> NIOSSLContext {
        do {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.applicationProtocols = ["http/1.1"]
            tls.minimumTLSVersion = .tlsv12
            if verify, let authorities {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authorities))
            } else {
                tls.certificateVerification = .none
            }
            if !certificateChain.isEmpty {
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(certificateChain).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: privateKey, format: .pem))
            }
            return try NIOSSLContext(configuration: tls)
        } catch {
            throw DialError("failed to set up TLS: \(error)")
        }
    }
}
