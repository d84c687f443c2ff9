import APICore
import APIMachinery
import Client
import ClientHTTP
import Flow
import Glibc
import HTTPServer
import PKI
import Synchronization
import Testing

/// The transport against a real server on the loopback, whose answers the tests write.
@Suite(.serialized) struct HTTPTransportTests {
    private final class Script: HTTPHandler {
        struct Seen: Sendable {
            var line: String
            var version: HTTPRequest.Version
            var authorization: String
            var causes: String
        }

        private let seen: Mutex<[Seen]> = Mutex([])
        private let body: @Sendable (HTTPRequest, HTTPResponder, Int) -> Void
        var all: [Seen] { seen.withLock { $0 } }

        /// The last parameter counts the requests from 1.
        init(_ body: @escaping @Sendable (HTTPRequest, HTTPResponder, Int) -> Void) {
            self.body = body
        }

        func handle(_ request: HTTPRequest, responder: HTTPResponder) {
            let count: Int = seen.withLock { seen in
                seen.append(
                    Seen(
                        line: request.method + " " + request.target, version: request.version,
                        authorization: request.fields["authorization"] ?? "",
                        causes: request.fields[Cause.headerName] ?? ""))
                return seen.count
            }
            body(request, responder, count)
        }
    }

    private static let configMap =
        #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"n","resourceVersion":"5"}}"#

    private static let ok: HTTPFields = ["content-type": "application/json"]

