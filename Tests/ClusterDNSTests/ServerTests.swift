import ClusterDNS
import ClusterDNSServer
import Glibc
import NodeSetup
import Testing

/// Real sockets of the loopback interface, and `dig`.
@Suite struct ServerTests {
    private static let web = ServiceKey("default", "web")

    private static func server(
        _ domain: String = "cluster.local", upstreams: ClusterDNSServer.Upstreams = .servers([]),
        clients: [IPPrefix]? = nil, idleLimit: Duration = .seconds(10)
    ) throws -> ClusterDNSServer {
        var configuration = ClusterDNSServer.Configuration(
            listeners: [.init(try address("127.0.0.1"), port: 0, clients: clients)],
            zone: ClusterZone.Configuration(domain: try #require(DNSName(domain))), upstreams: upstreams)
        configuration.idleLimit = idleLimit
        let server = try ClusterDNSServer(configuration)
        server.post(.namespace("default"))
        server.post(
            .service(
                ZoneService(
                    web, .clusterAddresses([try address("10.96.0.80")]),
                    ports: [ZonePort(name: "http", transport: "tcp", number: 80)]), revision: 1))
        let many = ServiceKey("default", "many")
        server.post(.service(ZoneService(many, .headless), revision: 2))
        let endpoints: [ZoneSlice.Endpoint] = try (0..<200).map { .init([try address("10.244.3.\($0)")]) }
        server.post(.slice(ZoneSlice("many-1", of: many, endpoints), revision: 3))
        server.post(
            .service(
                ZoneService(ServiceKey("default", "out"), .alias(try #require(DNSName("web.default.svc.example")))),
                revision: 4))
        server.post(.complete)
        return server
    }

    private func serving<Result: Sendable>(
        _ servers: [ClusterDNSServer], _ body: @Sendable (LoopbackClient) throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { await server.run() } }
            // Everything that was posted before has been taken when this is answered.
            for server in servers { _ = await server.counters() }
            let result: Result = try body(LoopbackClient(port: servers[0].ports[0]))
            group.cancelAll()
            try await group.waitForAll()
            return result
        }
    }

    @Test func `questions are answered over UDP and over TCP`() async throws {
        let (datagram, stream) = try await serving([try Self.server()]) { client in
            (
                try client.udp(try question("web.default.svc.cluster.local")),
                try client.tcp([try question("many.default.svc.cluster.local")], count: 1)
            )
        }
        #expect(datagram.lines == ["web.default.svc.cluster.local. A 10.96.0.80"])
        #expect(stream[0].answers.count == 200)
    }

    @Test func `questions on one connection need not wait for each other, nor come whole`() async throws {
        let answers: [DNSMessage] = try await serving([try Self.server()]) { client in
            let questions: [[UInt8]] = try (0..<100).map {
                try question("web.default.svc.cluster.local", id: UInt16($0))
            }
            return try client.tcp(questions, count: 100, chunk: 7)
        }
        #expect(answers.map(\.id) == (0..<100).map { UInt16($0) })
        #expect(answers.allSatisfy { $0.answers.count == 1 })
    }

    @Test func `a connection that sends no message is closed`() async throws {
        let (garbage, silent) = try await serving([try Self.server(idleLimit: .milliseconds(1))]) { client in
            (try client.isClosed(after: [0, 3, 1, 2, 3]), try client.isClosed(after: [0, 9, 1]))
        }
        #expect(garbage && silent)
    }

    @Test func `who may not ask gets no answer`() async throws {
        let range = try #require(IPPrefix("192.0.2.0/24"))
        let refused: Bool = try await serving([try Self.server(clients: [range])]) { client in
            let bytes: [UInt8] = try question("web.default.svc.cluster.local")
            let isClosed: Bool = try client.isClosed(after: [UInt8(bytes.count >> 8), UInt8(bytes.count)] + bytes)
            return try isClosed && client.isSilent(bytes)
        }
        #expect(refused)
    }

    @Test func `other names come from upstream, cut ones over TCP, and are kept`() async throws {
        let upstream: ClusterDNSServer = try Self.server("example")
        let place = Upstream(try address("127.0.0.1"), port: upstream.ports[0])
        let server: ClusterDNSServer = try Self.server(upstreams: .servers([place]))
        let (plain, many, alias, counters) = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await upstream.run() }
            group.addTask { await server.run() }
            _ = await (upstream.counters(), server.counters())
            let client = LoopbackClient(port: server.ports[0])
            let plain: DNSMessage = try client.udp(try question("WEB.default.svc.example"))
            _ = try client.udp(try question("web.default.svc.example"))
            let many: [DNSMessage] = try client.tcp([try question("many.default.svc.example")], count: 1)
            let alias: DNSMessage = try client.udp(try question("out.default.svc.cluster.local"))
            let counters: DNSCounters = await upstream.counters()
            group.cancelAll()
            return (plain, many, alias, counters)
        }
        #expect(plain.lines == ["WEB.default.svc.example. A 10.96.0.80"])
        #expect(many[0].answers.count == 200)
        #expect(
            alias.lines == [
                "out.default.svc.cluster.local. CNAME web.default.svc.example.",
                "web.default.svc.example. A 10.96.0.80",
            ])
        // Once for the name that was asked for three times, once cut and once whole for the other; and the loop's test.
        #expect(counters.requests.map { $0[0] } == [2, 1])
    }

    @Test func `an upstream where nobody listens is known at once`() async throws {
        let free: UInt16 = try Self.server().ports[0]
        let server: ClusterDNSServer = try Self.server(
            upstreams: .servers([Upstream(try address("127.0.0.1"), port: free)]))
        let (answer, elapsed) = try await serving([server]) { client in
            let clock = ContinuousClock()
            let start: ContinuousClock.Instant = clock.now
            let answer: DNSMessage = try client.udp(try question("example.com"))
            return (answer, clock.now - start)
        }
        #expect(answer.code == 2 && elapsed < .seconds(1))
    }

    @Test func `an upstream that is the server itself is found out`() async throws {
        // A second server in between, so that the address does not tell.
        let place: UInt16 = try Self.server().ports[0]
        let server: ClusterDNSServer = try Self.server(
            upstreams: .servers([Upstream(try address("127.0.0.1"), port: place)]))
        var between = ClusterDNSServer.Configuration(
            listeners: [.init(try address("127.0.0.1"), port: place)],
            zone: ClusterZone.Configuration(domain: try #require(DNSName("between"))),
            upstreams: .servers([Upstream(try address("127.0.0.1"), port: server.ports[0])]))
        between.idleLimit = .seconds(1)
        let answer: DNSMessage = try await serving([server, try ClusterDNSServer(between)]) { client in
            try client.udp(try question("example.com"))
        }
        #expect(answer.code == 2)
    }

    @Test func `the same address cannot be had twice`() throws {
        let server: ClusterDNSServer = try Self.server()
        let error: DNSServerError? = #expect(throws: DNSServerError.self) {
            try ClusterDNSServer(
                .init(
                    listeners: [.init(try address("127.0.0.1"), port: server.ports[0])],
                    zone: .init(domain: try #require(DNSName("cluster.local"))), upstreams: .servers([])))
        }
        #expect(error?.number == EADDRINUSE)
    }

    /// What `dig` was asked, and what its answer has.
    static let digs: [(arguments: [String], wanted: [String])] = [
        (["web.default.svc.cluster.local"], ["status: NOERROR", "flags: qr aa rd ra", "A 10.96.0.80"]),
        (["+nocookie", "+bufsize=4096", "+dnssec", "web.default.svc.cluster.local"], ["flags: do; udp: 1232"]),
        (["+noedns", "web.default.svc.cluster.local"], ["ADDITIONAL: 0"]),
        (["+tcp", "web.default.svc.cluster.local"], ["10.96.0.80"]),
        (
            ["nobody.default.svc.cluster.local"],
            ["status: NXDOMAIN", "SOA ns.dns.cluster.local. hostmaster.cluster.local."]
        ),
        (["AAAA", "web.default.svc.cluster.local"], ["status: NOERROR", "ANSWER: 0", "AUTHORITY: 1"]),
        (["SRV", "_http._tcp.web.default.svc.cluster.local"], ["SRV 0 100 80 web.default.svc.cluster.local."]),
        (["-x", "10.96.0.80"], ["PTR web.default.svc.cluster.local."]),
        (["TXT", "dns-version.cluster.local"], ["\"1.1.0\""]),
        (["many.default.svc.cluster.local"], ["ANSWER: 200"]),
        (["+ignore", "many.default.svc.cluster.local"], ["flags: qr aa tc rd ra"]),
        (["CH", "TXT", "version.bind"], ["status: REFUSED"]),
        (["+opcode=NOTIFY", "cluster.local"], ["status: NOTIMP"]),
        (["+edns=1", "+noednsnegotiation", "cluster.local"], ["status: BADVERS"]),
        (["AXFR", "cluster.local"], ["Transfer failed."]),
        (["+ednsopt=10:0102030405060708", "web.default.svc.cluster.local"], ["A 10.96.0.80"]),
    ]

    @Test func `dig understands every answer`() async throws {
        let outputs: [String] = try await serving([try Self.server()]) { client in
            try Self.digs.map { dig in
                let command: [String] = ["dig", "@127.0.0.1", "-p", "\(client.port)", "+tries=1", "+time=5"]
                let output: [UInt8] = try Subprocess.run(command + dig.arguments, timeout: .seconds(20))
                return String(decoding: output, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(
                    separator: " ")
            }
        }
        for (dig, output) in zip(Self.digs, outputs) {
            for text in dig.wanted { #expect(output.contains(text), "\(dig.arguments): \(output)") }
            #expect(!output.contains("WARNING: Message parser") && !output.contains("malformed"))
        }
    }
}

/// Asks over real sockets, and waits for at most five seconds.
struct LoopbackClient: Sendable {
    struct Failure: Error {
        var step: String
        var number: Int32
    }

    var port: UInt16

    private func open(_ type: Int32, timeout: Int = 5_000_000) throws -> Int32 {
        let socket: Int32 = Glibc.socket(AF_INET, type, 0)
        var wait = timeval(tv_sec: timeout / 1_000_000, tv_usec: timeout % 1_000_000)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result: Int32 = withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(step: "connect", number: errno) }
        return socket
    }

    func udp(_ bytes: [UInt8]) throws -> DNSMessage {
        let socket: Int32 = try open(Int32(SOCK_DGRAM.rawValue))
        defer { close(socket) }
        guard send(socket, bytes, bytes.count, 0) == bytes.count else { throw Failure(step: "send", number: errno) }
        var answer: [UInt8] = [UInt8](repeating: 0, count: 4096)
        let count: Int = recv(socket, &answer, answer.count, 0)
        guard count >= 0 else { throw Failure(step: "receive", number: errno) }
        return try decode(Array(answer.prefix(count)))
    }

    /// Whether nothing comes within a moment.
    func isSilent(_ bytes: [UInt8]) throws -> Bool {
        let socket: Int32 = try open(Int32(SOCK_DGRAM.rawValue), timeout: 200_000)
        defer { close(socket) }
        _ = send(socket, bytes, bytes.count, 0)
        var answer: [UInt8] = [0]
        return recv(socket, &answer, 1, 0) < 0 && errno == EAGAIN
    }

    func tcp(_ questions: [[UInt8]], count: Int, chunk: Int = .max) throws -> [DNSMessage] {
        let socket: Int32 = try open(Int32(SOCK_STREAM.rawValue))
        defer { close(socket) }
        var rest: ArraySlice<UInt8> = questions.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 0xff)] + $0 }[...]
        while !rest.isEmpty {
            let part: [UInt8] = Array(rest.prefix(chunk))
            guard send(socket, part, part.count, Int32(MSG_NOSIGNAL)) == part.count else {
                throw Failure(step: "send", number: errno)
            }
            rest = rest.dropFirst(part.count)
        }
        return try (0..<count).map { _ in
            let length: [UInt8] = try read(2, from: socket)
            return try decode(try read(Int(length[0]) << 8 | Int(length[1]), from: socket))
        }
    }

    private func read(_ count: Int, from socket: Int32) throws -> [UInt8] {
        var bytes: [UInt8] = [UInt8](repeating: 0, count: count)
        guard recv(socket, &bytes, count, Int32(MSG_WAITALL)) == count else {
            throw Failure(step: "read", number: errno)
        }
        return bytes
    }

    /// Whether the server closes the connection without an answer.
    func isClosed(after bytes: [UInt8]) throws -> Bool {
        let socket: Int32 = try open(Int32(SOCK_STREAM.rawValue))
        defer { close(socket) }
        _ = send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        var answer: [UInt8] = [0]
        let count: Int = recv(socket, &answer, 1, 0)
        return count == 0 || count < 0 && errno == ECONNRESET
    }
}
