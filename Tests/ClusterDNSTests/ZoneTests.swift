import ClusterDNS
import Testing

@Suite struct ZoneTests {
    private static let web = ServiceKey("default", "web")
    private static let database = ServiceKey("shop", "db")

    /// A ClusterIP service, a headless one with three endpoints, aliases; two namespaces.
    private func server() throws -> Server {
        let server = try Server(upstreams: ["192.0.2.1"])
        let http = ZonePort(name: "http", transport: "tcp", number: 80)
        let mysql = ZonePort(name: "mysql", transport: "tcp", number: 3306)
        _ = server.apply(
            .namespace("default"), .namespace("shop"), .namespace("empty"),
            .service(
                ZoneService(
                    Self.web, .clusterAddresses([try address("10.96.0.80"), try address("fd00::80")]), ports: [http]),
                revision: 1),
            .slice(ZoneSlice("web-1", of: Self.web, [.init([try address("10.244.0.9")])], ports: [http]), revision: 2),
            .service(ZoneService(Self.database, .headless, ports: [mysql]), revision: 3),
            .slice(
                ZoneSlice(
                    "db-1", of: Self.database,
                    [
                        .init([try address("10.244.0.2")], hostname: "db-0", pod: "db-0"),
                        .init([try address("10.244.0.3")], hostname: "db-1", pod: "db-1"),
                        .init([try address("10.244.0.4")], pod: "extra"),
                        .init([try address("10.244.0.5")], hostname: "db-9", isReady: false, pod: "db-9"),
                    ], ports: [mysql]), revision: 4),
            .slice(
                ZoneSlice(
                    "db-6", of: Self.database, [.init([try address("fd00::2")], hostname: "db-0")], ports: [mysql]),
                revision: 5),
            .service(
                ZoneService(ServiceKey("shop", "in"), .alias(try #require(DNSName("web.default.svc.cluster.local")))),
                revision: 6),
            .service(
                ZoneService(ServiceKey("shop", "out"), .alias(try #require(DNSName("www.example.com")))), revision: 7),
            .service(
                ZoneService(ServiceKey("shop", "loop"), .alias(try #require(DNSName("loop.shop.svc.cluster.local")))),
                revision: 8),
            .service(ZoneService(ServiceKey("shop", "none"), .headless), revision: 9), .complete)
        return server
    }

    static let answers: [(name: String, type: RecordType, code: UInt8, lines: [String])] = [
        ("web.default.svc.cluster.local", .a, 0, ["web.default.svc.cluster.local. A 10.96.0.80"]),
        ("web.default.svc.cluster.local", .aaaa, 0, ["web.default.svc.cluster.local. AAAA fd00::80"]),
        ("WEB.Default.svc.CLUSTER.local", .a, 0, ["WEB.Default.svc.CLUSTER.local. A 10.96.0.80"]),
        ("web.default.svc.cluster.local", .mx, 0, []),
        (
            "_http._tcp.web.default.svc.cluster.local", .srv, 0,
            ["_http._tcp.web.default.svc.cluster.local. SRV 0 100 80 web.default.svc.cluster.local."]
        ),
        (
            "web.default.svc.cluster.local", .srv, 0,
            ["web.default.svc.cluster.local. SRV 0 100 80 web.default.svc.cluster.local."]
        ),
        ("_tcp.web.default.svc.cluster.local", .srv, 0, []),
        ("_https._tcp.web.default.svc.cluster.local", .srv, 3, []),
        ("_http._udp.web.default.svc.cluster.local", .srv, 3, []),
        ("10-244-0-9.web.default.svc.cluster.local", .a, 0, ["10-244-0-9.web.default.svc.cluster.local. A 10.244.0.9"]),
        (
            "db.shop.svc.cluster.local", .a, 0,
            [
                "db.shop.svc.cluster.local. A 10.244.0.2", "db.shop.svc.cluster.local. A 10.244.0.3",
                "db.shop.svc.cluster.local. A 10.244.0.4",
            ]
        ),
        ("db.shop.svc.cluster.local", .aaaa, 0, ["db.shop.svc.cluster.local. AAAA fd00::2"]),
        ("db-0.db.shop.svc.cluster.local", .a, 0, ["db-0.db.shop.svc.cluster.local. A 10.244.0.2"]),
        ("db-0.db.shop.svc.cluster.local", .aaaa, 0, ["db-0.db.shop.svc.cluster.local. AAAA fd00::2"]),
        ("10-244-0-4.db.shop.svc.cluster.local", .a, 0, ["10-244-0-4.db.shop.svc.cluster.local. A 10.244.0.4"]),
        ("db-9.db.shop.svc.cluster.local", .a, 3, []),
        (
            "_mysql._tcp.db.shop.svc.cluster.local", .srv, 0,
            [
                "_mysql._tcp.db.shop.svc.cluster.local. SRV 0 33 3306 10-244-0-4.db.shop.svc.cluster.local.",
                "_mysql._tcp.db.shop.svc.cluster.local. SRV 0 33 3306 db-0.db.shop.svc.cluster.local.",
                "_mysql._tcp.db.shop.svc.cluster.local. SRV 0 33 3306 db-1.db.shop.svc.cluster.local.",
            ]
        ),
        ("none.shop.svc.cluster.local", .a, 3, []),
        ("nobody.shop.svc.cluster.local", .a, 3, []),
        ("web.default.svc.cluster.local.shop.svc.cluster.local", .a, 3, []),
        ("shop.svc.cluster.local", .a, 0, []),
        ("empty.svc.cluster.local", .a, 0, []),
        ("absent.svc.cluster.local", .a, 3, []),
        ("svc.cluster.local", .a, 0, []),
        ("pod.cluster.local", .a, 0, []),
        ("cluster.local", .a, 0, []),
        ("cluster.local", .ns, 0, ["cluster.local. NS ns.dns.cluster.local."]),
        ("cluster.local", .soa, 0, ["cluster.local. SOA ns.dns.cluster.local."]),
        ("ns.dns.cluster.local", .a, 0, ["ns.dns.cluster.local. A 10.96.0.10"]),
        ("ns.dns.cluster.local", .aaaa, 0, []),
        ("dns.cluster.local", .a, 0, []),
        ("other.cluster.local", .a, 3, []),
        ("dns-version.cluster.local", .txt, 0, ["dns-version.cluster.local. TXT 1.1.0"]),
        ("*.default.svc.cluster.local", .a, 3, []),
        ("any.any.svc.cluster.local", .a, 3, []),
        ("10-244-7-7.shop.pod.cluster.local", .a, 0, ["10-244-7-7.shop.pod.cluster.local. A 10.244.7.7"]),
        ("10-244-7-7.shop.pod.cluster.local", .aaaa, 0, []),
        ("fd00--7.shop.pod.cluster.local", .aaaa, 0, ["fd00--7.shop.pod.cluster.local. AAAA fd00::7"]),
        ("10-244-7-777.shop.pod.cluster.local", .a, 3, []),
        ("10-244-7-7.absent.pod.cluster.local", .a, 3, []),
        ("shop.pod.cluster.local", .a, 0, []),
        ("a.10-244-7-7.shop.pod.cluster.local", .a, 3, []),
        ("80.0.96.10.in-addr.arpa", .ptr, 0, ["80.0.96.10.in-addr.arpa. PTR web.default.svc.cluster.local."]),
        ("2.0.244.10.in-addr.arpa", .ptr, 0, ["2.0.244.10.in-addr.arpa. PTR db-0.db.shop.svc.cluster.local."]),
        ("2.0.244.10.in-addr.arpa", .a, 0, []),
        ("5.0.244.10.in-addr.arpa", .ptr, 3, []),
        (
            "0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", .ptr, 0,
            [
                "0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR "
                    + "web.default.svc.cluster.local."
            ]
        ),
        ("out.shop.svc.cluster.local", .cname, 0, ["out.shop.svc.cluster.local. CNAME www.example.com."]),
        (
            "in.shop.svc.cluster.local", .a, 0,
            [
                "in.shop.svc.cluster.local. CNAME web.default.svc.cluster.local.",
                "web.default.svc.cluster.local. A 10.96.0.80",
            ]
        ),
        ("loop.shop.svc.cluster.local", .a, 2, []),
    ]

    @Test(arguments: answers.indices) func `names are answered as the specification says`(index: Int) throws {
        let (name, type, code, lines) = Self.answers[index]
        let server = try server()
        let answer: DNSMessage = try server.ask(name, type)
        #expect(answer.code == code && answer.lines == lines, "\(name): \(answer.code) \(answer.lines)")
        #expect(answer.flags.has(MessageFlags.authoritative) == (code != 2))
        #expect(
            answer.flags.has(MessageFlags.response | MessageFlags.recursionAvailable | MessageFlags.recursionDesired))
        // Absence is told with who says so, and for how long.
        if lines.isEmpty && code != 2 {
            let owner: String = name.hasSuffix("in-addr.arpa") ? "in-addr.arpa." : "cluster.local."
            #expect(answer.authorities.map(line) == ["\(owner) SOA ns.dns.cluster.local."])
            #expect(answer.authorities.first?.data.suffix(4).elementsEqual([0, 0, 0, 30]) == true)
        }
        #expect((answer.answers + answer.authorities).allSatisfy { $0.ttl == 30 })
    }

    @Test func `service records bring the addresses along`() throws {
        let server = try server()
        let answer: DNSMessage = try server.ask("_mysql._tcp.db.shop.svc.cluster.local", .srv, isStream: true)
        #expect(
            answer.additionals.map(line).sorted() == [
                "10-244-0-4.db.shop.svc.cluster.local. A 10.244.0.4", "db-0.db.shop.svc.cluster.local. A 10.244.0.2",
                "db-0.db.shop.svc.cluster.local. AAAA fd00::2", "db-1.db.shop.svc.cluster.local. A 10.244.0.3",
            ])
        #expect(try server.ask("cluster.local", .ns).additionals.map(line) == ["ns.dns.cluster.local. A 10.96.0.10"])
    }

    @Test(arguments: ["example.com", "local", "xcluster.local", "4.3.2.1.in-addr.arpa", "10.in-addr.arpa", "."])
    func `other names are somebody else's`(name: String) throws {
        let server = try server()
        #expect(server.send(try question(name, .ptr)) == .waiting)
    }

    @Test func `before all is known absence is a failure and presence is not`() throws {
        let server = try Server()
        _ = server.apply(
            .service(ZoneService(Self.web, .clusterAddresses([try address("10.96.0.80")])), revision: 1))
        #expect(try server.ask("web.default.svc.cluster.local").lines.count == 1)
        #expect(try server.ask("db.shop.svc.cluster.local").code == 2)
        #expect(try server.ask("1-2-3-4.shop.pod.cluster.local").code == 2)
        #expect(try server.ask("9.0.96.10.in-addr.arpa", .ptr).code == 2)
        _ = server.apply(.complete)
        #expect(try server.ask("db.shop.svc.cluster.local").code == 3)
    }

    @Test func `changes come through and leave nothing behind`() throws {
        let server = try server()
        let before: Int = server.engine.zone.nameCount
        let key = ServiceKey("shop", "new")
        let port = ZonePort(name: "p", transport: "udp", number: 5)
        let updates: [ZoneUpdate] = server.apply(
            .slice(
                ZoneSlice("new-1", of: key, [.init([try address("10.244.1.1")], pod: "a")], ports: [port]), revision: 20
            ),
            .service(ZoneService(key, .headless), revision: 21))
        #expect(updates == [ZoneUpdate(service: key, isNew: true, pods: ["a"], revisions: [20, 21])])
        #expect(try server.ask("new.shop.svc.cluster.local").lines.count == 1)
        #expect(try server.ask("_p._udp.new.shop.svc.cluster.local", .srv).lines.count == 1)
        let more: [ZoneUpdate] = server.apply(
            .slice(
                ZoneSlice(
                    "new-1", of: key,
                    [.init([try address("10.244.1.2")], pod: "b"), .init([try address("10.244.1.1")], pod: "a")],
                    ports: [port]), revision: 22))
        #expect(more == [ZoneUpdate(service: key, isNew: false, pods: ["b"], revisions: [22])])
        // Another service has the same endpoint: its name stays when this one goes.
        let other = ServiceKey("shop", "other")
        _ = server.apply(
            .service(ZoneService(other, .headless), revision: 23),
            .slice(ZoneSlice("o", of: other, [.init([try address("10.244.1.2")], hostname: "h")]), revision: 24))
        #expect(try server.ask("2.1.244.10.in-addr.arpa", .ptr).lines.count == 2)
        let serial: UInt32 = server.engine.zone.serial
        _ = server.apply(.serviceGone(key, revision: 25), .sliceGone(name: "new-1", service: key, revision: 26))
        #expect(server.engine.zone.serial == serial + 1)
        #expect(
            try server.ask("2.1.244.10.in-addr.arpa", .ptr).lines == [
                "2.1.244.10.in-addr.arpa. PTR h.other.shop.svc.cluster.local."
            ])
        #expect(try server.ask("new.shop.svc.cluster.local").code == 3)
        _ = server.apply(.serviceGone(other, revision: 27), .sliceGone(name: "o", service: other, revision: 28))
        #expect(server.engine.zone.nameCount == before)
        _ = server.apply(.namespaceGone("empty"))
        #expect(try server.ask("empty.svc.cluster.local").code == 3)
    }

    @Test func `answers begin with another endpoint each time`() throws {
        let server = try server()
        var firsts: Set<String> = []
        for _ in 0..<40 {
            let answer: DNSMessage = try server.ask("db.shop.svc.cluster.local")
            #expect(answer.answers.count == 3)
            firsts.insert(line(answer.answers[0]))
        }
        #expect(firsts.count == 3)
    }

    @Test(arguments: [(nil, 512), (UInt16(100), 512), (UInt16(800), 800), (UInt16(4096), 1232)])
    func `what does not fit is cut off and marked`(size: UInt16?, limit: Int) throws {
        let server = try server()
        let endpoints: [ZoneSlice.Endpoint] = try (0..<100).map { .init([try address("10.244.9.\($0)")]) }
        _ = server.apply(.slice(ZoneSlice("db-2", of: Self.database, endpoints), revision: 30))
        let bytes: [UInt8] = try question("db.shop.svc.cluster.local", edns: size.map { ($0, false, 0) })
        let cut: DNSMessage = try server.answer(bytes)
        #expect(server.engine.written.count <= limit && server.engine.written.count > limit - 16)
        #expect(cut.flags.has(MessageFlags.truncated) && cut.answers.count > 20)
        #expect(cut.additionals.count == (size == nil ? 0 : 1))
        let whole: DNSMessage = try server.answer(bytes, isStream: true)
        #expect(whole.answers.count == 103 && !whole.flags.has(MessageFlags.truncated))
        let targets: DNSMessage = try server.answer(try question("_mysql._tcp.db.shop.svc.cluster.local", .srv))
        #expect(targets.code == 0 && !targets.answers.isEmpty)
    }

    @Test func `the extension is answered where it was asked for`() throws {
        let server = try server()
        let name: String = "web.default.svc.cluster.local"
        #expect(try server.ask(name).additionals.isEmpty)
        for isDO in [true, false] {
            let answer: DNSMessage = try server.answer(try question(name, edns: (4096, isDO, 0)))
            let opt: ResourceRecord = try #require(answer.additionals.first)
            #expect(opt.type == .opt && opt.recordClass == 1232 && opt.ttl == (isDO ? 0x8000 : 0))
        }
        let refused: DNSMessage = try server.answer(try question(name, edns: (4096, false, 1)))
        #expect(refused.code == 0 && refused.additionals.first?.ttl == 1 << 24)
    }

    @Test func `refusals keep what identifies the question`() throws {
        let server = try server()
        let chaos: DNSMessage = try server.answer(try question("version.bind", .txt, id: 99, recordClass: 3))
        #expect(chaos.id == 99 && chaos.code == 5 && chaos.questions.count == 1)
        let update: DNSMessage = try server.answer(try question("a", flags: 0x2800))
        #expect(update.code == 4 && update.flags.opcode == 5)
    }

    @Test func `a random history gives the same zone as its end`() throws {
        var random = SeededRandom(state: 7)
        let server = try Server()
        var services: [String: ZoneService] = [:]
        var slices: [String: ZoneSlice] = [:]
        for step in 0..<3000 {
            let name: String = "s\(Int.random(in: 0..<12, using: &random))"
            let key = ServiceKey("n", name)
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                services[name] = nil
                _ = server.apply(.serviceGone(key, revision: Int64(step)))
            case 1, 2:
                let kinds: [ZoneService.Kind] = [
                    .headless, .clusterAddresses([try address("10.96.1.\(Int.random(in: 0..<9, using: &random))")]),
                ]
                let service = ZoneService(
                    key, kinds[Int.random(in: 0..<2, using: &random)],
                    ports: [ZonePort(name: "p\(step % 3)", transport: "tcp", number: UInt16(step % 7 + 1))])
                services[name] = service
                server.engine.zone.apply(.service(service, revision: Int64(step)))
            case 3:
                let id: String = "\(name)-\(Int.random(in: 0..<3, using: &random))"
                let endpoints: [ZoneSlice.Endpoint] = try (0..<Int.random(in: 0..<5, using: &random)).map { _ in
                    .init(
                        [try address("10.244.0.\(Int.random(in: 0..<20, using: &random))")],
                        isReady: .random(using: &random))
                }
                let slice = ZoneSlice(id, of: key, endpoints, ports: [ZonePort(name: "q", transport: "udp", number: 9)])
                slices[id] = slice
                server.engine.zone.apply(.slice(slice, revision: Int64(step)))
            default:
                let id: String = "\(name)-\(Int.random(in: 0..<3, using: &random))"
                slices[id] = nil
                server.engine.zone.apply(.sliceGone(name: id, service: key, revision: Int64(step)))
            }
        }
        _ = server.apply(.complete)
        let fresh = try Server()
        for service in services.values { fresh.engine.zone.apply(.service(service, revision: 1)) }
        for slice in slices.values { fresh.engine.zone.apply(.slice(slice, revision: 1)) }
        _ = fresh.apply(.complete)
        #expect(server.engine.zone.nameCount == fresh.engine.zone.nameCount)
        for number in 0..<12 {
            let base: String = "s\(number).n.svc.cluster.local"
            for (name, type): (String, RecordType) in [
                (base, .a), (base, .srv), ("_q._udp.\(base)", .srv), ("_p1._tcp.\(base)", .srv), ("_tcp.\(base)", .a),
            ] {
                let left: DNSMessage = try server.ask(name, type, isStream: true)
                let right: DNSMessage = try fresh.ask(name, type, isStream: true)
                #expect(left.lines == right.lines && left.code == right.code, "\(name)")
            }
        }
        for number in 0..<20 {
            for network in ["244.10", "96.10"] {
                let name: String = "\(number).\(network == "96.10" ? 1 : 0).\(network).in-addr.arpa"
                #expect(try server.ask(name, .ptr).lines == (try fresh.ask(name, .ptr).lines), "\(name)")
            }
        }
    }
}
