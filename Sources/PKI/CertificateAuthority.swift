import Crypto
import Foundation
import SwiftASN1
import X509

/// A certificate and its key, PEM.
package struct CertifiedKey: Sendable, Equatable {
    package var certificate: [UInt8]
    package var key: [UInt8]

    package init(certificate: [UInt8], key: [UInt8]) {
        self.certificate = certificate
        self.key = key
    }
}

/// What a certificate shall say.
package struct CertificateProfile: Sendable, Equatable {
    package var commonName: String
    package var organizations: [String] = []
    package var dnsNames: [String] = []
    package var ipAddresses: [String] = []
    package var usages: Set<PeerIdentity.Usage>
    /// Seconds.
    package var lifetime: Int = 365 * 86_400

    /// For a TLS server at these names and addresses.
    package static func server(_ commonName: String, dnsNames: [String], ipAddresses: [String]) -> CertificateProfile {
        CertificateProfile(
            commonName: commonName, dnsNames: dnsNames, ipAddresses: ipAddresses, usages: [.serverAuth])
    }

    /// For a client: a user and its groups.
    package static func client(user: String, groups: [String] = []) -> CertificateProfile {
        CertificateProfile(commonName: user, organizations: groups, usages: [.clientAuth])
    }
}

/// Issues certificates. Times are seconds since 1970, given by the caller.
package struct CertificateAuthority: Sendable {
    /// Certificates begin this many seconds earlier, so that a peer's clock may be behind.
    package static let backdating: Int = 300

    private let certificate: Certificate
    private let key: SigningKey
    package let certificatePEM: [UInt8]

    /// A new one, valid for 10 years.
    package static func create(commonName: String, at now: Int) throws(PKIError) -> CertificateAuthority {
        let key: SigningKey = .generate()
        let publicKey: Certificate.PublicKey = Certificate.PublicKey(key.key.publicKey)
        let name: DistinguishedName = CertificateCoding.name(commonName: commonName, organizations: [])
        do {
            let certificate: Certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: date(now - backdating), notValidAfter: date(now + 10 * 365 * 86_400),
                issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                    Critical(KeyUsage(digitalSignature: true, keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: publicKey)
                },
                issuerPrivateKey: Certificate.PrivateKey(key.key))
            return try CertificateAuthority(certificate: certificate, key: key)
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError(.refused, "failed to make a certificate authority: \(error)")
        }
    }

    /// One that exists; the key must be the certificate's.
    package init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(PKIError) {
        try self.init(certificate: CertificateCoding.read(certificatePEM), key: SigningKey(pem: keyPEM))
    }

    private init(certificate: Certificate, key: SigningKey) throws(PKIError) {
        guard certificate.publicKey == Certificate.PublicKey(key.key.publicKey) else {
            throw PKIError(.mismatch, "the CA's key does not belong to its certificate")
        }
        guard try PeerIdentity(certificate).isAuthority else {
            throw PKIError(.mismatch, "the CA's certificate is not a certificate authority's")
        }
        self.certificate = certificate
        self.key = key
        self.certificatePEM = try CertificateCoding.write(certificate)
    }

    package var keyPEM: [UInt8] { key.pem }
    package var identity: PeerIdentity { get throws(PKIError) { try PeerIdentity(certificate) } }

    /// A new key with a certificate.
    package func issue(_ profile: CertificateProfile, at now: Int) throws(PKIError) -> CertifiedKey {
        let key: SigningKey = .generate()
        let issued: Certificate = try sign(
            Certificate.PublicKey(key.key.publicKey),
            subject: CertificateCoding.name(commonName: profile.commonName, organizations: profile.organizations),
            names: try Self.names(profile), usages: CertificateUsages(profile.usages), lifetime: profile.lifetime,
            at: now)
        return CertifiedKey(certificate: try CertificateCoding.write(issued), key: key.pem)
    }

    /// A lifetime below this is counted from now, a longer one from the backdated begin, as upstream does: 8 hours.
    private static let shortLifetime: Int = 8 * 3600

    /// Signs what a request asks for (subject and alternative names), for the usages that *we* give.
    ///
    /// Whether the requester may have that name is the caller's to decide.
    /// - Parameter lifetime: seconds.
    package func sign(
        _ request: CertificateRequest, usages: CertificateUsages, lifetime: Int, at now: Int
    ) throws(PKIError) -> [UInt8] {
        let fromNow: Int = lifetime < Self.shortLifetime ? lifetime : lifetime - Self.backdating
        return try CertificateCoding.write(
            sign(
                request.publicKey, subject: request.subject, names: request.names, usages: usages, lifetime: fromNow,
                at: now))
    }

    /// Whether this authority signed the certificate.
    package func signed(certificatePEM: [UInt8]) throws(PKIError) -> Bool {
        let other: Certificate = try CertificateCoding.read(certificatePEM)
        return other.issuer == certificate.subject
            && certificate.publicKey.isValidSignature(other.signature, for: other)
    }

    /// Whether a client may show this certificate: signed by this authority itself, in its time, for clients or for no
    /// purpose in particular, and without conditions that we do not know. Certificates of intermediate authorities
    /// are refused.
    package func vouches(forClient certificateDER: [UInt8], at now: Int) -> Bool {
        guard let other = try? Certificate(derEncoded: certificateDER), let peer = try? PeerIdentity(other) else {
            return false
        }
        let known: Set<ASN1ObjectIdentifier> = [
            .X509ExtensionID.basicConstraints, .X509ExtensionID.keyUsage, .X509ExtensionID.extendedKeyUsage,
            .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.subjectKeyIdentifier,
            .X509ExtensionID.authorityKeyIdentifier,
        ]
        return other.issuer == certificate.subject
            && certificate.publicKey.isValidSignature(other.signature, for: other)
            && peer.notBefore <= now && now <= peer.notAfter
            && (peer.usages.contains(.clientAuth) || other.extensions[oid: .X509ExtensionID.extendedKeyUsage] == nil)
            && other.extensions.allSatisfy { !$0.critical || known.contains($0.oid) }
    }

    /// Whether a certificate is for that key.
    package static func matches(_ pair: CertifiedKey) throws(PKIError) -> Bool {
        let certificate: Certificate = try CertificateCoding.read(pair.certificate)
        return certificate.publicKey == Certificate.PublicKey(try SigningKey(pem: pair.key).key.publicKey)
    }

    private func sign(
        _ publicKey: Certificate.PublicKey, subject: DistinguishedName, names: [GeneralName],
        usages: CertificateUsages, lifetime: Int, at now: Int
    ) throws(PKIError) -> Certificate {
        let end: Int = min(now + lifetime, Int(certificate.notValidAfter.timeIntervalSince1970))
        guard end > now else { throw PKIError(.expired, "the certificate authority has expired") }
        do {
            let authority: SubjectKeyIdentifier? = try certificate.extensions.subjectKeyIdentifier
            return try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: Self.date(now - Self.backdating), notValidAfter: Self.date(end),
                issuer: certificate.subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    if let key = usages.key { Critical(key) }
                    if !usages.extended.isEmpty { try ExtendedKeyUsage(usages.extended) }
                    if !names.isEmpty { SubjectAlternativeNames(names) }
                    SubjectKeyIdentifier(hash: publicKey)
                    if let authority { AuthorityKeyIdentifier(keyIdentifier: authority.keyIdentifier) }
                },
                issuerPrivateKey: Certificate.PrivateKey(key.key))
        } catch {
            throw PKIError(.refused, "failed to issue a certificate: \(error)")
        }
    }

    private static func names(_ profile: CertificateProfile) throws(PKIError) -> [GeneralName] {
        var names: [GeneralName] = profile.dnsNames.map { .dnsName($0) }
        for address in profile.ipAddresses {
            guard let bytes = IPText.bytes(address) else {
                throw PKIError(.refused, "not an IP address: \(address)")
            }
            names.append(.ipAddress(ASN1OctetString(contentBytes: bytes[...])))
        }
        return names
    }

    private static func date(_ seconds: Int) -> Date {
        // tidy:allow Date(: X509 takes Foundation's type; it is made of the caller's time, no clock is read.
        Date(timeIntervalSince1970: TimeInterval(seconds))
    }
}
