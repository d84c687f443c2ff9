import APIMachinery
import APIServer
import APIServerOIDC
import Client
import Codec
import Crypto
import CryptoExtras
import Foundation
import HTTPServer
import PKI
import Synchronization
import Testing

private let issuer: String = "https://issuer.test"

/// Believes everything: for what is behind the signature.
private struct TrustingKeys: IssuerKeys {
    func verify(_ token: String) -> TokenVerification {
        let parts: [Substring] = token.split(separator: ".")
        guard parts.count == 3, let payload = Base64.decodeURL(Array(parts[1].utf8)) else {
            return .refused("malformed")
        }
        return .payload(payload)
    }
}

private func unsigned(_ claims: JSONValue) -> String {
    "\(Base64.encodeURL(Array("{}".utf8))).\(Base64.encodeURL(claims.jsonBytes)).c2ln"
}

private func claims(_ changes: [String: JSONValue?] = [:]) -> JSONValue {
    var object: JSONObject = [
        "iss": .string(issuer), "aud": "kubernetes", "sub": "1234", "exp": 4_000_000_000, "email": "jane@example.com",
        "groups": ["dev", "ops"], "jti": "one",
    ]
    for (key, value) in changes {
        if let value { object[key] = value } else { _ = object.removeValue(forKey: key) }
    }
    return .object(object)
}

@Suite struct OIDCClaimsTests {
    private func ask(
        _ claims: JSONValue, _ fill: (inout OIDCAuthenticator.Configuration) -> Void = { _ in }
    ) -> TokenResult {
        var configuration = OIDCAuthenticator.Configuration(issuer: issuer, clientID: "kubernetes")
        fill(&configuration)
        return OIDCAuthenticator(configuration, keys: TrustingKeys(), clock: ManualWallClock())
            .authenticate(token: unsigned(claims), audiences: [])
    }

    private func user(_ result: TokenResult) -> UserInfo? {
        guard case .authenticated(let user, _) = result else { return nil }
        return user
    }

    @Test func `claims make a user as upstream makes it`() {
        #expect(user(ask(claims()))?.name == "https://issuer.test#1234")
        #expect(user(ask(claims()))?.groups == [])
        #expect(user(ask(claims()))?.extra["authentication.kubernetes.io/credential-id"] == ["JTI=one"])
        #expect(user(ask(claims()) { $0.usernamePrefix = "-" })?.name == "1234")
        #expect(user(ask(claims()) { $0.usernamePrefix = "oidc:" })?.name == "oidc:1234")
        #expect(user(ask(claims()) { $0.usernameClaim = "email" })?.name == "jane@example.com")
        let grouped = ask(claims()) {
            $0.groupsClaim = "groups"
            $0.groupsPrefix = "oidc:"
        }
        #expect(user(grouped)?.groups == ["oidc:dev", "oidc:ops"])
        #expect(user(ask(claims(["groups": "one"])) { $0.groupsClaim = "groups" })?.groups == ["one"])
        #expect(user(ask(claims(["aud": ["x", "kubernetes"]])))?.name == "https://issuer.test#1234")
    }

    @Test func `what is wrong with a token is told to logs`() {
        let cases: [(JSONValue, String)] = [
            (claims(["aud": "other"]), "oidc: expected audience \"kubernetes\""),
            (claims(["exp": 1]), "oidc: token is expired"),
            (claims(["exp": nil]), "oidc: token has no expiry"),
            (claims(["nbf": 3_999_999_999]), "oidc: token is not valid yet"),
            (claims(["sub": nil]), "oidc: parse username claims \"sub\": claim not present"),
            (claims(["hd": "b"]), "oidc: required claim hd value does not match"),
            (claims(["groups": [1]]), "oidc: parse groups claim \"groups\""),
        ]
        for (given, text) in cases {
            let result = ask(given) {
                $0.groupsClaim = "groups"
                if given["hd"] != nil { $0.requiredClaims = ["hd": "a"] }
            }
            guard case .refused(let why) = result else {
                Issue.record("\(given) → \(result)")
                continue
            }
            #expect(why.hasPrefix(text), "\(why)")
        }
        #expect(
            ask(claims()) { $0.requiredClaims = ["hd": "a"] }
                == .refused("oidc: required claim hd not present in ID token"))
        let unverified = ask(claims(["email_verified": false])) { $0.usernameClaim = "email" }
        #expect(unverified == .refused("oidc: email not verified"))
    }

    @Test func `tokens of others are left to others`() {
        #expect(ask(claims(["iss": "https://issuer.test/"])) == .unknown)
        let configuration = OIDCAuthenticator.Configuration(issuer: issuer, clientID: "kubernetes")
        let authenticator = OIDCAuthenticator(configuration, keys: TrustingKeys(), clock: ManualWallClock())
        #expect(authenticator.authenticate(token: "opaque", audiences: []) == .unknown)
    }
}

