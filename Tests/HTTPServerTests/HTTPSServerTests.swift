import ChildProcesses
import Foundation
import HTTPServer
import PKI
import Synchronization
import Testing

/// TLS, HTTP/2 and client certificates as `curl` sees them.
@Suite(.serialized, .enabled(if: Curl.isThere)) struct HTTPSServerTests {
    let files: Curl
    let authority: CertificateAuthority
    let now: Int = Int(Date().timeIntervalSince1970)

    init() throws {
        files = try Curl()
        authority = try .create(commonName: "test-ca", at: now)
        try files.write(authority.certificatePEM, "ca.crt")
        let client: CertifiedKey = try authority.issue(.client(user: "jane", groups: ["dev"]), at: now)
        try files.write(client.certificate, "jane.crt")
        try files.write(client.key, "jane.key")
    }

    private func identity(_ name: String = "server") throws -> TLSIdentity {
        let pair: CertifiedKey = try authority.issue(
            .server(name, dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"]), at: now)
        return TLSIdentity(
            certificateChain: pair.certificate, privateKey: pair.key, clientAuthorities: authority.certificatePEM)
    }

    /// Answers with version, user, target and body length; counts the identities it made.
    private final class WhoAmI: HTTPHandler {
        let identified: Atomic<Int> = Atomic(0)

        func identify(peerCertificate: [UInt8]) -> (any Sendable)? {
            identified.add(1, ordering: .relaxed)
            return try? PeerIdentity(certificateDER: peerCertificate)
        }

        func handle(_ request: HTTPRequest, responder: HTTPResponder) {
            let user: String = (request.connection.identity as? PeerIdentity)?.commonName ?? "nobody"
            let text: String = "\(request.version.rawValue) \(user) \(request.target) \(request.body.count)\n"
            responder.respond(status: 200, fields: ["x-host": request.fields["host"] ?? ""], body: Array(text.utf8))
        }
    }

    @Test func `one port speaks HTTP/2 and HTTP/1.1, and knows the client by its certificate`() async throws {
        let handler: WhoAmI = WhoAmI()
        try await withServer(tls: TLSIdentityBox(identity()), handler: handler) { port, _ in
            let base: String = "https://localhost:\(port)"
            #expect(try await files.curl("--http2", base + "/a?b=c").output == "HTTP/2.0 nobody /a?b=c 0\n")
            #expect(try await files.curl("--http1.1", base + "/a").output == "HTTP/1.1 nobody /a 0\n")
            let both = try await files.curl(
                "--http2", "--cert", "jane.crt", "--key", "jane.key", base + "/1", base + "/2")
            #expect(both.output == "HTTP/2.0 jane /1 0\nHTTP/2.0 jane /2 0\n")
            #expect(handler.identified.load(ordering: .relaxed) == 1)
            let old = try await files.curl("--http1.1", "--cert", "jane.crt", "--key", "jane.key", base + "/1")
            #expect(old.output == "HTTP/1.1 jane /1 0\n")
            let head = try await files.curl("--http2", "-I", base + "/h")
            #expect(head.output.contains("HTTP/2 200"))
            #expect(head.output.contains("content-length: 21\r\n"))
            #expect(head.output.contains("x-host: localhost:\(port)\r\n"))
        }
    }

    @Test func `a certificate of another authority is refused in the handshake`() async throws {
        let other: CertificateAuthority = try .create(commonName: "test-ca", at: now)
        let forged: CertifiedKey = try other.issue(.client(user: "jane", groups: ["dev"]), at: now)
        try files.write(forged.certificate, "forged.crt")
        try files.write(forged.key, "forged.key")
        try await withServer(tls: TLSIdentityBox(identity()), handler: WhoAmI()) { port, _ in
            let result = try await files.curl(
                "--cert", "forged.crt", "--key", "forged.key", "https://localhost:\(port)/")
            #expect(result.status != 0)
            #expect(!result.output.contains("jane"))
        }
    }

    @Test func `with a judge of its own, a server hears out whoever it does not believe`() async throws {
        let other: CertificateAuthority = try .create(commonName: "test-ca", at: now)
        let forged: CertifiedKey = try other.issue(.client(user: "jane", groups: ["dev"]), at: now)
        try files.write(forged.certificate, "forged.crt")
        try files.write(forged.key, "forged.key")
        let handler = HTTPClosureHandler { request, responder in
            let connection: HTTPConnection = request.connection
            let known: String = connection.peerCertificate == nil ? "unknown" : "known"
            responder.respond(status: 200, body: Array("\(known) \(connection.isPeerRefused)\n".utf8))
        }
        let (authority, now): (CertificateAuthority, Int) = (authority, now)
        let configure: (inout HTTPServerConfiguration) -> Void = {
            $0.verifyClient = { authority.vouches(forClient: $0, at: now) }
        }
        try await withServer(tls: TLSIdentityBox(identity()), handler: handler, configure: configure) { port, _ in
            let base: String = "https://localhost:\(port)/"
            for version in ["--http2", "--http1.1"] {
                #expect(try await files.curl(version, base).output == "unknown false\n")
                let good = try await files.curl(version, "--cert", "jane.crt", "--key", "jane.key", base)
                #expect(good.output == "known false\n")
                let bad = try await files.curl(version, "--cert", "forged.crt", "--key", "forged.key", base)
                #expect(bad.output == "unknown true\n")
            }
        }
    }

    @Test(arguments: ["--http2", "--http1.1"])
    func `the first request of a connection may have a long head, and one that is too long is refused`(version: String)
        async throws
    {
        let handler = HTTPClosureHandler { request, responder in
            let count: Int = (0..<10).reduce(0) { $0 + (request.fields["x-\($1)"]?.utf8.count ?? 0) }
            responder.respond(status: 200, body: Array("\(count >= 50_000)\n".utf8))
        }
        let fields: [String] = (0..<10).flatMap { ["-H", "x-\($0): " + String(repeating: "v", count: 5_000)] }
        try await withServer(tls: TLSIdentityBox(identity()), handler: handler) { port, _ in
            let url: String = "https://localhost:\(port)/"
            let first = try await files.curl([version] + fields + [url])
            #expect(first.output == "true\n")
            // The second request of a connection, and the third.
            let more = try await files.curl([version] + fields + [url, url, url])
            #expect(more.output == "true\ntrue\ntrue\n")
        }
        let narrow: (inout HTTPServerConfiguration) -> Void = { $0.headLimit = 32 * 1024 }
        try await withServer(tls: TLSIdentityBox(identity()), handler: handler, configure: narrow) { port, _ in
            let answer = try await files.curl(
                [version] + fields + ["-o", "/dev/null", "-w", "%{http_code}", "https://localhost:\(port)/"])
            #expect(answer.output == "431" || answer.status != 0, "\(answer)")
        }
    }

    @Test func `bodies pass whole over HTTP/2, and above the limit get 413`() async throws {
        try files.write([UInt8](repeating: 0x61, count: 3 * 1024 * 1024), "fits")
        try files.write([UInt8](repeating: 0x61, count: 3 * 1024 * 1024 + 1), "over")
        let handler: HTTPClosureHandler = HTTPClosureHandler { request, responder in
            responder.respond(status: 200, body: request.body + [0x21])
        }
        try await withServer(tls: TLSIdentityBox(identity()), handler: handler) { port, _ in
            for version in ["--http2", "--http1.1"] {
                let base: String = "https://localhost:\(port)/"
                let fits = try await files.curl(version, "--data-binary", "@fits", base)
                #expect(fits.output.utf8.count == 3 * 1024 * 1024 + 1 && fits.output.hasSuffix("a!"), "\(version)")
                let over = try await files.curl(
                    version, "--data-binary", "@over", "-o", "/dev/null", "-w", "%{http_code}", base)
                #expect(over.output == "413", "\(version)")
                let unknown = try await files.curl(
                    version, "-T", "over", "-H", "content-length:", "-H", "transfer-encoding: chunked", "-o",
                    "/dev/null", "-w", "%{http_code}", base)
                #expect(unknown.output == "413", "\(version)")
            }
        }
    }

    @Test func `a stream over HTTP/2 is written by many turns, and cut when its writer is dropped`() async throws {
        let handler: HTTPClosureHandler = HTTPClosureHandler { request, responder in
            guard let writer = responder.stream(status: 200) else { return }
            let piece: [UInt8] = [UInt8](repeating: 0x62, count: 50_000)
            let left: Mutex<Int> = Mutex(100)
            @Sendable func more() {
                while writer.isWritable {
                    if left.withLock({ $0 == 0 }) {
                        if request.target == "/whole" { writer.finish() }
                        return
                    }
                    if writer.write(piece) == .accepted { left.withLock { $0 -= 1 } }
                }
                writer.whenWritable { more() }
            }
            more()
        }
        try await withServer(tls: TLSIdentityBox(identity()), handler: handler) { port, server in
            let whole = try await files.curl("--http2", "https://localhost:\(port)/whole")
            #expect(whole.status == 0 && whole.output.utf8.count == 5_000_000)
            let cut = try await files.curl("--http2", "https://localhost:\(port)/cut")
            #expect(cut.status != 0)
            #expect(server.metrics.reading.requestsInFlight == 0)
        }
    }

    @Test func `a slow HTTP/2 body is answered 408, and a client that leaves is noticed`() async throws {
        let reasons: Mutex<[HTTPCloseReason]> = Mutex([])
        let writers: Mutex<[HTTPBodyWriter]> = Mutex([])
        let handler: HTTPClosureHandler = HTTPClosureHandler { _, responder in
            guard let writer = responder.stream(status: 200) else { return }
            writer.onClose { reason in reasons.withLock { $0.append(reason) } }
            writer.write([0x61])
            writers.withLock { $0.append(writer) }
        }
        let configure: (inout HTTPServerConfiguration) -> Void = {
            $0.bodyTimeout = .milliseconds(50)
            $0.sweepInterval = .milliseconds(20)
        }
        let identity: TLSIdentity = try identity()
        try files.write([UInt8](repeating: 0x61, count: 1_000_000), "large")
        try await withServer(tls: TLSIdentityBox(identity), handler: handler, configure: configure) { port, server in
            let slow = try await files.curl(
                "--http2", "--limit-rate", "1k", "--data-binary", "@large", "-o", "/dev/null", "-w", "%{http_code}",
                "https://localhost:\(port)/")
            #expect(slow.output == "408")
            let left = try await files.curl("--http2", "-N", "-m", "0.3", "https://localhost:\(port)/")
            #expect(left.status == 28 && left.output == "a")
            var turns: Int = 0
            while reasons.withLock({ $0.isEmpty }), turns < 5_000_000 {
                turns += 1
                await Task.yield()
            }
            #expect(reasons.withLock { $0 } == [.clientGone])
            #expect(server.metrics.reading.requestsInFlight == 0)
        }
    }

    @Test func `many streams of one connection are answered from other threads, each with its own answer`() async throws
    {
        let handler: HTTPClosureHandler = HTTPClosureHandler { request, responder in
            Task {
                let text: [UInt8] = Array("\(request.target)\n".utf8)
                guard request.target.hasSuffix("0") else { return responder.respond(status: 200, body: text) }
                guard let writer = responder.stream(status: 200) else { return }
                for byte in text { writer.write([byte]) }
                writer.finish()
            }
        }
        try await withServer(tls: TLSIdentityBox(identity()), handler: handler) { port, server in
            let result = try await files.curl(
                "--http2", "-Z", "--parallel-max", "100", "https://localhost:\(port)/[1-600]")
            let expected: [String] = (1...600).map { "/\($0)" }.sorted()
            let got: [String] = result.output.split(separator: "\n").map(String.init).sorted()
            #expect(got.count == 600 && got == expected, "missing: \(Set(expected).subtracting(got))")
            #expect(server.metrics.reading.requests == 600)
            #expect(server.metrics.reading.connections < 20)
        }
    }

    @Test func `a certificate is swapped while the server runs, and a broken one is not taken`() async throws {
        let box: TLSIdentityBox = TLSIdentityBox(try identity("first"))
        try await withServer(tls: box, handler: WhoAmI()) { port, _ in
            let url: String = "https://localhost:\(port)/"
            #expect(try await files.curl("-v", url).errors.contains("subject: CN=first"))
            box.replace(with: try identity("second"))
            #expect(try await files.curl("-v", url).errors.contains("subject: CN=second"))
            box.replace(with: TLSIdentity(certificateChain: [], privateKey: []))
            #expect(try await files.curl("-v", url).errors.contains("subject: CN=second"))
        }
        let broken: TLSIdentityBox = TLSIdentityBox(TLSIdentity(certificateChain: [1], privateKey: [2]))
        await #expect(throws: HTTPServerError.self) {
            try await withServer(tls: broken, handler: WhoAmI()) { _, _ in }
        }
    }

    @Test func `shutdown over HTTP/2 lets the stream finish`() async throws {
        let held: Mutex<[HTTPResponder]> = Mutex([])
        let handler: HTTPClosureHandler = HTTPClosureHandler { _, responder in held.withLock { $0.append(responder) } }
        try await withServer(tls: TLSIdentityBox(identity()), handler: handler) { port, server in
            async let answer = files.curl("--http2", "https://localhost:\(port)/")
            while held.withLock({ $0.isEmpty }) { await Task.yield() }
            async let stopped: Void = server.shutdown(within: .seconds(5))
            let responder: HTTPResponder? = held.withLock { $0.popLast() }
            responder?.respond(status: 200, body: Array("done".utf8))
            let output: String = try await answer.output
            #expect(output == "done")
            await stopped
            #expect(server.metrics.reading.openConnections == 0)
        }
    }

    /// A frame of HTTP/2.
    private static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let count: UInt32 = UInt32(payload.count)
        let head: [UInt8] = [count >> 16, count >> 8, count].map { UInt8(truncatingIfNeeded: $0) } + [type, flags]
        return head + [stream >> 24, stream >> 16, stream >> 8, stream].map { UInt8(truncatingIfNeeded: $0) } + payload
    }

    /// "Rapid reset", CVE-2023-44487: each stream is opened and reset at once, so that no limit of open streams is met.
    @Test func `a client that resets streams without end is cut off, and others are served`() async throws {
        try await withServer(tls: TLSIdentityBox(identity()), handler: WhoAmI()) { port, server in
            var bytes: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.frame(4, 0, 0, [])
            for index in 0..<5_000 {
                let stream: UInt32 = UInt32(index * 2 + 1)
                // GET, https, / of HPACK's static table.
                bytes += Self.frame(1, 0x05, stream, [0x82, 0x87, 0x84]) + Self.frame(3, 0, stream, [0, 0, 0, 8])
            }
            var command = Command(
                "/usr/bin/timeout",
                ["20", "openssl", "s_client", "-quiet", "-alpn", "h2", "-connect", "127.0.0.1:\(port)"])
            command.output = .discarded
            command.errors = .discarded
            let attack: [UInt8] = bytes
            let attacker: Command = command
            async let attacked: Outcome = attacker.run(input: attack)
            let answer = try await files.curl("--http2", "https://localhost:\(port)/a")
            #expect(answer.output == "HTTP/2.0 nobody /a 0\n")
            #expect(try await attacked.status != 124, "the server must have cut it off")
            #expect(server.metrics.reading.requests < 2_000)
        }
    }

    @Test(arguments: ["h2", "http/1.1"])
    func `clients that are idle, or take nothing more, do not hold up the shutdown`(version: String) async throws {
        try await withServer(tls: TLSIdentityBox(identity()), handler: WhoAmI()) { port, server in
            var command = Command(
                "/usr/bin/openssl", ["s_client", "-connect", "127.0.0.1:\(port)", "-alpn", version])
            command.errors = .discarded
            let silent: ChildProcess = try command.start()
            defer {
                silent.signal(SIGKILL)
                silent.waitBlocking()
            }
            let told: String = await silent.read(until: "ALPN protocol: \(version)")
            #expect(told.contains("ALPN protocol: \(version)"))
            // It answers no PING, and stopped it does not even see the end.
            silent.signal(SIGSTOP)
            let isInTime: Bool = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    await server.shutdown(within: .seconds(60))
                    return true
                }
                group.addTask {
                    try? await Task.sleep(for: .seconds(10))  // tidy:allow sleep: the bound of a wait, not a wait
                    return false
                }
                let first: Bool = await group.next() ?? false
                if !first { await server.shutdown(within: .zero) }
                group.cancelAll()
                return first
            }
            #expect(isInTime)
        }
    }
}

/// The system's curl, run in a directory of its own, at most ten seconds.
final class Curl: Sendable {
    static let isThere: Bool = FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "swiftlet-curl-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    func curl(_ arguments: String...) async throws -> (status: Int32, output: String, errors: String) {
        try await curl(arguments)
    }

    func curl(_ arguments: [String]) async throws -> (status: Int32, output: String, errors: String) {
        var command = Command("/usr/bin/curl", ["-sS", "-m", "60", "--cacert", "ca.crt"] + arguments)
        command.directory = path
        let outcome: Outcome = try await command.run()
        return (outcome.status, outcome.text, outcome.errorText)
    }
}
