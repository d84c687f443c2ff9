import ClusterDNS
import Testing

@Suite struct MessageTests {
    @Test(arguments: [
        ("10.0.0.1", "10.0.0.1"), ("::", "::"), ("fd00::1", "fd00::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("2001:DB8::0A", "2001:db8::a"), ("::ffff:1.2.3.4", "::ffff:102:304"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1::", "1::"),
    ]) func `addresses are read and written`(text: String, canonical: String) {
        #expect(InternetAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.+4", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "g::",
        "1:2:3:4:5:6:7:8:9", "1.2.3.4::", "12345::", "1:2:3:4:5:6:7::8",
    ]) func `what is no address is refused`(text: String) {
        #expect(InternetAddress(text) == nil)
    }

    @Test func `ranges hold their addresses only`() throws {
        let range = try #require(IPPrefix("10.96.0.0/12"))
        #expect(range.contains(try address("10.111.255.255")))
        #expect(!range.contains(try address("10.112.0.0")))
        #expect(!range.contains(try address("::a60:1")))
        #expect(IPPrefix("10.0.0.0/33") == nil)
    }

    @Test func `names are read and written with escapes`() throws {
        let name = try #require(DNSName("a\\.b.C\\032d.example."))
        #expect(name.labels == [Array("a.b".utf8), Array("C d".utf8), Array("example".utf8)])
        #expect(name.description == "a\\.b.C\\032d.example.")
        #expect(DNSName(".")?.description == ".")
        #expect(DNSName("a..b") == nil && DNSName("") == nil && DNSName("a\\300") == nil)
        #expect(DNSName(String(repeating: "a", count: 64)) == nil)
        #expect(DNSName(String(repeating: "abcdefg.", count: 32)) == nil)
    }

    /// Messages as they go over the wire, with why each is what it is.
    static let verdicts: [(what: String, hex: String, verdict: Query.Verdict)] = [
        ("plain", "0007 0100 0001 0000 0000 0000 01 61 00 0001 0001", .query),
        ("root", "0007 0100 0001 0000 0000 0000 00 0002 0001", .query),
        ("too short", "0007 0100 0001 0000 0000 00", .ignore),
        ("an answer", "0007 8100 0001 0000 0000 0000 01 61 00 0001 0001", .ignore),
        ("opcode status", "0007 1000 0001 0000 0000 0000 01 61 00 0001 0001", .refuse(.notImplemented)),
        ("no question", "0007 0100 0000 0000 0000 0000", .refuse(.formatError)),
        ("two questions", "0007 0100 0002 0000 0000 0000 00 0001 0001 00 0001 0001", .refuse(.formatError)),
        ("cut in a label", "0007 0100 0001 0000 0000 0000 05 61", .refuse(.formatError)),
        ("cut after the name", "0007 0100 0001 0000 0000 0000 01 61 00 0001", .refuse(.formatError)),
        ("a pointer to itself", "0007 0100 0001 0000 0000 0000 c0 0c 0001 0001", .refuse(.formatError)),
        ("a reserved label", "0007 0100 0001 0000 0000 0000 40 61 00 0001 0001", .refuse(.formatError)),
        ("bytes behind the end", "0007 0100 0001 0000 0000 0000 01 61 00 0001 0001 00", .refuse(.formatError)),
        ("chaos class", "0007 0100 0001 0000 0000 0000 01 61 00 0010 0003", .refuse(.refused)),
        ("zone transfer", "0007 0100 0001 0000 0000 0000 01 61 00 00fc 0001", .refuse(.refused)),
        ("EDNS", "0007 0100 0001 0000 0000 0001 01 61 00 0001 0001 00 0029 1000 0000 8000 0000", .query),
        (
            "EDNS 1", "0007 0100 0001 0000 0000 0001 01 61 00 0001 0001 00 0029 1000 0001 0000 0000",
            .refuse(.badVersion)
        ),
        (
            "EDNS twice",
            "0007 0100 0001 0000 0000 0002 01 61 00 0001 0001 00 0029 1000 0000 0000 0000 00 0029 1000 0000 0000 0000",
            .refuse(.formatError)
        ),
        (
            "EDNS below a name",
            "0007 0100 0001 0000 0000 0001 01 61 00 0001 0001 01 61 00 0029 1000 0000 0000 0000", .refuse(.formatError)
        ),
        (
            "an option longer than OPT",
            "0007 0100 0001 0000 0000 0001 01 61 00 0001 0001 00 0029 1000 0000 0000 0004 0003 0001",
            .refuse(.formatError)
        ),
        ("fewer records than told", "0007 0100 0001 0000 0000 0001 01 61 00 0001 0001", .refuse(.formatError)),
    ]

    @Test(arguments: verdicts.indices) func `questions from outside are checked`(index: Int) throws {
        let (what, hex, verdict) = Self.verdicts[index]
        #expect(ClusterDNSTests.verdict(bytes(hex)).verdict == verdict, "\(what)")
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits: [Character] = hex.filter { !$0.isWhitespace }
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0..<$0 + 2]), radix: 16) }
    }

    @Test func `a name of 255 bytes is taken and one of 256 refused`() throws {
        let label: String = String(repeating: "a", count: 63)
        let longest: String = "\(label).\(label).\(label).\(String(repeating: "b", count: 61))"
        let (taken, query) = verdict(try question(longest))
        #expect(taken == .query && query.name.count == 255)
        var wire: [UInt8] = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for count: UInt8 in [63, 63, 63, 62] { wire += [count] + [UInt8](repeating: 97, count: Int(count)) }
        #expect(verdict(wire + [0, 0, 1, 0, 1]).verdict == .refuse(.formatError))
    }

    @Test func `a message with all kinds of names reads as it was written`() throws {
        var message = DNSMessage()
        message.id = 0x1234
        message.flags = MessageFlags(rawValue: 0x8180)
        let www = try #require(DNSName("www.Example.com"))
        let com = try #require(DNSName("example.com"))
        message.questions = [DNSMessage.Question(name: www, type: .a)]
        message.answers = [
            ResourceRecord(name: www, type: .cname, ttl: 5, data: com.wire),
            ResourceRecord(name: com, type: .mx, ttl: 6, data: [0, 10] + www.wire),
            ResourceRecord(name: com, type: .srv, ttl: 7, data: [0, 0, 0, 1, 0, 80] + www.wire),
            ResourceRecord(name: com, type: .txt, ttl: 7, data: [1, 97]),
        ]
        message.authorities = [
            ResourceRecord(name: com, type: .soa, ttl: 9, data: www.wire + com.wire + [UInt8](repeating: 1, count: 20))
        ]
        message.additionals = [ResourceRecord(name: com, type: .a, ttl: 1, data: [1, 2, 3, 4])]
        let bytes: [UInt8] = MessageWriter(message).bytes
        let read = try DNSMessage(bytes.span)
        #expect(read == message)
        // Compression earned something: fourteen names of this length are in it.
        #expect(bytes.count < 200)
    }

    @Test func `pointers that do not lead backwards end reading`() {
        let head: [UInt8] = [0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for body: [UInt8] in [[0xc0, 12, 0, 1, 0, 1], [1, 97, 0xc0, 12, 0, 1, 0, 1], [0xc0, 14, 0xc0, 12, 0, 1]] {
            #expect(throws: DNSError.self) { try decode(head + body) }
        }
    }

    @Test func `damaged messages are read or refused, and what is read can be written`() throws {
        var random = SeededRandom(state: 42)
        var message = DNSMessage()
        let name = try #require(DNSName("a.b.example"))
        message.questions = [DNSMessage.Question(name: name, type: .a)]
        message.answers = (0..<3).map { ResourceRecord(name: name, type: .a, ttl: $0, data: [1, 2, 3, 4]) }
        message.answers.append(ResourceRecord(name: name, type: .srv, ttl: 1, data: [0, 0, 0, 0, 0, 1] + name.wire))
        message.authorities = [
            ResourceRecord(
                name: name, type: .soa, ttl: 9, data: name.wire + name.wire + [UInt8](repeating: 1, count: 20))
        ]
        message.additionals = [
            ResourceRecord(name: DNSName(), type: .opt, recordClass: 1232, ttl: 0, data: [0, 3, 0, 0])
        ]
        let whole: [UInt8] = MessageWriter(message).bytes
        let server = try Server(upstreams: ["192.0.2.1"])
        var readable: Int = 0
        for _ in 0..<20_000 {
            var bytes: [UInt8] = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                case 1 where bytes.count > 1:
                    bytes.removeLast(Int.random(in: 1...min(4, bytes.count - 1), using: &random))
                default:
                    bytes.insert(
                        UInt8.random(in: 0...255, using: &random), at: Int.random(in: 0..<bytes.count, using: &random))
                }
            }
            if let read = try? DNSMessage(bytes.span) {
                readable += 1
                let again = try DNSMessage(MessageWriter(read).bytes.span)
                #expect(again == read)
                _ = StoredAnswer(read, maximumTTL: 30)
            }
            // As a question: never a crash, and every answer is a message.
            if bytes.count > 2 { bytes[2] &= 0x7f }
            if server.send(bytes) == .written { _ = try DNSMessage(server.engine.written.span) }
            server.now += .seconds(10)
            server.engine.forwarder.expire(now: server.now)
            _ = server.engine.takeActions()
        }
        #expect(readable > 100)
    }
}
