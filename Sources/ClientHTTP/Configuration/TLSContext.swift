import NIOSSL

extension ClientConfiguration {
    /// What TLS needs, from files as they are now; nil for plain HTTP. Blocks while it reads.
    func tlsContext() throws(ConfigurationError) -> NIOSSLContext? {
        guard scheme == "https" else { return nil }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.applicationProtocols = allowsHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        tls.minimumTLSVersion = .tlsv12
        switch trust {
        case .system: break
        case .authorities(let source):
            tls.trustRoots = .certificates(try Self.certificates(try source.read(), "certificate authority"))
        case .anything: tls.certificateVerification = .none
        }
        if case .certificate(let chain, let key) = credential {
            let certificates: [NIOSSLCertificate] = try Self.certificates(try chain.read(), "client certificate")
            tls.certificateChain = certificates.map { .certificate($0) }
            let bytes: [UInt8] = try key.read()
            tls.privateKey = .privateKey(
                try Self.checked("failed to read the client key") { try NIOSSLPrivateKey(bytes: bytes, format: .pem) })
        }
        let configuration: TLSConfiguration = tls
        return try Self.checked("failed to set up TLS") { try NIOSSLContext(configuration: configuration) }
    }

    private static func certificates(
        _ bytes: [UInt8], _ what: String
    ) throws(ConfigurationError) -> [NIOSSLCertificate] {
        try checked("failed to read the \(what)") { try NIOSSLCertificate.fromPEMBytes(bytes) }
    }

    private static func checked<Result>(
        _ what: String, _ body: () throws -> Result
    ) throws(ConfigurationError) -> Result {
        do {
            return try body()
        } catch {
            throw ConfigurationError("\(what): \(error)")
        }
    }
}
