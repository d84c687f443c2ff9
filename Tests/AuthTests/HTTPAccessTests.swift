import APICore
import APIMachinery
import APIServer
import APIServerHTTP
import APIServerTokens
import ClientHTTP
import Codec
import Foundation
import HTTPServer
import PKI
import Testing

/// A cluster behind TLS, and how to come to it.
private struct Front: Sendable {
    let cluster: TestCluster
    let url: String
    let authority: CertificateAuthority
    let now: Int

    /// What a client with this certificate gets; the error if it is refused.
    func get(_ path: String, _ pair: CertifiedKey? = nil, token: String? = nil) async throws -> (
        code: Int, message: String
    ) {
        var credential: ClientConfiguration.Credential = .none
        if let pair { credential = .certificate(chain: .bytes(pair.certificate), key: .bytes(pair.key)) }
        if let token { credential = .token(.bytes(Array(token.utf8))) }
        let transport = HTTPTransport(
            try ClientConfiguration(
                server: url, trust: .authorities(.bytes(authority.certificatePEM)), credential: credential))
        defer { transport.close() }
        do throws(StatusError) {
            let response: RawResponse = try await transport.send(RawRequest("GET", path))
            return (response.code, String(decoding: response.body, as: UTF8.self))
        } catch {
            return (error.code, error.message)
        }
    }
}

private func withFront(
    anonymous: AnonymousPolicy = .everything, _ body: @Sendable (Front) async throws -> Void
) async throws {
    let now = Int(Date.now.timeIntervalSince1970)
    let authority: CertificateAuthority = try .create(commonName: "cluster-ca", at: now)
    let pair: CertifiedKey = try authority.issue(
        .server("apiserver", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"]), at: now)
    try await withCluster { cluster in
        _ = try await cluster.access.policy.ensure(over: cluster.admin)
        try await cluster.settle()
        var settings = APIHTTPHandler.Configuration(authenticator: cluster.access.authenticator)
        settings.anonymous = anonymous
        settings.identify = { APIServer.PeerIdentity(certificateDER: $0) }
        var listening = HTTPServerConfiguration(host: "127.0.0.1", port: 0)
        listening.verifyClient = { authority.vouches(forClient: $0, at: now) }
        let loops = EventLoops(count: 1)
        let server = HTTPServer(
            configuration: listening, loops: loops,
            tls: TLSIdentityBox(
                TLSIdentity(
                    certificateChain: pair.certificate, privateKey: pair.key,
                    clientAuthorities: authority.certificatePEM)),
            handler: APIHTTPHandler(core: cluster.core, configuration: settings))
        let port: Int = try await server.start()
        let result: Result<Void, any Error>
        do {
            let front = Front(cluster: cluster, url: "https://localhost:\(port)", authority: authority, now: now)
            result = .success(try await body(front))
        } catch {
            result = .failure(error)
        }
        await server.shutdown(within: .seconds(1))
        await loops.shutdown()
        try result.get()
    }
}

@Suite(.timeLimit(.minutes(5))) struct HTTPAccessTests {
    @Test func `who shows nothing is anonymous, and RBAC says what that may do`() async throws {
        try await withFront { front in
            let secrets = try await front.get("/api/v1/secrets")
            #expect(secrets.code == 403)
            #expect(
                secrets.message
                    == "secrets is forbidden: User \"system:anonymous\" cannot list resource \"secrets\" in API group "
                    + "\"\" at the cluster scope")
            let version = try await front.get("/version")
            #expect(version.code == 200)
            let readiness = try await front.get("/readyz")
            #expect(readiness.code != 403)
            let discovery = try await front.get("/api")
            #expect(discovery.code == 403)
            #expect(discovery.message == "forbidden: User \"system:anonymous\" cannot get path \"/api\"")
            let metrics = try await front.get("/metrics")
            #expect(metrics.code == 403)
        }
    }

    @Test func `without anonymous access it is 401 everywhere`() async throws {
        try await withFront(anonymous: .nothing) { front in
            let listed = try await front.get("/api/v1/secrets")
            #expect(listed.code == 401)
            let health = try await front.get("/healthz")
            #expect(health.code == 401)
        }
    }

    @Test func `a certificate that does not verify is 401, not a broken connection`() async throws {
        try await withFront { front in
            let other: CertificateAuthority = try .create(commonName: "cluster-ca", at: front.now)
            let forged: CertifiedKey = try other.issue(
                .client(user: "admin", groups: ["system:masters"]), at: front.now)
            let refused = try await front.get("/api/v1/secrets", forged)
            #expect(refused.code == 401 && refused.message == "Unauthorized")
            let versionOfForger = try await front.get("/version", forged)
            #expect(versionOfForger.code == 401)
            var short: CertificateProfile = .client(user: "admin", groups: ["system:masters"])
            short.lifetime = 60
            let expired: CertifiedKey = try front.authority.issue(short, at: front.now - 3600)
            let late = try await front.get("/api/v1/secrets", expired)
            #expect(late.code == 401)
            let server: CertifiedKey = try front.authority.issue(
                .server("admin", dnsNames: ["localhost"], ipAddresses: []), at: front.now)
            let misused = try await front.get("/api/v1/secrets", server)
            #expect(misused.code == 401)
            let good: CertifiedKey = try front.authority.issue(
                .client(user: "admin", groups: ["system:masters"]), at: front.now)
            let welcome = try await front.get("/api/v1/secrets", good)
            #expect(welcome.code == 200)
            let nobody: CertifiedKey = try front.authority.issue(.client(user: "jane"), at: front.now)
            let powerless = try await front.get("/api/v1/secrets", nobody)
            #expect(powerless.code == 403)
            let discovered = try await front.get("/api", nobody)
            #expect(discovered.code == 200, "discovery is for all that are known")
        }
    }

    @Test func `an unknown token is 401, not anonymous`() async throws {
        try await withFront { front in
            let stranger = try await front.get("/version", token: "nonsense")
            #expect(stranger.code == 401)
        }
    }
}
