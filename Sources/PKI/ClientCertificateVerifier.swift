import SwiftASN1
import X509

/// Tells whether client certificates come from an authority that is believed.
package struct ClientCertificateVerifier: Sendable {
    private let roots: CertificateStore

    /// - Parameter authoritiesPEM: one or several.
    package init(authoritiesPEM: [UInt8]) throws(PKIError) {
        roots = CertificateStore(try CertificateCoding.readAll(authoritiesPEM))
    }

    /// Whether the first certificate, for clients and not expired, leads to one of the authorities.
    ///
    /// - Parameter chain: DER, the client's own certificate first.
    package func accepts(_ chain: [[UInt8]]) async -> Bool {
        guard let first = chain.first, let leaf = try? Certificate(derEncoded: first), Self.isForClients(leaf) else {
            return false
        }
        let others: [Certificate] = chain.dropFirst().compactMap { try? Certificate(derEncoded: $0) }
        var verifier = Verifier(rootCertificates: roots) { RFC5280Policy() }
        switch await verifier.validate(leaf: leaf, intermediates: CertificateStore(others)) {
        case .validCertificate: return true
        case .couldNotValidate: return false
        }
    }

    /// A certificate that names no usages may be used for all.
    private static func isForClients(_ certificate: Certificate) -> Bool {
        do {
            guard let usages = try certificate.extensions.extendedKeyUsage else { return true }
            return usages.contains(.clientAuth) || usages.contains(.any)
        } catch {
            return false
        }
    }
}
