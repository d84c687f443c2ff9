import Glibc
import Netfilter
import NetfilterKernel
import ServiceProxy
import Testing

/// Real packets in network namespaces of the test's own.
@Suite(.serialized, .enabled(if: geteuid() == 0, "network namespaces need root"))
struct ServicePacketTests {
    private let lab: PacketLab
    private let name = ServiceName("default", "web")
    private let cluster = "10.96.0.7"

    init() throws { lab = try PacketLab() }

    private func node(_ fill: (inout NodeFacts) -> Void = { _ in }) -> NodeFacts {
        var node = NodeFacts(name: "node")
        node.podRanges = [IPPrefix("10.244.0.0/16"), IPPrefix("fd00:244::/48")].compactMap { $0 }
        fill(&node)
        return node
    }

    private func service(_ fill: (inout ServiceFacts) -> Void = { _ in }) -> ServiceFacts {
        var facts = ServiceFacts(name)
        facts.ports = [
            .init(name: "http", number: 80, nodePort: 30080),
            .init(name: "dns", transport: .udp, number: 53, nodePort: 30053),
        ]
        facts.clusterAddresses = [InternetAddress(cluster), InternetAddress("fd00:96::7")].compactMap { $0 }
        fill(&facts)
        return facts
    }

    private func slice(
        _ pods: [String], six: Bool = false, isLocal: Bool = true, _ fill: (inout EndpointFacts) -> Void = { _ in }
    ) -> SliceFacts {
        let endpoints: [EndpointFacts] = pods.compactMap { pod in
            guard let address = InternetAddress(six ? PacketLab.address6(pod) : PacketLab.address(pod)) else {
                return nil
            }
            var endpoint = EndpointFacts(address, isLocal: isLocal)
            fill(&endpoint)
            return endpoint
        }
        return SliceFacts(
            ports: [
                .init(name: "http", number: 8080), .init(name: "dns", transport: .udp, number: 8080),
                .init(name: "signal", transport: .sctp, number: 8080),
            ], endpoints: endpoints)
    }

    private func apply(_ core: inout ProxyCore) throws {
        guard let plan = core.plan() else { return }
        try lab.kernel.apply(plan.transaction)
        for family in InternetAddress.Family.allCases {
            _ = try lab.kernel.removeConnections(family) { plan.datagrams.isStale($0) }
        }
    }

    private func core(
        _ facts: ServiceFacts, _ slices: [SliceFacts], node: NodeFacts? = nil
    ) throws -> ProxyCore {
        var core = ProxyCore(node ?? self.node())
        core.set(facts, facts.name)
        for (index, slice) in slices.enumerated() { core.set(slice, "slice-\(index)", of: facts.name) }
        try apply(&core)
        return core
    }

    @Test
    func `a cluster address leads to every endpoint, from pods, the node and outside, and pods keep their source`()
        throws
    {
        _ = try core(service(), [slice(["pod1", "pod2"]), slice(["pod1", "pod2"], six: true)])
        for client in ["pod3", "node", "outside"] {
            #expect(lab.answering(from: client, cluster, 80) == ["pod1", "pod2"])
            #expect(lab.answering(from: client, cluster, 53, isStream: false) == ["pod1", "pod2"])
            #expect(lab.answering(from: client, "fd00:96::7", 80) == ["pod1", "pod2"])
        }
        guard case .answered(_, let source) = lab.ask(from: "pod3", cluster, 80) else {
            Issue.record("no answer")
            return
        }
        #expect(source == "::ffff:10.244.0.13")
    }

