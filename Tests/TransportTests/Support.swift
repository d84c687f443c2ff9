import API
import APIMachinery
import APIServer
import APIServerHTTP
import APIServerTokens
import Client
import ClientHTTP
import Foundation
import HTTPServer
import PKI
import Store
import Synchronization
import Testing

/// How a test reaches the server.
enum Way: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case inProcess
    case http1
    case http1TLS
    case http2TLS

    var testDescription: String { rawValue }
}

/// Whose certificate a client shows.
enum Caller: Sendable {
    case administrator
    /// One that an authority of its own vouches for.
    case stranger
}

/// The API server with the kinds as they are served, an embedded store, and sockets on the loopback.
struct TestServer: Sendable {
    static let configMaps = GroupVersionResource(group: "", version: "v1", resource: "configmaps")

    let core: APIServerCore
    let authority: CertificateAuthority
    let plainPort: Int
    let tlsPort: Int
    fileprivate let versions: VersionNotingHandler

    /// `http1` or `http2`: what the last request came over.
    var lastVersion: String { versions.last }

    fileprivate static let administrator = APIServer.UserInfo(name: "admin", groups: ["system:masters"])

    /// Runs `body` with a transport that is closed afterwards.
    func connect(
        _ way: Way, as caller: Caller = .administrator, _ body: (any Transport) async throws -> Void
    ) async throws {
        if way == .inProcess {
            try await body(InProcessTransport(core: core, user: Self.administrator))
            return
        }
        let transport = HTTPTransport(try configuration(way, caller))
        defer { transport.close() }
        try await body(transport)
    }

    private func configuration(_ way: Way, _ caller: Caller) throws -> ClientConfiguration {
        guard way != .http1 else {
            return try ClientConfiguration(
                server: "http://127.0.0.1:\(plainPort)", credential: .token(.bytes(Array("admin".utf8))))
        }
        let issuer: CertificateAuthority =
            caller == .administrator ? authority : try .create(commonName: "stranger", at: now)
        let pair: CertifiedKey = try issuer.issue(.client(user: "admin", groups: ["system:masters"]), at: now)
        var configuration = try ClientConfiguration(
            server: "https://127.0.0.1:\(tlsPort)", trust: .authorities(.bytes(authority.certificatePEM)),
            credential: .certificate(chain: .bytes(pair.certificate), key: .bytes(pair.key)))
        configuration.allowsHTTP2 = way == .http2TLS
        return configuration
    }
}

private let now = Int(time(nil))

/// The one token that there is names the administrator; for the way without TLS.
private struct OneToken: Authenticator {
    func authenticate(_ credentials: Credentials) -> AuthenticationResult {
        credentials.bearerToken == "admin"
            ? .authenticated(APIServer.UserInfo(name: "admin", groups: ["system:masters"])) : .unknown
    }
}

/// Notes over which version of HTTP requests come.
private final class VersionNotingHandler: HTTPHandler {
    private let handler: APIHTTPHandler
    private let noted = Mutex("")
    var last: String { noted.withLock { $0 } }

    init(_ handler: APIHTTPHandler) { self.handler = handler }

    func identify(peerCertificate: [UInt8]) -> (any Sendable)? {
        handler.identify(peerCertificate: peerCertificate)
    }

    func bodyLimit(method: String, target: String) -> Int? { handler.bodyLimit(method: method, target: target) }

    func handle(_ request: HTTPRequest, responder: HTTPResponder) {
        noted.withLock { $0 = request.version == .http2 ? "http2" : "http1" }
        handler.handle(request, responder: responder)
    }
}

/// Runs a server in a directory that is gone afterwards.
///
/// - Parameter past: what another server did before with the same store, whose history is then compacted.
func withServer(
    after past: (@Sendable (any Transport) async throws -> Void)? = nil,
    _ body: @Sendable (TestServer) async throws -> Void
) async throws {
    let path: String = "/tmp/swiftlet-transport-\(UInt64.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let store: EmbeddedStore = try await EmbeddedStore.open(EmbeddedStore.Configuration(path: path))
    let result: Result<Void, any Error>
    do {
        if let past {
            try await withCore(store) { core in
                try await past(InProcessTransport(core: core, user: TestServer.administrator))
            }
            try await store.compact(store.revision)
        }
        result = .success(try await withCore(store) { try await serve($0, body) })
    } catch {
        result = .failure(error)
    }
    await store.close()
    try result.get()
}

private func withCore(
    _ store: EmbeddedStore, _ body: @Sendable (APIServerCore) async throws -> Void
) async throws {
    let registry = ResourceRegistry(KindRegistrations.all())
    let core = APIServerCore(
        APIServerCore.Parts(store: store, registry: registry, authorizer: MastersAuthorizer()))
    try await core.start()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await core.run() }
        defer { group.cancelAll() }
        try await body(core)
    }
}

private func serve(_ core: APIServerCore, _ body: @Sendable (TestServer) async throws -> Void) async throws {
    var configuration = APIHTTPHandler.Configuration(
        authenticator: UnionAuthenticator([CertificateAuthenticator(), OneToken()]))
    configuration.identify = { APIServer.PeerIdentity(certificateDER: $0) }
    let handler = VersionNotingHandler(APIHTTPHandler(core: core, configuration: configuration))
    let authority: CertificateAuthority = try .create(commonName: "test", at: now)
    let pair: CertifiedKey = try authority.issue(
        .server("server", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"]), at: now)
    let identity = TLSIdentityBox(
        TLSIdentity(
            certificateChain: pair.certificate, privateKey: pair.key, clientAuthorities: authority.certificatePEM))
    let loops = EventLoops(count: 1)
    var settings = HTTPServerConfiguration(host: "127.0.0.1", port: 0)
    settings.verifyClient = { authority.vouches(forClient: $0, at: now) }
    let plain = HTTPServer(configuration: settings, loops: loops, handler: handler)
    let secure = HTTPServer(configuration: settings, loops: loops, tls: identity, handler: handler)
    let result: Result<Void, any Error>
    do {
        let server = TestServer(
            core: core, authority: authority, plainPort: try await plain.start(), tlsPort: try await secure.start(),
            versions: handler)
        result = .success(try await body(server))
    } catch {
        result = .failure(error)
    }
    for server in [plain, secure] { await server.shutdown(within: .milliseconds(200)) }
    await loops.shutdown()
    try result.get()
}
