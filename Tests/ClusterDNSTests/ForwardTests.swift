import ClusterDNS
import Testing

@Suite struct ForwardTests {
    private typealias Action = Forwarder<String>.Action

    private struct Asked {
        var exchange: Int
        var upstream: String
        var isStream: Bool
        var message: DNSMessage
    }

    private func asked(_ actions: [Action]) throws -> [Asked] {
        try actions.compactMap { action in
            guard case .ask(let exchange, let upstream, let isStream, let bytes) = action else { return nil }
            return Asked(
                exchange: exchange, upstream: upstream.address.description, isStream: isStream,
                message: try DNSMessage(bytes.span))
        }
    }

    private func replies(_ actions: [Action]) throws -> [(client: String, message: DNSMessage)] {
        try actions.compactMap { action in
            guard case .reply(let client, let bytes, _, _) = action else { return nil }
            return (client, try DNSMessage(bytes.span))
        }
    }

    /// An answer to what an upstream was asked.
    private func answer(
        _ asked: Asked, code: UInt16 = 0, ttl: UInt32 = 20, count: Int = 1,
        _ change: (inout DNSMessage) -> Void = { _ in }
    ) -> [UInt8] {
        var message: DNSMessage = asked.message
        message.flags = MessageFlags(rawValue: 0x8180 | code)
        let name: DNSName = message.questions[0].name
        if code == 0 {
            message.answers = (0..<count).map {
                ResourceRecord(name: name, type: .a, ttl: ttl, data: [192, 0, 2, UInt8($0 % 256)])
            }
        }
        change(&message)
        return MessageWriter(message).bytes
    }