    @Test func `a pod reaches itself through its service`() throws {
        _ = try core(service(), [slice(["pod1"]), slice(["pod1"], six: true)])
        #expect(lab.ask(from: "pod1", cluster, 80) == .answered(by: "pod1", seenAs: "::ffff:10.244.0.1"))
        #expect(lab.ask(from: "pod1", "fd00:96::7", 80) == .answered(by: "pod1", seenAs: "fd00:244::1"))
        #expect(
            lab.ask(from: "pod1", cluster, 53, isStream: false) == .answered(by: "pod1", seenAs: "::ffff:10.244.0.1"))
    }

    @Test func `without bridge filtering, pods of one bridge reach each other with the node's address`() throws {
        let lab = try PacketLab(bridgeFilters: false)
        var core = ProxyCore(node { $0.bridgeFilters = false })
        core.set(service(), name)
        core.set(slice(["pod1"]), "a", of: name)
        try lab.kernel.apply(core.plan()?.transaction ?? .init())
        #expect(lab.ask(from: "pod3", cluster, 80) == .answered(by: "pod1", seenAs: "::ffff:10.244.0.1"))
    }

    @Test func `a node port leads on from any address of the node's, but not from loopback`() throws {
        _ = try core(service(), [slice(["pod1", "pod2"]), slice(["pod1"], six: true)])
        for address in ["192.0.2.1", "10.244.0.1"] {
            #expect(lab.answering(from: "outside", address, 30080) == ["pod1", "pod2"])
            #expect(lab.answering(from: "pod3", address, 30080) == ["pod1", "pod2"])
            #expect(lab.answering(from: "node", address, 30080) == ["pod1", "pod2"])
        }
        #expect(lab.answering(from: "outside", "192.0.2.1", 30053, isStream: false) == ["pod1", "pod2"])
        #expect(lab.ask(from: "outside", "2001:db8::1", 30080) == .answered(by: "pod1", seenAs: "2001:db8::2"))
        #expect(lab.ask(from: "node", "127.0.0.1", 30080) == .refused)
        #expect(lab.ask(from: "outside", "192.0.2.1", 30081) == .refused)
    }

    @Test func `external and load balancer's addresses lead on, and a backend elsewhere gets the node's address`()
        throws
    {
        let facts: ServiceFacts = service {
            $0.externalAddresses = [InternetAddress("198.51.100.7")].compactMap { $0 }
            $0.balancerAddresses = [InternetAddress("198.51.100.8")].compactMap { $0 }
        }
        var core: ProxyCore = try core(facts, [slice(["pod1"])])
        for address in ["198.51.100.7", "198.51.100.8"] {
            for client in ["outside", "pod3", "node"] {
                #expect(lab.answering(from: client, address, 80, times: 3) == ["pod1"])
            }
        }
        #expect(lab.ask(from: "outside", "198.51.100.8", 80) == .answered(by: "pod1", seenAs: "::ffff:192.0.2.2"))
        core.set(slice(["pod1"], isLocal: false), "slice-0", of: name)
        try apply(&core)
        #expect(lab.ask(from: "outside", "198.51.100.8", 80) == .answered(by: "pod1", seenAs: "::ffff:10.244.0.1"))
    }

    @Test func `source ranges keep others from a load balancer's address only`() throws {
        var facts: ServiceFacts = service {
            $0.balancerAddresses = [InternetAddress("198.51.100.8")].compactMap { $0 }
            $0.allowedSources = [IPPrefix("203.0.113.0/24")].compactMap { $0 }
        }
        var core: ProxyCore = try core(facts, [slice(["pod1"])])
        #expect(lab.ask(from: "outside", "198.51.100.8", 80, milliseconds: 300) == .silence)
        #expect(lab.answering(from: "outside", "192.0.2.1", 30080, times: 1) == ["pod1"])
        facts.allowedSources = [IPPrefix("203.0.113.0/24"), IPPrefix("192.0.2.0/28")].compactMap { $0 }
        core.set(facts, name)
        try apply(&core)
        #expect(lab.answering(from: "outside", "198.51.100.8", 80, times: 1) == ["pod1"])
        facts.allowedSources = nil
        core.set(facts, name)
        try apply(&core)
        #expect(lab.answering(from: "outside", "198.51.100.8", 80, times: 1) == ["pod1"])
        #expect(try !lab.output("nft list ruleset").contains("sources-"))
    }

    @Test func `a client stays with its endpoint, until that is gone or the time is over`() throws {
        let facts: ServiceFacts = service { $0.affinitySeconds = 2 }
        var core: ProxyCore = try core(facts, [slice(["pod1", "pod2", "pod3"]), slice(["pod1", "pod2"], six: true)])
        let first: Set<String> = lab.answering(from: "outside", cluster, 80)
        #expect(first.count == 1)
        #expect(lab.answering(from: "outside", "192.0.2.1", 30080) == first)
        #expect(lab.answering(from: "outside", "fd00:96::7", 80).count == 1)
        let others: [String] = PacketLab.pods.filter { !first.contains($0) }
        core.set(slice(others), "slice-0", of: name)
        try apply(&core)
        let second: Set<String> = lab.answering(from: "outside", cluster, 80)
        #expect(second.count == 1 && second.isSubset(of: Set(others)))
        core.set(slice(PacketLab.pods), "slice-0", of: name)
        try apply(&core)
        #expect(lab.answering(from: "outside", cluster, 80) == second)
        // Each time that the bond has lapsed, one of three is drawn: 12 times the same by chance is 1 in 10^5.
        var drawn: Set<String> = []
        for _ in 0..<12 where drawn.count < 2 {
            poll(nil, 0, 2300)
            drawn.formUnion(lab.answering(from: "outside", cluster, 80, times: 2))
        }
        #expect(drawn.count > 1)
    }

    @Test func `without endpoints everyone is refused, and as soon as there is one nobody is`() throws {
        var core: ProxyCore = try core(
            service { $0.externalAddresses = [InternetAddress("198.51.100.7")].compactMap { $0 } }, [])
        for client in ["pod3", "node", "outside"] {
            #expect(lab.ask(from: client, cluster, 80) == .refused)
            // The kernel tells a sender of this node's own that it may not, before any answer could come.
            let refusal: Outcome = client == "node" ? .failed(EPERM) : .refused
            #expect(lab.ask(from: client, cluster, 53, isStream: false) == refusal)
            #expect(lab.ask(from: client, "fd00:96::7", 80) == .refused)
            #expect(lab.ask(from: client, "198.51.100.7", 80) == .refused)
            #expect(lab.ask(from: client, "192.0.2.1", 30080) == .refused)
        }
        core.set(slice(["pod1"]), "slice-0", of: name)
        try apply(&core)
        for client in ["pod3", "node", "outside"] {
            #expect(lab.answering(from: client, cluster, 80, times: 2) == ["pod1"])
            #expect(lab.answering(from: client, cluster, 53, times: 2, isStream: false) == ["pod1"])
            #expect(lab.ask(from: client, cluster, 81) == .refused, "a port that the service does not have")
        }
    }

    @Test func `policy Local leads to endpoints of this node only, and drops where there is none`() throws {
        var facts: ServiceFacts = service {
            $0.isExternalLocal = true
            $0.isInternalLocal = true
            $0.balancerAddresses = [InternetAddress("198.51.100.8")].compactMap { $0 }
        }
        var core: ProxyCore = try core(facts, [slice(["pod1"]), slice(["pod2"], isLocal: false)])
        #expect(lab.answering(from: "outside", "192.0.2.1", 30080) == ["pod1"])
        #expect(lab.answering(from: "outside", "198.51.100.8", 80) == ["pod1"])
        #expect(lab.answering(from: "pod3", cluster, 80) == ["pod1"])
        #expect(lab.answering(from: "pod3", "198.51.100.8", 80) == ["pod1", "pod2"], "pods are not outside")
        #expect(lab.answering(from: "node", "192.0.2.1", 30080) == ["pod1", "pod2"], "the node is not outside")
        #expect(lab.ask(from: "outside", "192.0.2.1", 30080) == .answered(by: "pod1", seenAs: "::ffff:192.0.2.2"))
        core.set(nil as SliceFacts?, "slice-0", of: name)
        try apply(&core)
        #expect(lab.ask(from: "outside", "192.0.2.1", 30080, milliseconds: 300) == .silence)
        #expect(lab.ask(from: "pod3", cluster, 80, milliseconds: 300) == .silence)
        #expect(lab.answering(from: "pod3", "198.51.100.8", 80, times: 3) == ["pod2"])
        facts.isExternalLocal = false
        facts.isInternalLocal = false
        core.set(facts, name)
        try apply(&core)
        #expect(lab.answering(from: "outside", "192.0.2.1", 30080, times: 3) == ["pod2"])
        #expect(lab.answering(from: "pod3", cluster, 80, times: 3) == ["pod2"])
    }

    @Test func `the node's own servers are reached at the node's own ports, whatever services say`() throws {
        let facts: ServiceFacts = service {
            $0.balancerAddresses = [address("192.0.2.1"), address("2001:db8::1")]
            $0.ports[0].number = 6443
            $0.ports[0].nodePort = 30443
        }
        lab.serve("node", name: "own", port: 6443)
        lab.serve("node", name: "own", port: 30443)
        _ = try core(facts, [slice(["pod1"]), slice(["pod1"], six: true)])
        #expect(lab.answering(from: "outside", "192.0.2.1", 6443, times: 3) == ["pod1"], "without the guard")
        let guarded: NodeFacts = node { node in
            node.addresses = [address("192.0.2.1"), address("2001:db8::1")]
            node.ownPorts = [NodeFacts.OwnPort(.tcp, 6443), NodeFacts.OwnPort(.tcp, 30443)]
        }
        _ = try core(facts, [slice(["pod1"]), slice(["pod1"], six: true)], node: guarded)
        for client in ["outside", "pod3", "node"] {
            for place in ["192.0.2.1", "2001:db8::1"] {
                #expect(lab.answering(from: client, place, 6443, times: 2) == ["own"])
                #expect(lab.answering(from: client, place, 30443, times: 2) == ["own"])
            }
            // Only the node's addresses are guarded, and other ports are led on.
            #expect(lab.answering(from: client, cluster, 6443, times: 2) == ["pod1"])
            #expect(lab.answering(from: client, "192.0.2.1", 53, times: 2, isStream: false) == ["pod1"])
        }
    }

    @Test(arguments: [
        ("PreferClose", "pod1 pod2"), ("PreferSameZone", "pod1 pod2"), ("PreferSameNode", "pod1"),
        ("", "pod1 pod2 pod3"),
    ])
    func `packets stay where a service's traffic distribution wants them, as long as somebody serves there`(
        distribution: String, near: String
    ) throws {
        let maker = SliceMaker(distribution)
        var node: NodeFacts = self.node()
        node.zone = "east"
        var core = ProxyCore(node)
        core.set(service(), name)
        core.set(try maker.slice(pods: ["pod1": "node", "pod2": "near", "pod3": "far"]), "slice-0", of: name)
        try apply(&core)
        let all: Set<String> = Set(near.split(separator: " ").map { String($0) })
        #expect(lab.answering(from: "node", cluster, 80, times: 40) == all)
        #expect(lab.answering(from: "outside", cluster, 80, times: 40) == all)
        #expect(lab.answering(from: "outside", cluster, 53, times: 40, isStream: false) == all)
        // Where nobody is near, the others serve.
        core.set(try maker.slice(pods: ["pod3": "far"]), "slice-0", of: name)
        try apply(&core)
        #expect(lab.answering(from: "outside", cluster, 80, times: 3) == ["pod3"])
    }

    @Test func `packets to addresses of services that none has go nowhere, but the node keeps its own`() throws {
        _ = try lab.output("ip address add 10.96.0.10/32 dev lo")
        lab.serve("node", name: "own", port: 5353)
        lab.serve("outside", name: "astray", port: 80)
        _ = try lab.output("ip route add 10.96.0.0/24 via 192.0.2.2")
        try PacketLab.run("ip -n \(lab.prefix)outside address add 10.96.0.99/32 dev lo")
        var core: ProxyCore = try core(service(), [slice(["pod1"])])
        #expect(lab.answering(from: "pod3", "10.96.0.99", 80, times: 1) == ["astray"], "without a range")
        let ranges: [IPPrefix] = ["10.96.0.0/16", "fd00:96::/112"].compactMap { IPPrefix($0) }
        let isNew: Bool = core.set(serviceRanges: ranges)
        let isNewAgain: Bool = core.set(serviceRanges: ranges)
        #expect(isNew && !isNewAgain)
        try apply(&core)
        for client in ["pod3", "node"] {
            #expect(lab.ask(from: client, "10.96.0.99", 80, milliseconds: 300) == .silence)
            #expect(lab.answering(from: client, "10.96.0.10", 5353, times: 1) == ["own"])
            #expect(lab.answering(from: client, cluster, 80, times: 1) == ["pod1"])
        }
    }

    @Test func `SCTP is led on`() throws {
        let facts: ServiceFacts = service { $0.ports.append(.init(name: "signal", transport: .sctp, number: 99)) }
        _ = try core(facts, [slice(["pod1"])])
        #expect(lab.sctpArrives(from: "pod3", cluster, 99, at: "pod1"))
        #expect(lab.sctpArrives(from: "outside", cluster, 99, at: "pod1"))
        #expect(!lab.sctpArrives(from: "outside", cluster, 98, at: "pod1"))
    }

    @Test func `a client that keeps its UDP port follows the endpoints`() throws {
        var core: ProxyCore = try core(service(), [slice(["pod1"])])
        #expect(
            lab.ask(from: "pod3", cluster, 53, isStream: false, sourcePort: 5000)
                == .answered(by: "pod1", seenAs: "::ffff:10.244.0.13"))
        core.set(slice(["pod2"]), "slice-0", of: name)
        try apply(&core)
        #expect(
            lab.ask(from: "pod3", cluster, 53, isStream: false, sourcePort: 5000)
                == .answered(by: "pod2", seenAs: "::ffff:10.244.0.13"))
        core.set(slice([]), "slice-0", of: name)
        try apply(&core)
        #expect(lab.ask(from: "pod3", cluster, 53, isStream: false, sourcePort: 5000) == .refused)
        core.set(slice(["pod1"]), "slice-0", of: name)
        try apply(&core)
        #expect(
            lab.ask(from: "pod3", cluster, 53, isStream: false, sourcePort: 5000)
                == .answered(by: "pod1", seenAs: "::ffff:10.244.0.13"))
    }

    @Test func `foreign tables stay, an old table of ours is replaced, and services that go leave nothing`() throws {
        _ = try lab.output("nft add table ip other")
        _ = try lab.output("nft add table ip swiftlet-proxy")
        _ = try lab.output("nft add chain ip swiftlet-proxy stale")
        var core: ProxyCore = try core(service { $0.affinitySeconds = 60 }, [slice(["pod1", "pod2"])])
        var rules: String = try lab.output("nft list ruleset")
        #expect(rules.contains("table ip other") && !rules.contains("stale"))
        #expect(rules.contains("10.96.0.7") && rules.contains("stay-1-10.244.0.11.8080"))
        core.set(nil as ServiceFacts?, name)
        try apply(&core)
        rules = try lab.output("nft list ruleset")
        #expect(
            !rules.contains("10.96.0.7") && !rules.contains("10.244.0.11") && !rules.contains("30080")
                && !rules.contains("stay"))
    }

    @Test func `a refused transaction changes nothing, and flushed rules are written again`() throws {
        var core: ProxyCore = try core(service(), [slice(["pod1"])])
        let before: String = try lab.output("nft list ruleset")
        var wrong = TableTransaction()
        let table: Table = ProxyTable(.ip4, node()).table
        wrong.append(.addChain("more", nil), in: table)
        wrong.append(.addRule(chain: "nowhere", [.verdict(.accept)], comment: ""), in: table)
        #expect(throws: KernelNetfilter.Error.self) { try lab.kernel.apply(wrong) }
        #expect(try lab.output("nft list ruleset") == before)
        #expect(try lab.kernel.isPresent(table))
        _ = try lab.output("nft flush ruleset")
        #expect(try !lab.kernel.isPresent(table))
        core.forget()
        try apply(&core)
        #expect(lab.answering(from: "pod3", cluster, 80, times: 2) == ["pod1"])
    }
}
