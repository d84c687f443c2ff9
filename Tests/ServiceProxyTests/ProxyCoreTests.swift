import Netfilter
import ServiceProxy
import Testing

/// The next plan, which there must be.
private func next(_ core: inout ProxyCore) throws -> ProxyCore.Plan {
    let plan: ProxyCore.Plan? = core.plan()
    return try #require(plan)
}

@Suite struct ProxyCoreTests {
    private var node: NodeFacts {
        var node = NodeFacts(name: "a")
        node.families = [.ip4]
        return node
    }

    private func started(_ services: [ServiceFacts], _ slices: [String: SliceFacts] = [:]) throws -> ProxyCore {
        var core = ProxyCore(node)
        for facts in services { core.set(facts, facts.name) }
        for (name, slice) in slices { core.set(slice, "s", of: ServiceName("shop", name)) }
        let plan = try next(&core)
        #expect(plan.isComplete)
        return core
    }

    @Test func `the first transaction replaces the table and holds everything`() throws {
        var core = ProxyCore(node)
        core.set(.web(), ServiceName("shop", "web"))
        core.set(.web("10.0.0.1", "10.0.0.2"), "s", of: ServiceName("shop", "web"))
        let plan = try next(&core)
        let first: [TableTransaction.Operation] = plan.transaction.steps.prefix(3).map(\.operation)
        #expect(first == [.addTable, .deleteTable, .addTable])
        let lines: [String] = plan.transaction.lines.filter { !$0.contains(" chain ") || $0.contains("pick") }
        #expect(
            lines == [
                "+ chain pick-2",
                // 10.96.0.7, TCP, 80, index → address, port
                "+ service-endpoints 0a600007060000000050000000000000: 0a0000011f900000",
                "+ service-endpoints 0a600007060000000050000001000000: 0a0000021f900000",
                "+ services 0a6000070600000000500000: goto(\"pick-2\")",
                "+ cluster-addresses 0a600007",
            ])
        #expect(!core.hasChanges)
    }

    @Test func `an endpoint more changes its class and adds one element`() throws {
        var core: ProxyCore = try started(
            [.web(), .web("other") { $0.clusterAddresses = [address("10.96.0.8")] }], ["web": .web("10.0.0.1")])
        core.set(.web("10.0.0.1", "10.0.0.2"), "s", of: ServiceName("shop", "web"))
        let plan = try next(&core)
        #expect(!plan.isComplete && plan.services == [ServiceName("shop", "web")])
        #expect(
            plan.transaction.lines == [
                "+ chain pick-2",
                "- services 0a6000070600000000500000",
                "+ service-endpoints 0a600007060000000050000001000000: 0a0000021f900000",
                "+ services 0a6000070600000000500000: goto(\"pick-2\")",
            ])
    }

    @Test func `the last endpoint's end makes the service one that refuses`() throws {
        var core: ProxyCore = try started([.web()], ["web": .web("10.0.0.1")])
        core.set(.web([]), "s", of: ServiceName("shop", "web"))
        let lines: [String] = try next(&core).transaction.lines
        #expect(
            lines == [
                "- service-endpoints 0a600007060000000050000000000000",
                "- services 0a6000070600000000500000",
                "+ rejected 0a6000070600000000500000",
            ])
    }

    @Test func `what does not matter changes nothing`() throws {
        var core: ProxyCore = try started([.web()], ["web": .web("10.0.0.1")])
        core.set(.web(), ServiceName("shop", "web"))
        #expect(!core.hasChanges)
        core.set(
            .web([
                EndpointFacts(address("10.0.0.1")),
                EndpointFacts(address("10.0.0.2"), isReady: false, isServing: false),
            ]), "s", of: ServiceName("shop", "web"))
        let isEmpty: Bool = try next(&core).transaction.isEmpty
        #expect(isEmpty)
    }

    @Test func `of two services with one external address the first has it, and the other inherits it`() throws {
        let external: [InternetAddress] = [address("192.0.2.5")]
        var core: ProxyCore = try started(
            [
                .web("a") { $0.externalAddresses = external },
                .web("b") {
                    $0.clusterAddresses = [address("10.96.0.8")]
                    $0.externalAddresses = external
                },
            ], ["a": .web("10.0.0.1"), "b": .web("10.0.0.2")])
        core.set(nil as ServiceFacts?, ServiceName("shop", "a"))
        let lines: [String] = try next(&core).transaction.lines
        #expect(lines.contains("- service-endpoints c0000205060000000050000000000000"))
        #expect(lines.contains("+ service-endpoints c0000205060000000050000000000000: 0a0000021f900000"))
        #expect(lines.contains("+ masquerade c00002050600000000500000"))
        core.set(nil as ServiceFacts?, ServiceName("shop", "b"))
        let last: [String] = try next(&core).transaction.lines
        #expect(
            last.contains("- services c00002050600000000500000")
                && last.contains("- masquerade c00002050600000000500000"))
        #expect(!last.contains { $0.hasPrefix("+") })
    }

    @Test func `clients that stay have chains of their own, which follow the endpoints`() throws {
        let facts: ServiceFacts = .web { $0.affinitySeconds = 60 }
        var core: ProxyCore = try started([facts], ["web": .web("10.0.0.1", "fd00::1")])
        core.set(.web("10.0.0.2"), "s", of: facts.name)
        let lines: [String] = try next(&core).transaction.lines
        #expect(
            lines == [
                "+ chain stay-1-10.0.0.2.8080", "0 chain stay-1", "0 chain stay-1-10.0.0.1.8080",
                "- chain stay-1-10.0.0.1.8080",
            ])
        core.set(nil as ServiceFacts?, facts.name)
        let last: [String] = try next(&core).transaction.lines
        #expect(
            last.suffix(4) == [
                "0 chain stay-1", "- chain stay-1", "0 chain stay-1-10.0.0.2.8080", "- chain stay-1-10.0.0.2.8080",
            ])
    }

    @Test func `after a failure everything is written again`() throws {
        var core: ProxyCore = try started([.web()], ["web": .web("10.0.0.1")])
        core.forget()
        #expect(core.hasChanges)
        let isComplete: Bool = try next(&core).isComplete
        #expect(isComplete)
        let moved: Bool = core.move(to: "east")
        let stayed: Bool = core.move(to: "east")
        #expect(moved && !stayed && core.hasChanges)
    }

    @Test func `a service of a thousand ports and endpoints fits into messages`() throws {
        var core = ProxyCore(node)
        core.set(
            .web { facts in facts.ports = (1...50).map { .init(name: "http", number: UInt16($0)) } },
            ServiceName("shop", "web"))
        core.set(
            .web((0..<200).map { EndpointFacts(address("10.0.1.\($0)"), isLocal: true) }), "s",
            of: ServiceName("shop", "web"))
        let transaction: TableTransaction = try next(&core).transaction
        #expect(transaction.elementCount > 10_000)
        let encoded: TableTransaction.Encoded = transaction.encoded(firstSequence: 1)
        let messages: [NetlinkReader.Message] = NetlinkReader.messages(encoded.bytes)
        #expect(messages.count == encoded.stepOfMessage.count + 2)
        #expect(messages.allSatisfy { $0.body.count < 65_536 })
        #expect(encoded.step(messages[1].sequence) == 0 && encoded.step(messages[0].sequence) == nil)
    }

    @Test func `health checks count local endpoints that are ready`() {
        var core = ProxyCore(node)
        let facts: ServiceFacts = .web {
            $0.isExternalLocal = true
            $0.healthCheckPort = 32_000
        }
        core.set(facts, facts.name)
        core.set(
            .web([EndpointFacts(address("10.0.0.1"), isLocal: true), EndpointFacts(address("10.0.0.2"))]), "s",
            of: facts.name)
        #expect(core.healthChecks() == [32_000: HealthCheck(service: facts.name, localEndpoints: 1)])
    }
}

