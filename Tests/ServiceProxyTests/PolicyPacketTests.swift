import Glibc
import Netfilter
import NetfilterKernel
import NetworkPolicies
import Testing

/// Real packets in network namespaces of the test's own.
@Suite(.serialized, .enabled(if: geteuid() == 0, "network namespaces need root"))
struct PolicyPacketTests {
    private let lab: PacketLab
    private let namespaces: [String: [String: String]] = [
        "shop": ["kubernetes.io/metadata.name": "shop"],
        "bank": ["kubernetes.io/metadata.name": "bank", "kind": "strict"],
    ]

    init() throws { lab = try PacketLab() }

    /// pod1 and pod2 in shop, pod3 in bank; each with its name as label `app`.
    private func pods(pod2Labels: [String: String] = ["app": "pod2"]) -> [PodFacts] {
        PacketLab.pods.map { pod in
            PodFacts(
                namespace: pod == "pod3" ? "bank" : "shop", labels: pod == "pod2" ? pod2Labels : ["app": pod],
                addresses: [PacketLab.address(pod), PacketLab.address6(pod)].compactMap { InternetAddress($0) },
                ports: [.init("web", .tcp, 8080)])
        }
    }

    private final class Written {
        var states: [InternetAddress.Family: TableState] = [:]
    }

    private let written = Written()

    private func apply(_ policies: [PolicyFacts], pods: [PodFacts]? = nil) throws {
        var transaction = TableTransaction()
        for family in InternetAddress.Family.allCases {
            let state: TableState = PolicyCompiler.compile(
                family, policies, pods ?? self.pods(), namespaces: namespaces)
            transaction.append(
                state.changes(from: written.states[family], in: Table(family, PolicyCompiler.table)))
            written.states[family] = state
        }
        try lab.kernel.apply(transaction)
    }

    private func policy(
        _ app: String, name: String = "policy", namespace: String = "shop", ingress: [PolicyFacts.Rule]? = nil,
        egress: [PolicyFacts.Rule]? = nil
    ) -> PolicyFacts {
        PolicyFacts(
            namespace: namespace, name: name, pods: LabelMatch(app.isEmpty ? [] : [.within("app", [app])]),
            ingress: ingress,
            egress: egress)
    }

    private func reaches(_ client: String, _ pod: String, six: Bool = false, isStream: Bool = true) -> Bool {
        let target: String = six ? PacketLab.address6(pod) : PacketLab.address(pod)
        if case .answered = lab.ask(from: client, target, 8080, isStream: isStream, milliseconds: 300) { return true }
        return false
    }

    /// Who reaches pod1 over TCP.
    private func reachers(_ clients: [String] = ["pod2", "pod3", "outside", "node"]) -> [String] {
        clients.filter { reaches($0, "pod1") }
    }

    @Test func `default deny shuts out all but the pod's own node, in one direction or both`() throws {
        try apply([])
        #expect(reachers() == ["pod2", "pod3", "outside", "node"])
        try apply([policy("pod1", ingress: [])])
        #expect(reachers() == ["node"])
        #expect(!reaches("pod2", "pod1", six: true) && !reaches("pod2", "pod1", isStream: false))
        #expect(reaches("pod1", "pod2") && reaches("pod1", "pod3"), "only what comes in is bound")
        #expect(reaches("pod2", "pod3"), "nobody else is bound")
        try apply([policy("pod1", egress: [])])
        #expect(reachers() == ["pod2", "pod3", "outside", "node"])
        #expect(!reaches("pod1", "pod2") && !reaches("pod1", "pod3", six: true))
        try apply([policy("", ingress: []), policy("", namespace: "bank", egress: [])])
        #expect(!reaches("pod2", "pod1") && !reaches("pod3", "pod2") && !reaches("pod1", "pod2"))
        try apply([])
        #expect(reachers() == ["pod2", "pod3", "outside", "node"])
        #expect(try !lab.output("nft list ruleset").contains("swiftlet-policies"))
    }

