import Foundation
import SwiftASN1
import X509

/// Who a certificate speaks for. Times are seconds since 1970.
package struct PeerIdentity: Sendable, Equatable {
    package enum Usage: String, Sendable, CaseIterable {
        case serverAuth = "server auth"
        case clientAuth = "client auth"
    }

    /// The user.
    package var commonName: String
    /// The groups.
    package var organizations: [String]
    package var notBefore: Int
    package var notAfter: Int
    /// Hexadecimal, lower case.
    package var serial: String
    package var usages: Set<Usage>
    package var dnsNames: [String]
    /// As text, without brackets.
    package var ipAddresses: [String]
    package var isAuthority: Bool

    /// Reads a certificate; no signature and no time is checked here.
    package init(certificateDER: [UInt8]) throws(PKIError) {
        do {
            try self.init(Certificate(derEncoded: certificateDER))
        } catch {
            throw PKIError(.malformed, "not an X.509 certificate: \(error)")
        }
    }

    /// The first certificate of PEM text.
    package init(certificatePEM: [UInt8]) throws(PKIError) {
        try self.init(CertificateCoding.read(certificatePEM))
    }

    init(_ certificate: Certificate) throws(PKIError) {
        let names: SubjectAlternativeNames?
        let usage: ExtendedKeyUsage?
        let constraints: BasicConstraints?
        do {
            names = try certificate.extensions.subjectAlternativeNames
            usage = try certificate.extensions.extendedKeyUsage
            constraints = try certificate.extensions.basicConstraints
        } catch {
            throw PKIError(.malformed, "a certificate with malformed extensions: \(error)")
        }
        commonName =
            CertificateCoding.values(certificate.subject, ASN1ObjectIdentifier.RDNAttributeType.commonName).first ?? ""
        organizations = CertificateCoding.values(
            certificate.subject, ASN1ObjectIdentifier.RDNAttributeType.organizationName)
        notBefore = Int(certificate.notValidBefore.timeIntervalSince1970)
        notAfter = Int(certificate.notValidAfter.timeIntervalSince1970)
        serial = certificate.serialNumber.bytes.map { byte in
            let text: String = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
        usages = []
        for one in usage ?? ExtendedKeyUsage() {
            if one == .serverAuth { usages.insert(.serverAuth) }
            if one == .clientAuth { usages.insert(.clientAuth) }
        }
        dnsNames = []
        ipAddresses = []
        for name in names ?? SubjectAlternativeNames() {
            switch name {
            case .dnsName(let text): dnsNames.append(text)
            case .ipAddress(let bytes): ipAddresses.append(IPText.text(Array(bytes.bytes)))
            default: break
            }
        }
        if case .some(.isCertificateAuthority) = constraints { isAuthority = true } else { isAuthority = false }
    }

    /// Whether less than a third of its life is left.
    package func needsRenewal(at now: Int) -> Bool {
        (notAfter - now) * 3 < notAfter - notBefore
    }

    package func isExpired(at now: Int) -> Bool {
        now > notAfter
    }
}
