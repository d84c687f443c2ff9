import SwiftASN1
import X509

/// What a certificate request asks for: a subject and alternative names. Its own signature has been checked.
package struct CertificateRequest: Sendable {
    package let commonName: String
    package let organizations: [String]
    package private(set) var dnsNames: [String] = []
    /// As text, without brackets.
    package private(set) var ipAddresses: [String] = []
    package private(set) var emailAddresses: [String] = []
    package private(set) var uris: [String] = []

    let publicKey: Certificate.PublicKey
    let subject: DistinguishedName
    let names: [GeneralName]

    /// - Parameter pem: a PKCS#10 request.
    package init(pem: [UInt8]) throws(PKIError) {
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(pemEncoded: String(decoding: pem, as: UTF8.self))
        } catch {
            throw PKIError(.malformed, "not a certificate request in PEM: \(error)")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw PKIError(.refused, "the certificate request's own signature is wrong")
        }
        publicKey = request.publicKey
        subject = request.subject
        do {
            let asked: SubjectAlternativeNames? = try request.attributes.extensionRequest?.extensions
                .subjectAlternativeNames
            names = asked.map { Array($0) } ?? []
        } catch {
            throw PKIError(.malformed, "the request's extensions are malformed: \(error)")
        }
        commonName =
            CertificateCoding.values(subject, ASN1ObjectIdentifier.RDNAttributeType.commonName).first ?? ""
        organizations = CertificateCoding.values(
            subject, ASN1ObjectIdentifier.RDNAttributeType.organizationName)
        for name in names {
            switch name {
            case .dnsName(let text): dnsNames.append(text)
            case .ipAddress(let bytes): ipAddresses.append(IPText.text(Array(bytes.bytes)))
            case .rfc822Name(let text): emailAddresses.append(text)
            case .uniformResourceIdentifier(let text): uris.append(text)
            default: throw PKIError(.refused, "the request asks for a name of a kind that is not signed")
            }
        }
    }
}
