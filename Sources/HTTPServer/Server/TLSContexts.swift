import NIOCore
import NIOSSL
import Synchronization

/// The TLS context of the identity that is current, made once per generation.
final class TLSContexts: Sendable {
    private let source: any TLSIdentitySource
    private let cached: Mutex<(generation: UInt64, context: NIOSSLContext)?> = Mutex(nil)

    init(_ source: any TLSIdentitySource) {
        self.source = source
    }

    /// For a new connection. When a new identity is broken, the last good one goes on; the first must be good.
    func current() throws(HTTPServerError) -> NIOSSLContext {
        let (identity, generation): (TLSIdentity, UInt64) = source.current()
        let last: (generation: UInt64, context: NIOSSLContext)? = cached.withLock { $0 }
        if let last, last.generation == generation { return last.context }
        do {
            let context: NIOSSLContext = try Self.make(identity)
            cached.withLock { $0 = (generation, context) }
            return context
        } catch {
            if let last { return last.context }
            throw HTTPServerError(.badIdentity, "failed to load the server's certificate and key: \(error)")
        }
    }

    /// What clients may prove their keys with: BoringSSL's own list, and Ed25519, which it lacks and Go's servers take.
    private static let clientAlgorithms: [SignatureAlgorithm] = [
        .ecdsaSecp256R1Sha256, .rsaPssRsaeSha256, .rsaPkcs1Sha256, .ecdsaSecp384R1Sha384, .rsaPssRsaeSha384,
        .rsaPkcs1Sha384, .ecdsaSecp521R1Sha512, .ed25519, .rsaPssRsaeSha512, .rsaPkcs1Sha512,
    ]

    private static func make(_ identity: TLSIdentity) throws -> NIOSSLContext {
        let chain: [NIOSSLCertificate] = try NIOSSLCertificate.fromPEMBytes(identity.certificateChain)
        let key: NIOSSLPrivateKey = try NIOSSLPrivateKey(bytes: identity.privateKey, format: .pem)
        var configuration: TLSConfiguration = .makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        // How long a close waits for the client's close_notify, which many never send.
        configuration.shutdownTimeout = .milliseconds(250)
        configuration.applicationProtocols = ["h2", "http/1.1"]
        if !identity.clientAuthorities.isEmpty {
            let authorities: [NIOSSLCertificate] = try NIOSSLCertificate.fromPEMBytes(identity.clientAuthorities)
            configuration.trustRoots = .certificates(authorities)
            configuration.certificateVerification = .optionalVerification
            configuration.sendCANameList = true
            configuration.verifySignatureAlgorithms = clientAlgorithms
        }
        return try NIOSSLContext(configuration: configuration)
    }
}