// MARK: - Signatures

private struct RSAIssuer {
    let key: _RSA.Signing.PrivateKey
    let id: String

    init(_ id: String) throws {
        self.id = id
        key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
    }

    func jwk() throws -> String {
        let numbers = try key.publicKey.getKeyPrimitives()
        return """
            {"kty":"RSA","use":"sig","kid":"\(id)","alg":"RS256","n":"\(Base64.encodeURL(Array(numbers.modulus)))",\
            "e":"\(Base64.encodeURL(Array(numbers.publicExponent)))"}
            """
    }

    func sign(_ payload: [UInt8], algorithm: String = "RS256") throws -> String {
        let header: String = "{\"alg\":\"\(algorithm)\",\"kid\":\"\(id)\",\"typ\":\"JWT\"}"
        let signed: String = "\(Base64.encodeURL(Array(header.utf8))).\(Base64.encodeURL(payload))"
        let signature = try key.signature(for: SHA256.hash(data: Array(signed.utf8)), padding: .insecurePKCS1v1_5)
        return "\(signed).\(Base64.encodeURL(Array(signature.rawRepresentation)))"
    }
}

/// Documents by address; counts.
private final class FakeFetcher: IssuerFetcher {
    private let documents: Mutex<[String: String]>
    let count = Mutex<Int>(0)

    init(_ documents: [String: String]) {
        self.documents = Mutex(documents)
    }

    func set(_ url: String, _ text: String) { documents.withLock { $0[url] = text } }

    func get(_ url: String) async throws(IssuerFetchError) -> [UInt8] {
        count.withLock { $0 += 1 }
        guard let text = documents.withLock({ $0[url] }) else { throw IssuerFetchError("404") }
        return Array(text.utf8)
    }
}

private let discovery: String = issuer + "/.well-known/openid-configuration"
private let keysAddress: String = issuer + "/keys"

private func source(
    _ fetcher: any IssuerFetcher, algorithms: Set<String> = ["RS256", "ES256"], issuer: String = issuer
)
    -> IssuerKeySource
{
    IssuerKeySource(
        issuer: issuer, algorithms: algorithms, fetcher: fetcher, clock: ImpatientClock(), log: .silent)
}

/// Every sleep is over at once, but for letting others run.
private struct ImpatientClock: MonotonicClock {
    var now: Duration { .zero }
    // tidy:allow sleep: the protocol's name; nothing sleeps.
    func sleep(until deadline: Duration) async { await Task.yield() }
}

extension TokenVerification {
    fileprivate var text: String {
        switch self {
        case .payload: "believed"
        case .refused(let why): why
        }
    }
}

/// Asks until the source, which works beside the test, says so; bounded by the suite's time limit.
private func eventually(_ wanted: String, _ ask: () -> TokenVerification) async {
    while ask().text != wanted, !Task.isCancelled { await Task.yield() }
    #expect(ask().text == wanted)
}