    @Test func `pods are meant by labels, within the namespace or those that are named`() throws {
        let own = PolicyFacts.Peer.pods(LabelMatch([.within("app", ["pod2", "pod3"])]), namespaces: nil)
        try apply([policy("pod1", ingress: [.init(peers: [own])])])
        #expect(reachers(["pod2", "pod3", "outside"]) == ["pod2"])
        #expect(reaches("pod2", "pod1", six: true))
        let strict = PolicyFacts.Peer.pods(LabelMatch(), namespaces: LabelMatch([.within("kind", ["strict"])]))
        try apply([policy("pod1", ingress: [.init(peers: [strict])])])
        #expect(reachers(["pod2", "pod3", "outside"]) == ["pod3"])
        let others = PolicyFacts.Peer.pods(LabelMatch([.outside("app", ["pod3"])]), namespaces: LabelMatch())
        try apply([policy("pod1", ingress: [.init(peers: [others])])])
        #expect(reachers(["pod2", "pod3", "outside"]) == ["pod2"])
        // A label that changes changes who may.
        try apply([policy("pod1", ingress: [.init(peers: [own])])], pods: pods(pod2Labels: ["app": "other"]))
        #expect(reachers(["pod2", "pod3"]) == [])
        // Several policies allow what any of them does.
        try apply([
            policy("pod1", name: "a", ingress: [.init(peers: [own])]),
            policy("pod1", name: "b", ingress: [.init(peers: [strict])]),
        ])
        #expect(reachers(["pod2", "pod3", "outside"]) == ["pod2", "pod3"])
    }

    @Test func `blocks of addresses are meant without their exceptions`() throws {
        func block(_ text: String, _ except: String...) throws -> PolicyFacts.Peer {
            .block(try #require(IPPrefix(text)), except: except.compactMap { IPPrefix($0) })
        }
        try apply([policy("pod1", ingress: [.init(peers: [try block("192.0.2.0/24")])])])
        #expect(reachers(["pod2", "outside"]) == ["outside"])
        try apply([policy("pod1", ingress: [.init(peers: [try block("0.0.0.0/0", "192.0.2.0/28", "10.244.0.13/32")])])])
        #expect(reachers(["pod2", "pod3", "outside"]) == ["pod2"])
        #expect(!reaches("pod2", "pod1", six: true), "the block is of IPv4")
        try apply([policy("pod1", egress: [.init(peers: [try block("fd00:244::12/128")])])])
        #expect(reaches("pod1", "pod2", six: true) && !reaches("pod1", "pod2") && !reaches("pod1", "pod3", six: true))
    }

    @Test func `ports are meant by number, range, name and protocol`() throws {
        for (ports, tcp, udp) in [
            ([.range(.tcp, 8080...8080)], true, false), ([.range(.udp, 8080...8080)], false, true),
            ([.range(.tcp, 80...80)], false, false), ([.range(.tcp, 8000...9000)], true, false),
            ([.range(.tcp, 8081...9000), .range(.tcp, 1...8079)], false, false), ([.every(.udp)], false, true),
            ([.named(.tcp, "web")], true, false), ([.named(.tcp, "nothing")], false, false),
            ([.range(.tcp, 80...80), .range(.udp, 8080...8080), .named(.tcp, "web")], true, true),
        ] as [([PolicyFacts.Port], Bool, Bool)] {
            try apply([policy("pod1", ingress: [.init(ports: ports)])])
            #expect(reaches("pod2", "pod1") == tcp, "\(ports)")
            #expect(reaches("pod2", "pod1", isStream: false) == udp, "\(ports)")
            let peer = PolicyFacts.Peer.pods(LabelMatch([.within("app", ["pod1"])]), namespaces: nil)
            try apply([policy("pod2", egress: [.init(peers: [peer], ports: ports)])])
            #expect(reaches("pod2", "pod1") == tcp, "\(ports)")
            #expect(!reaches("pod2", "pod3"))
        }
    }

    @Test func `a connection that stays allowed lives through changes, and one that is forbidden ends`() throws {
        let own = PolicyFacts.Peer.pods(LabelMatch([.within("app", ["pod2"])]), namespaces: nil)
        let server = try LongConnection(lab, to: "pod1", from: "pod2")
        #expect(server.exchange())
        try apply([policy("pod1", ingress: [.init(peers: [own])])])
        #expect(server.exchange())
        try apply([
            policy("pod1", ingress: [.init(peers: [own], ports: [.range(.tcp, 1...9999)])]),
            policy("", name: "none", ingress: []),
        ])
        #expect(server.exchange())
        try apply([policy("pod1", ingress: [])])
        #expect(!server.exchange())
    }
}
