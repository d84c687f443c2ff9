import SwiftASN1
import X509

/// What is wrong with certificates and requests that somebody sent.
package enum CertificateFaults {
    /// Of a PKCS#10 request in DER, its signature included; nil if nothing is.
    package static func ofRequest(_ der: [UInt8]) -> String? {
        do {
            let request = try CertificateSigningRequest(derEncoded: der)
            return request.publicKey.isValidSignature(request.signature, for: request)
                ? nil : "x509: the signature does not fit the request's key"
        } catch {
            return "x509: malformed certificate request: \(error)"
        }
    }

    /// Of a certificate in DER; nil if nothing is.
    package static func ofCertificate(_ der: [UInt8]) -> String? {
        do {
            _ = try Certificate(derEncoded: der)
            return nil
        } catch {
            return "x509: malformed certificate: \(error)"
        }
    }
}