    private func serve(
        _ script: Script, tls: (any TLSIdentitySource)? = nil, _ body: (Int) async throws -> Void
    ) async throws {
        let loops = EventLoops(count: 1)
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(host: "127.0.0.1", port: 0), loops: loops, tls: tls,
            handler: script)
        let port: Int = try await server.start()
        var failure: (any Error)?
        do {
            try await body(port)
        } catch {
            failure = error
        }
        await server.shutdown(within: .milliseconds(200))
        await loops.shutdown()
        if let failure { throw failure }
    }

    private let now: Int = Int(time(nil))

    private func identity(_ authority: CertificateAuthority) throws -> TLSIdentityBox {
        let pair: CertifiedKey = try authority.issue(
            .server("server", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"]), at: now)
        return TLSIdentityBox(
            TLSIdentity(
                certificateChain: pair.certificate, privateKey: pair.key,
                clientAuthorities: authority.certificatePEM))
    }

    @Test func `many requests share one HTTP/2 connection, with a client certificate and causes`() async throws {
        let authority: CertificateAuthority = try .create(commonName: "test", at: now)
        let peers: Mutex<Set<String>> = Mutex([])
        let script = Script { request, responder, _ in
            peers.withLock { _ = $0.insert(request.connection.remoteAddress) }
            let hasCertificate: Bool = request.connection.peerCertificate != nil
            responder.respond(
                status: hasCertificate ? 200 : 401, fields: Self.ok, body: Array(Self.configMap.utf8))
        }
        try await serve(script, tls: identity(authority)) { port in
            let client: CertifiedKey = try authority.issue(.client(user: "jane"), at: now)
            let transport = HTTPTransport(
                try ClientConfiguration(
                    server: "https://127.0.0.1:\(port)", trust: .authorities(.bytes(authority.certificatePEM)),
                    credential: .certificate(chain: .bytes(client.certificate), key: .bytes(client.key))))
            defer { transport.close() }
            let api = APIClient(transport)
            _ = try await Causes.$current.withValue([.revision(7)]) {
                try await api.get(ConfigMap.self, "n", "a")
            }
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<50 {
                    group.addTask { try await api.get(ConfigMap.self, "n", "a").metadata.resourceVersion }
                }
                for try await version in group { #expect(version == "5") }
            }
        }
        #expect(peers.withLock { $0.count } == 1)
        #expect(script.all.count == 51)
        #expect(script.all.first?.version == .http2)
        #expect(script.all.first?.line == "GET /api/v1/namespaces/n/configmaps/a")
        #expect(script.all.first?.causes == "revision=7")
    }

    @Test func `a server that is not who it should be is not talked to`() async throws {
        let authority: CertificateAuthority = try .create(commonName: "test", at: now)
        let other: CertificateAuthority = try .create(commonName: "other", at: now)
        let script = Script { _, responder, _ in responder.respond(status: 200) }
        try await serve(script, tls: identity(authority)) { port in
            let transport = HTTPTransport(
                try ClientConfiguration(
                    server: "https://127.0.0.1:\(port)", trust: .authorities(.bytes(other.certificatePEM))))
            defer { transport.close() }
            let error = await #expect(throws: StatusError.self) {
                _ = try await APIClient(transport).get(ConfigMap.self, "n", "a")
            }
            #expect(error?.isConnectionFailure == true)
            #expect(error?.message.contains("CERTIFICATE_VERIFY_FAILED") == true, "\(error?.message ?? "")")
        }
        #expect(script.all.isEmpty)
    }

    @Test func `Retry-After is followed, other failures are told as the server told them`() async throws {
        let script = Script { _, responder, count in
            switch count {
            case 1: responder.respond(status: 429, fields: ["retry-after": "3"], body: Array("busy".utf8))
            case 2: responder.respond(status: 200, fields: Self.ok, body: Array(Self.configMap.utf8))
            default:
                let error: StatusError = .notFound(ConfigMap.resource, "b")
                responder.respond(status: 404, fields: Self.ok, body: error.body)
            }
        }
        try await serve(script) { port in
            let clock = ManualMonotonicClock()
            let transport = HTTPTransport(
                try ClientConfiguration(server: "http://127.0.0.1:\(port)"), clock: clock)
            defer { transport.close() }
            async let first = APIClient(transport).get(ConfigMap.self, "n", "a")
            await clock.waitForSleepers()
            #expect(clock.nextDeadline == .seconds(3))
            clock.advance(by: .seconds(3))
            #expect(try await first.metadata.name == "a")
            let error = await #expect(throws: StatusError.self) {
                _ = try await APIClient(transport).get(ConfigMap.self, "n", "b")
            }
            #expect(error?.isNotFound == true)
            #expect(error?.message == "configmaps \"b\" not found")
        }
        #expect(script.all.first?.version == .http11)
    }

    @Test func `a watch that has ended leaves its connection to the next request`() async throws {
        let ended: Mutex<(any WatchStream)?> = Mutex(nil)
        let script = Script { _, responder, count in
            switch count {
            case 1:
                let event: String = #"{"type":"ADDED","object":"# + Self.configMap + "}\n"
                responder.respond(status: 200, fields: Self.ok, body: Array(event.utf8))
            default:
                // Whoever read the watch lets go of it only now.
                ended.withLock { $0 }?.cancel()
                responder.respond(status: 200, fields: Self.ok, body: Array(Self.configMap.utf8))
            }
        }
        try await serve(script) { port in
            let transport = HTTPTransport(try ClientConfiguration(server: "http://127.0.0.1:\(port)"))
            defer { transport.close() }
            let api = APIClient(transport)
            let stream = try await api.watch(ConfigMap.self, from: 1)
            while try await stream.next() != nil {}
            ended.withLock { $0 = stream }
            #expect(try await api.get(ConfigMap.self, "n", "a").metadata.name == "a")
            #expect(script.all.count == 2)
        }
    }

    @Test func `a watch delivers as the server writes, and ends with it`() async throws {
        let writers: Mutex<[HTTPBodyWriter]> = Mutex([])
        let script = Script { _, responder, _ in
            if let writer = responder.stream(status: 200, fields: Self.ok) {
                writers.withLock { $0.append(writer) }
                writer.write(Array((#"{"type":"ADDED","object":"# + Self.configMap + "}\n").utf8))
            }
        }
        let authority: CertificateAuthority = try .create(commonName: "test", at: now)
        for isTLS in [true, false] {
            writers.withLock { $0 = [] }
            try await serve(script, tls: isTLS ? identity(authority) : nil) { port in
                let transport = HTTPTransport(
                    try ClientConfiguration(
                        server: "\(isTLS ? "https" : "http")://127.0.0.1:\(port)",
                        trust: .authorities(.bytes(authority.certificatePEM))))
                defer { transport.close() }
                let stream = try await APIClient(transport).watch(ConfigMap.self, from: 1)
                #expect(try await stream.next()?.map(\.object.revision) == [5])
                let writer: HTTPBodyWriter = try #require(writers.withLock { $0.first })
                let gone: StatusError = .expired("too old")
                writer.write(
                    Array(#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#.utf8)
                        + Array("\n{\"type\":\"ERROR\",\"object\":".utf8) + gone.body + Array("}\n".utf8))
                #expect(try await stream.next()?.map(\.kind) == [.bookmark])
                let error = await #expect(throws: StatusError.self) { _ = try await stream.next() }
                #expect(error?.isExpired == true)

                let second = try await APIClient(transport).watch(ConfigMap.self, from: 1)
                _ = try await second.next()
                writers.withLock { $0.last }?.finish()
                #expect(try await second.next() == nil)

                let third = try await APIClient(transport).watch(ConfigMap.self, from: 1)
                _ = try await third.next()
                let cancelled: Bool = try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask { try await third.next() == nil }
                    group.cancelAll()
                    return try await group.next() ?? false
                }
                #expect(cancelled)
            }
        }
        let lines: Set<String> = Set(script.all.map(\.line))
        #expect(lines == ["GET /api/v1/configmaps?resourceVersion=1&allowWatchBookmarks=true&watch=true"])
    }

    @Test func `a lost connection fails what may have been done, and the next request makes a new one`() async throws {
        let script = Script { request, responder, count in
            if count == 1 || request.method == "POST" {
                responder.stream(status: 200, fields: Self.ok)?.abort()
            } else {
                responder.respond(status: 200, fields: Self.ok, body: Array(Self.configMap.utf8))
            }
        }
        try await serve(script) { port in
            let transport = HTTPTransport(try ClientConfiguration(server: "http://127.0.0.1:\(port)"))
            defer { transport.close() }
            let api = APIClient(transport)
            let map = ConfigMap.with {
                $0.metadata.namespace = "n"
                $0.metadata.name = "a"
            }
            let error = await #expect(throws: StatusError.self) { try await api.create(map) }
            #expect(error?.isConnectionFailure == true)
            #expect(script.all.count == 1)
            #expect(try await api.get(ConfigMap.self, "n", "a").metadata.name == "a")
        }
        // Nobody listens any more.
        let transport = HTTPTransport(try ClientConfiguration(server: "http://127.0.0.1:1"))
        let error = await #expect(throws: StatusError.self) {
            _ = try await APIClient(transport).get(ConfigMap.self, "n", "a")
        }
        #expect(error?.isConnectionFailure == true)
    }

    @Test func `a token's file is read again when the server refuses the token`() async throws {
        let script = Script { request, responder, _ in
            let isRight: Bool = request.fields["authorization"] == "Bearer new"
            responder.respond(status: isRight ? 200 : 401, fields: Self.ok, body: Array(Self.configMap.utf8))
        }
        var template: [CChar] = Array("/tmp/swiftlet-token-XXXXXX".utf8CString)
        let descriptor: Int32 = mkstemp(&template)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        func set(_ token: String) {
            ftruncate(descriptor, 0)
            _ = token.withCString { pwrite(descriptor, $0, strlen($0), 0) }
        }
        set("old\n")
        try await serve(script) { port in
            let transport = HTTPTransport(
                try ClientConfiguration(server: "http://127.0.0.1:\(port)", credential: .token(.file(path))))
            defer { transport.close() }
            let error = await #expect(throws: StatusError.self) {
                _ = try await APIClient(transport).get(ConfigMap.self, "n", "a")
            }
            #expect(error?.isUnauthorized == true)
            set("new\n")
            #expect(try await APIClient(transport).get(ConfigMap.self, "n", "a").metadata.name == "a")
        }
        #expect(
            script.all.map(\.authorization) == ["Bearer old", "Bearer old", "Bearer old", "Bearer new"])
    }
}
