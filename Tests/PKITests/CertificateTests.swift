import PKI
import Testing

@Suite struct CertificateTests {
    let authority: CertificateAuthority

    init() throws {
        authority = try CertificateAuthority.create(commonName: "test-ca", at: realNow)
    }

    @Test func `a certificate tells whom it was issued to`() throws {
        let client: CertifiedKey = try authority.issue(
            .client(user: "jane", groups: ["dev", "system:masters"]), at: realNow)
        let identity: PeerIdentity = try PeerIdentity(certificatePEM: client.certificate)
        #expect(identity.commonName == "jane")
        #expect(identity.organizations == ["dev", "system:masters"])
        #expect(identity.usages == [.clientAuth])
        #expect(!identity.isAuthority)
        #expect(identity.notAfter == realNow + 365 * 86_400)
        #expect(try authority.signed(certificatePEM: client.certificate))
        #expect(try CertificateAuthority.matches(client))
        let other: CertificateAuthority = try CertificateAuthority.create(commonName: "test-ca", at: realNow)
        #expect(try !other.signed(certificatePEM: client.certificate))
        #expect(throws: PKIError.self) { try PeerIdentity(certificateDER: [0x30, 0x03, 1, 2, 3]) }
    }

    @Test func `an authority vouches for clients of its own, in their time, and for nothing else`() throws {
        func vouches(_ pair: CertifiedKey, at time: Int = realNow) throws -> Bool {
            authority.vouches(forClient: try TemporaryDirectory.der(pair.certificate), at: time)
        }
        let client: CertifiedKey = try authority.issue(.client(user: "jane"), at: realNow)
        #expect(try vouches(client))
        #expect(try !vouches(client, at: realNow + 366 * 86_400))
        #expect(try !vouches(client, at: realNow - 3600))
        // Same name, another key.
        let other: CertificateAuthority = try CertificateAuthority.create(commonName: "test-ca", at: realNow)
        #expect(try !vouches(other.issue(.client(user: "jane"), at: realNow)))
        #expect(try !vouches(authority.issue(.server("a", dnsNames: ["a"], ipAddresses: []), at: realNow)))
        var anyPurpose: CertificateProfile = .client(user: "jane")
        anyPurpose.usages = []
        #expect(try vouches(authority.issue(anyPurpose, at: realNow)))
        #expect(!authority.vouches(forClient: [0x30, 0x03, 1, 2, 3], at: realNow))
    }

    @Test func `a third of the life left is the time to renew`() throws {
        var profile: CertificateProfile = .client(user: "a")
        profile.lifetime = 900
        let start: Int = 1_800_000_000
        let authority: CertificateAuthority = try .create(commonName: "ca", at: start)
        let identity: PeerIdentity = try PeerIdentity(
            certificatePEM: authority.issue(profile, at: start).certificate)
        // The life is 900 s and the 300 s of backdating: 1200 s, a third is 400 s.
        #expect(!identity.needsRenewal(at: start + 500))
        #expect(identity.needsRenewal(at: start + 501))
        #expect(!identity.isExpired(at: start + 900))
        #expect(identity.isExpired(at: start + 901))
    }

    @Test func `no certificate outlives its authority`() throws {
        let end: Int = try authority.identity.notAfter
        let late: CertifiedKey = try authority.issue(.client(user: "a"), at: end - 10)
        #expect(try PeerIdentity(certificatePEM: late.certificate).notAfter == end)
        #expect(throws: PKIError.self) { try authority.issue(.client(user: "a"), at: end) }
    }