@Suite struct DatagramTests {
    private func connection(to: String, _ port: UInt16, answeredBy: String, _ answering: UInt16, transport: UInt8 = 17)
        -> TrackedConnection
    {
        TrackedConnection(
            protocolNumber: transport, source: address("10.244.0.9"), sourcePort: 5000, destination: address(to),
            destinationPort: port, answering: address(answeredBy), answeringPort: answering)
    }

    @Test func `only connections of frontends whose endpoints went or first came are stale`() throws {
        var node = NodeFacts(name: "a")
        node.families = [.ip4]
        var core = ProxyCore(node)
        let facts: ServiceFacts = .web {
            $0.ports = [.init(name: "http", transport: .udp, number: 53, nodePort: 30053)]
        }
        func slice(_ addresses: [String]) -> SliceFacts {
            SliceFacts(
                ports: [.init(name: "http", transport: .udp, number: 53)],
                endpoints: addresses.map { EndpointFacts(address($0)) })
        }
        core.set(facts, facts.name)
        core.set(slice(["10.0.0.1"]), "s", of: facts.name)
        _ = core.plan()
        core.set(slice(["10.0.0.1", "10.0.0.2"]), "s", of: facts.name)
        let unchanged: DatagramFrontends = try next(&core).datagrams
        #expect(unchanged.isEmpty, "one more is no reason to forget")
        core.set(slice(["10.0.0.2"]), "s", of: facts.name)
        let datagrams: DatagramFrontends = try next(&core).datagrams
        #expect(datagrams.isStale(connection(to: "10.96.0.7", 53, answeredBy: "10.0.0.1", 53)))
        #expect(!datagrams.isStale(connection(to: "10.96.0.7", 53, answeredBy: "10.0.0.2", 53)))
        #expect(datagrams.isStale(connection(to: "10.96.0.7", 53, answeredBy: "10.96.0.7", 53)), "nobody led it on")
        #expect(datagrams.isStale(connection(to: "192.0.2.1", 30053, answeredBy: "10.0.0.1", 53)))
        #expect(
            !datagrams.isStale(connection(to: "192.0.2.1", 30053, answeredBy: "192.0.2.1", 30053)),
            "somebody else's port")
        #expect(!datagrams.isStale(connection(to: "10.96.0.7", 53, answeredBy: "10.0.0.1", 53, transport: 6)))
        #expect(!datagrams.isStale(connection(to: "8.8.8.8", 53, answeredBy: "8.8.8.8", 53)))
    }
}

@Suite struct HealthTests {
    @Test func `a proxy that has not written a change for two minutes is not healthy`() {
        let minute: Int64 = 60_000_000
        #expect(!ProxyHealth(lastSync: 0, lastQueued: 0, now: minute).isHealthy)
        #expect(ProxyHealth(lastSync: 5 * minute, lastQueued: 4 * minute, now: 99 * minute).isHealthy)
        #expect(ProxyHealth(lastSync: 5 * minute, lastQueued: 6 * minute, now: 7 * minute).isHealthy)
        let late = ProxyHealth(
            lastSync: 1_732_830_000_000_000, lastQueued: 1_732_830_000_000_001, now: 1_732_840_000_000_000)
        #expect(!late.isHealthy)
        #expect(
            late.body
                == "{\"lastUpdated\": \"2024-11-28 21:40:00 +0000 UTC\",\"currentTime\": \"2024-11-29 00:26:40 +0000 UTC\"}"
        )
    }

    @Test func `load balancers hear in upstream's form`() {
        #expect(
            HealthCheck(service: ServiceName("shop", "web"), localEndpoints: 2).body.contains("\"localEndpoints\": 2,"))
    }
}
