import Crypto
import PKI
import SwiftASN1
import Testing
import X509

struct CertificateFaultTests {
    @Test func `a request must be signed with its own key`() throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject: DistinguishedName = try DistinguishedName { CommonName("anna") }
        let request = try CertificateSigningRequest(
            version: .v1, subject: subject, privateKey: key, attributes: CertificateSigningRequest.Attributes())
        var serializer = DER.Serializer()
        try request.serialize(into: &serializer)
        var der: [UInt8] = serializer.serializedBytes
        #expect(CertificateFaults.ofRequest(der) == nil)
        #expect(CertificateFaults.ofCertificate(der)?.hasPrefix("x509: malformed certificate") == true)
        // The subject's last letter: the signature no longer fits.
        let at: Int = try #require(der.firstRange(of: Array("anna".utf8))?.upperBound)
        der[at - 1] ^= 1
        #expect(CertificateFaults.ofRequest(der) == "x509: the signature does not fit the request's key")
        #expect(CertificateFaults.ofRequest([0x30, 0x00])?.hasPrefix("x509: malformed certificate request") == true)
    }
}