@Suite(.timeLimit(.minutes(5))) struct OIDCKeyTests {
    @Test func `keys are found through discovery, and again when a new one is used`() async throws {
        let first = try RSAIssuer("first")
        let second = try RSAIssuer("second")
        let fetcher = FakeFetcher([
            discovery: "{\"issuer\":\"\(issuer)\",\"jwks_uri\":\"\(keysAddress)\"}",
            keysAddress: "{\"keys\":[\(try first.jwk())]}",
        ])
        let keys: IssuerKeySource = source(fetcher)
        let payload: [UInt8] = claims().jsonBytes
        let old: String = try first.sign(payload)
        let new: String = try second.sign(payload)
        #expect(keys.verify(old).text == "authenticator not initialized")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keys.run() }
            await eventually("believed") { keys.verify(old) }
            #expect(keys.verify(new).text == "the token was signed with an unknown key")
            fetcher.set(keysAddress, "{\"keys\":[\(try second.jwk())]}")
            await eventually("believed") { keys.verify(new) }
            #expect(keys.verify(old).text == "the token was signed with an unknown key")
            group.cancelAll()
        }
    }

    @Test func `a signature must be of the key's own algorithm, and right`() async throws {
        let signing = try RSAIssuer("k")
        let elliptic = SigningKey.generate()
        let set: String = String(decoding: JWTVerifier([elliptic.verifyingKey]).jwks(), as: UTF8.self)
        let point: String = String(set.dropFirst("{\"keys\":[".count).dropLast(2))
        let fetcher = FakeFetcher([
            discovery: "{\"issuer\":\"\(issuer)\",\"jwks_uri\":\"\(keysAddress)\"}",
            keysAddress: "{\"keys\":[\(try signing.jwk()),\(point),{\"kty\":\"oct\",\"k\":\"AA\"}]}",
        ])
        let keys: IssuerKeySource = source(fetcher)
        let onlyRSA: IssuerKeySource = source(fetcher, algorithms: ["RS256"])
        let payload: [UInt8] = claims().jsonBytes
        let rsa: String = try signing.sign(payload)
        let ec: String = try JWTSigner(elliptic).sign(payload: payload)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keys.run() }
            group.addTask { await onlyRSA.run() }
            await eventually("believed") { keys.verify(rsa) }
            await eventually("believed") { onlyRSA.verify(rsa) }
            #expect(keys.verify(ec).text == "believed")
            #expect(onlyRSA.verify(ec).text == "the token's algorithm is not supported")
            let unsupported: String = "the token's algorithm is not supported"
            for algorithm in ["none", "HS256"] {
                let token: String = try signing.sign(payload, algorithm: algorithm)
                #expect(keys.verify(token).text == unsupported)
            }
            let confused: String = try signing.sign(payload, algorithm: "ES256")
            #expect(keys.verify(confused).text == "the token was signed with an unknown key")
            let strange: String = try RSAIssuer("k").sign(payload)
            #expect(keys.verify(strange).text == "failed to verify signature")
            #expect(keys.verify(rsa + "AA").text != "believed")
            group.cancelAll()
        }
    }

    @Test func `a document of another issuer is not believed, and is asked for again`() async throws {
        let fetcher = FakeFetcher([discovery: "{\"issuer\":\"https://other\",\"jwks_uri\":\"\(keysAddress)\"}"])
        let keys: IssuerKeySource = source(fetcher)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await keys.run() }
            while fetcher.count.withLock({ $0 }) < 3 { await Task.yield() }
            group.cancelAll()
        }
        #expect(keys.verify(unsigned(claims())).text == "authenticator not initialized")
    }
}

// MARK: - An issuer on the loopback

@Suite(.timeLimit(.minutes(5))) struct OIDCIssuerTests {
    @Test func `an issuer behind TLS is asked, and its users come in`() async throws {
        let now = Int(Date.now.timeIntervalSince1970)
        let authority: CertificateAuthority = try .create(commonName: "issuer-ca", at: now)
        let pair: CertifiedKey = try authority.issue(
            .server("issuer", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"]), at: now)
        let signing = try RSAIssuer("k")
        let address = Mutex("")
        let jwk: String = try signing.jwk()
        let handler = HTTPClosureHandler { request, responder in
            let base: String = address.withLock { $0 }
            let text: String =
                request.target.hasSuffix("configuration")
                ? "{\"issuer\":\"\(base)\",\"jwks_uri\":\"\(base)/keys\"}" : "{\"keys\":[\(jwk)]}"
            responder.respond(status: 200, fields: ["content-type": "application/json"], body: Array(text.utf8))
        }
        let loops = EventLoops(count: 1)
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1", port: 0), loops: loops,
            tls: TLSIdentityBox(TLSIdentity(certificateChain: pair.certificate, privateKey: pair.key)), handler: handler
        )
        let url: String = "https://localhost:\(try await server.start())"
        address.withLock { $0 = url }
        let keys: IssuerKeySource = source(HTTPSFetcher(authorities: authority.certificatePEM), issuer: url)
        let stranger: IssuerKeySource = source(HTTPSFetcher(authorities: nil), issuer: url)
        let token: String = try signing.sign(claims(["iss": .string(url)]).jsonBytes)
        let authenticator = OIDCAuthenticator(
            OIDCAuthenticator.Configuration(issuer: url, clientID: "kubernetes"), keys: keys, clock: ManualWallClock())
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await keys.run() }
            await eventually("believed") { keys.verify(token) }
            group.cancelAll()
        }
        guard case .authenticated(let user, _) = authenticator.authenticate(token: token, audiences: []) else {
            Issue.record("refused")
            return
        }
        #expect(user.name == url + "#1234")
        await #expect(throws: IssuerFetchError.self) {
            _ = try await HTTPSFetcher(authorities: nil).get(url + "/keys")
        }
        #expect(stranger.verify(token).text == "authenticator not initialized")
        await server.shutdown(within: .seconds(1))
        await loops.shutdown()
    }
}
