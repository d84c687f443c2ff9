import APICore
import APIMachinery
import APIServer
import APIServerHTTP
import Client
import ClientHTTP
import Codec
import Foundation
import HTTPServer
import PKI
import Store

/// Everybody is an administrator: who may what is the business of other tests.
private struct Administrators: Authenticator {
    func authenticate(_ credentials: Credentials) -> AuthenticationResult {
        .authenticated(UserInfo(name: "admin", groups: [UserInfo.mastersGroup]))
    }
}

/// A whole API server behind TLS, with every kind and upstream's admission, and a client of it over HTTP/2.
struct LifeServer: Sendable {
    let transport: HTTPTransport
    let core: APIServerCore

    /// The strategies of what is served.
    static let kinds: [any ResourceStrategy] = KindRegistrations.all()

    private static let identity: Result<(pair: CertifiedKey, authority: [UInt8]), any Error> = Result {
        let now = Int(time(nil))
        let authority: CertificateAuthority = try .create(commonName: "life", at: now)
        let pair: CertifiedKey = try authority.issue(
            .server("server", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"]), at: now)
        return (pair, authority.certificatePEM)
    }

    static func run<T: Sendable>(_ body: @Sendable (LifeServer) async throws -> T) async throws -> T {
        let directory: String = "/tmp/swiftlet-life-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store: EmbeddedStore = try await EmbeddedStore.open(EmbeddedStore.Configuration(path: directory))
        let core: APIServerCore = core(store)
        try await core.start()
        let result: Result<T, any Error> = await withTaskGroup(of: Void.self) { group in
            group.addTask { await core.run() }
            let result: Result<T, any Error>
            do {
                try await prepare(core)
                result = .success(try await listening(core, body))
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            return result
        }
        await store.close()
        return try result.get()
    }

    private static func core(_ store: EmbeddedStore) -> APIServerCore {
        let link = ServerLink()
        let registry = ResourceRegistry(KindRegistrations.all(services: ClusterServiceAllocator(link: link)))
        var parts = APIServerCore.Parts(store: store, registry: registry, authorizer: AlwaysAllowAuthorizer())
        parts.admission = AdmissionPlugins.standard(link: link, protectsStorage: true)
        parts.subresources = [EvictionHandler()]
        parts.virtualResources = [BindingResource()]
        parts.nonResources = [OpenAPIHandler(registry: registry, virtualResources: parts.virtualResources)]
        let core = APIServerCore(parts)
        link.connect(core)
        return core
    }

    /// What a pod needs around it.
    private static func prepare(_ core: APIServerCore) async throws {
        let api = APIClient(InProcessTransport(core: core, user: UserInfo(name: "admin", groups: ["system:masters"])))
        _ = try await api.create(Namespace.with { $0.metadata.name = "default" })
        let account = ServiceAccount.with {
            $0.metadata.name = "default"
            $0.metadata.namespace = "default"
        }
        _ = try await api.create(account)
    }

    private static func listening<T: Sendable>(
        _ core: APIServerCore, _ body: @Sendable (LifeServer) async throws -> T
    ) async throws -> T {
        let (pair, authority) = try identity.get()
        let tls = TLSIdentityBox(
            TLSIdentity(certificateChain: pair.certificate, privateKey: pair.key, clientAuthorities: authority))
        let loops = EventLoops(count: 1)
        let http = HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1", port: 0), loops: loops, tls: tls,
            handler: APIHTTPHandler(core: core, configuration: .init(authenticator: Administrators())))
        let port: Int = try await http.start()
        let transport = HTTPTransport(
            try ClientConfiguration(server: "https://127.0.0.1:\(port)", trust: .authorities(.bytes(authority))))
        let result: Result<T, any Error>
        do {
            result = .success(try await body(LifeServer(transport: transport, core: core)))
        } catch {
            result = .failure(error)
        }
        transport.close()
        await http.shutdown(within: .seconds(1))
        await loops.shutdown()
        return try result.get()
    }
}
