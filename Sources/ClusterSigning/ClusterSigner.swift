package import APIMachinery
package import Controllers
package import PKI

/// Signs with the cluster's authority.
package struct ClusterSigner: CertificateSigner {
    private let authority: @Sendable () -> CertificateAuthority

    /// - Parameter authority: asked for each certificate, since it may be another one tomorrow.
    package init(authority: @escaping @Sendable () -> CertificateAuthority) {
        self.authority = authority
    }

    package func subject(ofRequest pem: [UInt8]) throws(CertificateSignerError) -> SigningSubject {
        let request: CertificateRequest = try Self.read(pem)
        var subject = SigningSubject()
        subject.commonName = request.commonName
        subject.organizations = request.organizations
        subject.dnsNames = request.dnsNames
        subject.ipAddresses = request.ipAddresses
        subject.emailAddresses = request.emailAddresses
        subject.uris = request.uris
        return subject
    }

    package func sign(
        request pem: [UInt8], usages: [String], lifetime: Int, now: Time
    ) throws(CertificateSignerError) -> [UInt8] {
        let request: CertificateRequest = try Self.read(pem)
        do throws(PKIError) {
            return try authority().sign(
                request, usages: CertificateUsages(usages), lifetime: lifetime, at: Int(now.seconds))
        } catch {
            throw CertificateSignerError(error.message)
        }
    }

    package func end(ofCertificate pem: [UInt8]) -> Time? {
        guard let identity = try? PeerIdentity(certificatePEM: pem) else { return nil }
        return Time(seconds: Int64(identity.notAfter))
    }

    private static func read(_ pem: [UInt8]) throws(CertificateSignerError) -> CertificateRequest {
        do throws(PKIError) {
            return try CertificateRequest(pem: pem)
        } catch {
            throw CertificateSignerError(error.message)
        }
    }
}
