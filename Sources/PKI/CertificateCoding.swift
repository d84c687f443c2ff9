import SwiftASN1
import X509

/// Certificates and names to and from their forms.
enum CertificateCoding {
    /// The first certificate of PEM text.
    static func read(_ pem: [UInt8]) throws(PKIError) -> Certificate {
        do {
            return try Certificate(pemEncoded: first(pem))
        } catch {
            throw PKIError(.malformed, "not an X.509 certificate in PEM: \(error)")
        }
    }

    /// All certificates of PEM text; at least one.
    static func readAll(_ pem: [UInt8]) throws(PKIError) -> [Certificate] {
        var certificates: [Certificate] = []
        var block: [Substring] = []
        for line in String(decoding: pem, as: UTF8.self).split(whereSeparator: \.isNewline) {
            block.append(line)
            guard line.hasPrefix("-----END") else { continue }
            certificates.append(try read(Array(block.joined(separator: "\n").utf8)))
            block = []
        }
        guard !certificates.isEmpty else { throw PKIError(.malformed, "no X.509 certificate in PEM") }
        return certificates
    }

    static func write(_ certificate: Certificate) throws(PKIError) -> [UInt8] {
        do {
            return Array((try certificate.serializeAsPEM().pemString + "\n").utf8)
        } catch {
            throw PKIError(.malformed, "failed to encode a certificate: \(error)")
        }
    }

    static func name(commonName: String, organizations: [String]) -> DistinguishedName {
        var names: [RelativeDistinguishedName] = organizations.map { organization in
            RelativeDistinguishedName(
                .init(type: ASN1ObjectIdentifier.RDNAttributeType.organizationName, utf8String: organization))
        }
        names.append(
            RelativeDistinguishedName(
                .init(type: ASN1ObjectIdentifier.RDNAttributeType.commonName, utf8String: commonName)))
        return DistinguishedName(names)
    }

    static func values(_ name: DistinguishedName, _ type: ASN1ObjectIdentifier) -> [String] {
        var result: [String] = []
        for relative in name {
            for attribute in relative where attribute.type == type {
                if let text = String(attribute.value) { result.append(text) }
            }
        }
        return result
    }

    /// Text up to the end of the first block.
    private static func first(_ pem: [UInt8]) -> String {
        let text: String = String(decoding: pem, as: UTF8.self)
        let lines: [Substring] = text.split(whereSeparator: \.isNewline)
        guard let end = lines.firstIndex(where: { $0.hasPrefix("-----END") }) else { return text }
        return lines[...end].joined(separator: "\n")
    }
}
