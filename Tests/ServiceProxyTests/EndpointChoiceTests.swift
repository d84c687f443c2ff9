import Netfilter
import ServiceProxy
import Testing

@Suite struct EndpointChoiceTests {
    private func choice(_ endpoints: [EndpointFacts], zone: String = "east") -> EndpointChoice {
        var node = NodeFacts(name: "a")
        node.zone = zone
        return EndpointChoice(ServiceFacts.web().ports[0], .ip4, [.web(endpoints)], node)
    }

    private func hosts(_ backends: [Backend]) -> [String] { backends.map(\.address.description) }

    @Test func `ready endpoints are used, and local ones are known`() {
        let chosen: EndpointChoice = choice([
            EndpointFacts(address("10.0.0.2"), isLocal: true), EndpointFacts(address("10.0.0.1")),
            EndpointFacts(address("10.0.0.3"), isReady: false, isServing: false),
        ])
        #expect(hosts(chosen.cluster) == ["10.0.0.1", "10.0.0.2"])
        #expect(hosts(chosen.local) == ["10.0.0.2"] && chosen.hasAny)
        #expect(chosen.localAddresses == [address("10.0.0.2")])
    }

    @Test func `those that go but still serve are used only when none is ready`() {
        let leaving = EndpointFacts(address("10.0.0.3"), isReady: false, isTerminating: true, isLocal: true)
        let gone = EndpointFacts(address("10.0.0.4"), isReady: false, isServing: false, isTerminating: true)
        #expect(hosts(choice([leaving, gone]).cluster) == ["10.0.0.3"])
        let mixed: EndpointChoice = choice([leaving, gone, EndpointFacts(address("10.0.0.1"))])
        #expect(hosts(mixed.cluster) == ["10.0.0.1"])
        #expect(hosts(mixed.local) == ["10.0.0.3"], "on this node none is ready")
        #expect(!choice([gone]).hasAny)
    }

    @Test func `hints for zones count when all have them and one is for us`() {
        let east = EndpointFacts(address("10.0.0.1"), zones: ["east"])
        let west = EndpointFacts(address("10.0.0.2"), zones: ["west"])
        #expect(hosts(choice([east, west]).cluster) == ["10.0.0.1"])
        #expect(hosts(choice([east, west], zone: "north").cluster) == ["10.0.0.1", "10.0.0.2"])
        #expect(hosts(choice([east, west], zone: "").cluster) == ["10.0.0.1", "10.0.0.2"])
        #expect(hosts(choice([east, west, EndpointFacts(address("10.0.0.3"))]).cluster).count == 3)
    }

    @Test func `hints for nodes go before hints for zones`() {
        let here = EndpointFacts(address("10.0.0.1"), zones: ["east"], nodes: ["a"])
        let near = EndpointFacts(address("10.0.0.2"), zones: ["east"], nodes: ["b"])
        #expect(hosts(choice([here, near]).cluster) == ["10.0.0.1"])
        let elsewhere = EndpointFacts(address("10.0.0.1"), zones: ["east"], nodes: ["c"])
        #expect(hosts(choice([elsewhere, near]).cluster) == ["10.0.0.1", "10.0.0.2"])
    }

    @Test func `ports are matched by name and protocol, families are kept apart, doubles counted once`() {
        let port = ServiceFacts.Port(name: "http", number: 80)
        var slices: [SliceFacts] = [.web("10.0.0.1"), .web("10.0.0.1"), .web("fd00::1")]
        slices.append(
            SliceFacts(
                ports: [.init(name: "http", transport: .udp, number: 1)],
                endpoints: [EndpointFacts(address("10.0.0.9"))]))
        slices.append(
            SliceFacts(ports: [.init(name: "other", number: 1)], endpoints: [EndpointFacts(address("10.0.0.8"))]))
        let node = NodeFacts(name: "a")
        #expect(EndpointChoice(port, .ip4, slices, node).cluster == [Backend(address("10.0.0.1"), 8080)])
        #expect(EndpointChoice(port, .ip6, slices, node).cluster == [Backend(address("fd00::1"), 8080)])
    }
}