    @Test(.enabled(if: TemporaryDirectory.hasOpenSSL)) func `openssl believes our chain, names and keys`() async throws
    {
        let directory: TemporaryDirectory = try TemporaryDirectory()
        let server: CertifiedKey = try authority.issue(
            .server("api", dnsNames: ["kubernetes.default.svc"], ipAddresses: ["10.96.0.1", "fd00::1"]), at: realNow)
        try directory.write(authority.certificatePEM, "ca.crt")
        try directory.write(server.certificate, "server.crt")
        try directory.write(server.key, "server.key")
        for arguments in [
            ["-purpose", "sslserver"], ["-verify_hostname", "kubernetes.default.svc"], ["-verify_ip", "10.96.0.1"],
            ["-verify_ip", "fd00::1"],
        ] {
            let (status, output): (Int32, String) = try await directory.openssl(
                "verify", "-x509_strict", "-CAfile", "ca.crt", arguments[0], arguments[1], "server.crt")
            #expect(status == 0, "\(output)")
        }
        #expect(
            try await directory.openssl("verify", "-CAfile", "ca.crt", "-purpose", "sslclient", "server.crt").status
                != 0)
        #expect(
            try await directory.openssl("verify", "-CAfile", "ca.crt", "-verify_hostname", "evil", "server.crt").status
                != 0)
        #expect(try await directory.openssl("pkey", "-in", "server.key", "-noout", "-check").status == 0)
        // SEC 1, openssl's older form.
        #expect(try await directory.openssl("ec", "-in", "server.key", "-out", "sec1.key").status == 0)
        let sec1: [UInt8] = try directory.read("sec1.key")
        #expect(try SigningKey(pem: sec1).pem == server.key)
    }

    @Test(.enabled(if: TemporaryDirectory.hasOpenSSL)) func `a request made by openssl is signed as asked`()
        async throws
    {
        let directory: TemporaryDirectory = try TemporaryDirectory()
        let (status, output): (Int32, String) = try await directory.openssl(
            "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "csr", "-subj",
            "/O=system:nodes/CN=system:node:n1", "-addext", "subjectAltName=DNS:n1,IP:10.0.0.7")
        #expect(status == 0, "\(output)")
        let asked = try CertificateRequest(pem: directory.read("csr"))
        #expect(asked.commonName == "system:node:n1")
        #expect(asked.organizations == ["system:nodes"])
        #expect(asked.dnsNames == ["n1"] && asked.ipAddresses == ["10.0.0.7"])
        let signed: [UInt8] = try authority.sign(
            asked, usages: CertificateUsages(["server auth", "client auth", "digital signature"]), lifetime: 3600,
            at: realNow)
        let identity: PeerIdentity = try PeerIdentity(certificatePEM: signed)
        #expect(identity.commonName == "system:node:n1")
        #expect(identity.dnsNames == ["n1"] && identity.ipAddresses == ["10.0.0.7"])
        #expect(identity.usages == [.serverAuth, .clientAuth])
        #expect(identity.notAfter == realNow + 3600)
        try directory.write(authority.certificatePEM, "ca.crt")
        try directory.write(signed, "n1.crt")
        #expect(try await directory.openssl("verify", "-x509_strict", "-CAfile", "ca.crt", "n1.crt").status == 0)
        #expect(throws: PKIError.self) { try CertificateRequest(pem: Array("nonsense".utf8)) }
        #expect(throws: PKIError.self) { try CertificateUsages(["client auth", "world peace"]) }
        // A long life counts from the backdated begin.
        let long: [UInt8] = try authority.sign(
            asked, usages: CertificateUsages([]), lifetime: 86_400, at: realNow)
        let longLived: PeerIdentity = try PeerIdentity(certificatePEM: long)
        #expect(longLived.notAfter == realNow + 86_400 - 300 && longLived.usages.isEmpty)
    }

    @Test(.enabled(if: TemporaryDirectory.hasOpenSSL)) func `a certificate says every usage that it was given`()
        async throws
    {
        let directory: TemporaryDirectory = try TemporaryDirectory()
        let (status, output): (Int32, String) = try await directory.openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k", "-out",
            "csr", "-subj", "/CN=all", "-addext", "subjectAltName=email:a@b.example,URI:spiffe://a/b")
        #expect(status == 0, "\(output)")
        let asked = try CertificateRequest(pem: directory.read("csr"))
        #expect(asked.emailAddresses == ["a@b.example"] && asked.uris == ["spiffe://a/b"])
        let usages: [String] = [
            "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
            "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system",
            "ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc",
            "ocsp signing", "s/mime", "server auth", "signing", "timestamping",
        ]
        try directory.write(
            authority.sign(asked, usages: CertificateUsages(usages), lifetime: 3600, at: realNow), "all.crt")
        let text: String = try await directory.openssl("x509", "-in", "all.crt", "-noout", "-text").output
        #expect(
            text.contains(
                "Digital Signature, Non Repudiation, Key Encipherment, Data Encipherment, Key Agreement, Certificate "
                    + "Sign, CRL Sign, Encipher Only, Decipher Only"), "\(text)")
        for word in [
            "IPSec Tunnel", "Time Stamping", "OCSP Signing", "Microsoft Server Gated Crypto", "E-mail Protection",
        ] {
            #expect(text.contains(word), "\(text)")
        }
    }
}