    @Test func `an answer goes to who asked, in the case of the question`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        #expect(server.send(try question("WWW.Example.com", id: 77), from: "a") == .waiting)
        let ask: Asked = try #require(try asked(server.engine.takeActions()).first)
        #expect(ask.upstream == "192.0.2.1" && !ask.isStream)
        #expect(ask.message.questions.first?.name.description == "www.example.com.")
        #expect(ask.message.additionals.first?.recordClass == 1232)
        #expect(server.deliver(answer(ask), to: ask.exchange))
        let (client, reply) = try #require(try replies(server.engine.takeActions()).first)
        #expect(client == "a" && reply.id == 77 && reply.additionals.isEmpty)
        #expect(reply.answers.map(line) == ["WWW.Example.com. A 192.0.2.0"])
        #expect(!reply.flags.has(MessageFlags.authoritative))
        // What is left is the question that looks for loops.
        #expect(server.engine.forwarder.lookupCount == 1)
    }

    @Test func `equal questions are asked once, and different ones are not mixed`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        _ = server.send(try question("example.com"), from: "a")
        _ = server.send(try question("EXAMPLE.com", id: 8), from: "b")
        _ = server.send(try question("example.com", .aaaa), from: "c")
        _ = server.send(try question("example.com", edns: (1232, true, 0)), from: "d")
        let asks: [Asked] = try asked(server.engine.takeActions())
        #expect(asks.count == 3)
        server.deliver(answer(asks[0]), to: asks[0].exchange)
        #expect(try replies(server.engine.takeActions()).map(\.client) == ["a", "b"])
    }

    @Test func `answers are kept as long as they hold, and age`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        _ = server.send(try question("example.com"))
        let ask: Asked = try #require(try asked(server.engine.takeActions()).first)
        server.deliver(answer(ask, ttl: 12), to: ask.exchange)
        server.now += .seconds(5)
        let kept: DNSMessage = try server.answer(try question("Example.COM", id: 3, edns: (1232, false, 0)))
        #expect(kept.id == 3 && kept.answers.map(\.ttl) == [7] && kept.additionals.count == 1)
        server.now += .seconds(7)
        #expect(server.send(try question("example.com")) == .waiting)
        #expect(server.engine.counters.cacheHits == 1 && server.engine.counters.cacheMisses == 2)
    }

    @Test func `a long TTL is cut to thirty seconds`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        _ = server.send(try question("example.com"))
        let ask: Asked = try #require(try asked(server.engine.takeActions()).first)
        server.deliver(answer(ask, ttl: 86400), to: ask.exchange)
        #expect(try replies(server.engine.takeActions()).first?.message.answers.first?.ttl == 30)
        server.now += .seconds(30)
        #expect(server.send(try question("example.com")) == .waiting)
    }

    @Test func `absence is kept as long as its zone says, and not at all without a word`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        for hasAuthority in [true, false] {
            let name: String = "no-\(hasAuthority).example.com"
            _ = server.send(try question(name))
            let ask: Asked = try #require(try asked(server.engine.takeActions()).first)
            let reply: [UInt8] = try answer(ask, code: 3) { message in
                guard hasAuthority else { return }
                let zone = try #require(DNSName("example.com"))
                message.authorities = [
                    ResourceRecord(
                        name: zone, type: .soa, ttl: 25,
                        data: zone.wire + zone.wire + [UInt8](repeating: 0, count: 19) + [9])
                ]
            }
            server.deliver(reply, to: ask.exchange)
            #expect(try replies(server.engine.takeActions()).first?.message.code == 3)
            server.now += .seconds(8)
            #expect((try? server.ask(name))?.code == (hasAuthority ? 3 : nil))
            server.now += .seconds(1)
            _ = server.engine.takeActions()
        }
        #expect(server.send(try question("no-true.example.com")) == .waiting)
    }

    private func answer(_ asked: Asked, code: UInt16, _ change: (inout DNSMessage) throws -> Void) throws -> [UInt8] {
        var message: DNSMessage = asked.message
        message.flags = MessageFlags(rawValue: 0x8180 | code)
        try change(&message)
        return MessageWriter(message).bytes
    }

    @Test func `a truncated answer is asked for again over TCP`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        _ = server.send(try question("example.com"))
        let ask: Asked = try #require(try asked(server.engine.takeActions()).first)
        let cut: [UInt8] = answer(ask) { $0.flags = MessageFlags(rawValue: 0x8380) }
        server.deliver(cut, to: ask.exchange)
        let again: Asked = try #require(try asked(server.engine.takeActions()).first)
        #expect(again.isStream && again.upstream == "192.0.2.1")
        server.deliver(answer(again, count: 60), to: again.exchange)
        // The client asked over UDP without EDNS: its answer is cut, with the mark.
        let (_, reply) = try #require(try replies(server.engine.takeActions()).first)
        #expect(reply.flags.has(MessageFlags.truncated) && reply.answers.count == 30)
        let whole: DNSMessage = try server.ask("example.com", isStream: true)
        #expect(whole.answers.count == 60)
    }

    @Test func `a server that is silent or fails gives way to the next`() throws {
        let server = try Server(upstreams: ["192.0.2.1", "192.0.2.2"])
        _ = server.send(try question("example.com"))
        let first: Asked = try #require(try asked(server.engine.takeActions()).first)
        server.now = try #require(server.engine.forwarder.nextDeadline)
        server.engine.forwarder.expire(now: server.now)
        let second: Asked = try #require(try asked(server.engine.takeActions()).first)
        #expect(first.upstream == "192.0.2.1" && second.upstream == "192.0.2.2")
        // Too late counts no more.
        #expect(!server.deliver(answer(first), to: first.exchange))
        server.deliver(answer(second, code: 2), to: second.exchange)
        let third: Asked = try #require(try asked(server.engine.takeActions()).first)
        #expect(third.upstream == "192.0.2.1")
        server.deliver(answer(third), to: third.exchange)
        #expect(try replies(server.engine.takeActions()).first?.message.code == 0)
    }

    @Test func `when nobody answers clients learn it, and soon`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        _ = server.send(try question("example.com"))
        var attempts: Int = 0
        var replied: [DNSMessage] = []
        let start: Duration = server.now
        while replied.isEmpty {
            let actions: [Action] = server.engine.takeActions()
            attempts += try asked(actions).count
            replied = try replies(actions).map(\.message)
            guard replied.isEmpty else { break }
            server.now = try #require(server.engine.forwarder.nextDeadline)
            server.engine.forwarder.expire(now: server.now)
        }
        #expect(replied.map(\.code) == [2] && attempts == 2)
        #expect(server.now - start < .seconds(5))
        // Now it is known to be down: one question tries, the others need not wait.
        #expect(server.send(try question("b.example"), from: "b") == .waiting)
        #expect(server.send(try question("c.example"), from: "c") == .waiting)
        let actions: [Action] = server.engine.takeActions()
        #expect(try replies(actions).map { $0.client } == ["c"])
        #expect(try replies(actions).map { $0.message.code } == [2])
        let probe: Asked = try #require(try asked(actions).first)
        server.deliver(answer(probe), to: probe.exchange)
        _ = server.engine.takeActions()
        #expect(server.send(try question("d.example")) == .waiting)
        #expect(try asked(server.engine.takeActions()).count == 1)
    }

    @Test func `without upstreams other names fail at once`() throws {
        let server = try Server()
        #expect(server.send(try question("example.com")) == .waiting)
        #expect(try replies(server.engine.takeActions()).first?.message.code == 2)
    }

    @Test func `answers that nobody asked for are not believed`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        _ = server.send(try question("example.com"))
        let ask: Asked = try #require(try asked(server.engine.takeActions()).first)
        let wrong: [[UInt8]] = [
            answer(ask) { $0.id &+= 1 }, answer(ask) { $0.flags = MessageFlags(rawValue: 0) },
            answer(ask) { $0.questions[0].type = .mx }, answer(ask) { $0.questions = [] }, [1, 2, 3],
            try answer(ask, code: 0) { $0.questions[0].name = try #require(DNSName("example.org")) },
        ]
        for bytes in wrong {
            #expect(!server.deliver(bytes, to: ask.exchange))
        }
        #expect(try replies(server.engine.takeActions()).isEmpty)
        #expect(server.deliver(answer(ask), to: ask.exchange))
    }

    @Test func `a server without EDNS is asked without`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        _ = server.send(try question("example.com"))
        let ask: Asked = try #require(try asked(server.engine.takeActions()).first)
        server.deliver(answer(ask, code: 1), to: ask.exchange)
        let again: Asked = try #require(try asked(server.engine.takeActions()).first)
        #expect(again.message.additionals.isEmpty)
    }

    @Test func `an upstream that leads back to us is left out`() throws {
        let server = try Server()
        server.engine.forwarder.setUpstreams([Upstream(try address("192.0.2.1"))], now: server.now)
        let probe: Asked = try #require(try asked(server.engine.takeActions()).first)
        let name: String = probe.message.questions[0].name.description
        #expect(try server.ask(name, .hinfo).code == 2)
        let looping: [String] = server.engine.takeActions().compactMap {
            if case .loop(let upstream) = $0 { upstream.description } else { nil }
        }
        #expect(looping == ["192.0.2.1:53"])
        _ = server.send(try question("example.com"))
        #expect(try replies(server.engine.takeActions()).first?.message.code == 2)
    }

    @Test func `an external name brings its addresses along`() throws {
        let server = try Server(upstreams: ["192.0.2.1"])
        let key = ServiceKey("shop", "out")
        _ = server.apply(
            .service(ZoneService(key, .alias(try #require(DNSName("www.Example.com")))), revision: 1), .complete)
        #expect(server.send(try question("Out.shop.svc.cluster.local", id: 5), from: "a") == .waiting)
        let ask: Asked = try #require(try asked(server.engine.takeActions()).first)
        #expect(ask.message.questions[0].name.description == "www.example.com.")
        server.deliver(answer(ask, ttl: 20), to: ask.exchange)
        let (_, reply) = try #require(try replies(server.engine.takeActions()).first)
        let wanted: [String] = [
            "Out.shop.svc.cluster.local. CNAME www.Example.com.", "www.example.com. A 192.0.2.0",
        ]
        #expect(reply.id == 5 && reply.answers.map(line) == wanted)
        server.now += .seconds(4)
        let kept: DNSMessage = try server.ask("out.shop.svc.cluster.local")
        #expect(kept.answers.map(\.ttl) == [30, 16])
    }

    @Test func `lookups and what is kept are bounded`() throws {
        var settings = Forwarder<String>.Settings()
        settings.lookupLimit = 2
        settings.waiterLimit = 2
        let server = try Server(upstreams: ["192.0.2.1"], settings: settings, cache: AnswerCache(entryLimit: 10))
        // The question that looks for loops is one of the two.
        for client in ["a", "b", "c"] { _ = server.send(try question("one.example"), from: client) }
        _ = server.send(try question("two.example"), from: "d")
        let actions: [Action] = server.engine.takeActions()
        #expect(try replies(actions).map(\.client) == ["c", "d"])
        #expect(try replies(actions).allSatisfy { $0.message.code == 5 })
        var cache = AnswerCache(entryLimit: 10)
        for number in 0..<100 {
            let query: Query = verdict(try question("n\(number).example")).query
            var message = DNSMessage()
            message.questions = [DNSMessage.Question(name: try #require(DNSName("n\(number).example")), type: .a)]
            message.answers = [ResourceRecord(name: message.questions[0].name, type: .a, ttl: 9, data: [1, 2, 3, 4])]
            cache.store(StoredAnswer(message, maximumTTL: 30), for: ForwardKey(query), now: .zero)
            #expect(cache.count <= 10)
            #expect(cache.find(ForwardKey(query), now: .seconds(8)) != nil)
            #expect(cache.find(ForwardKey(query), now: .seconds(9)) == nil)
        }
        #expect(cache.byteCount < 1000)
    }

    @Test func `servers are read from the node's file`() {
        let text: String = """
            # comment
            nameserver 10.0.0.2
            nameserver	fe80::1%eth0
            nameserver 10.0.0.2
            nameserver nonsense
            search example.com
            """
        #expect(Upstream.parse(resolvConf: text).map(\.description) == ["10.0.0.2:53", "[fe80::1%eth0]:53"])
    }
}
