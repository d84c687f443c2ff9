import Netfilter
import ServiceProxy

func address(_ text: String) -> InternetAddress {
    guard let address = InternetAddress(text) else { preconditionFailure("\(text) must be an address") }
    return address
}

extension ServiceFacts {
    static func web(_ name: String = "web", _ fill: (inout ServiceFacts) -> Void = { _ in }) -> ServiceFacts {
        var facts = ServiceFacts(ServiceName("shop", name))
        facts.ports = [.init(name: "http", number: 80)]
        facts.clusterAddresses = [address("10.96.0.7")]
        fill(&facts)
        return facts
    }
}

extension SliceFacts {
    static func web(_ endpoints: [EndpointFacts], port: UInt16 = 8080) -> SliceFacts {
        SliceFacts(ports: [.init(name: "http", number: port)], endpoints: endpoints)
    }

    static func web(_ addresses: String...) -> SliceFacts { .web(addresses.map { EndpointFacts(address($0)) }) }
}

extension TableTransaction {
    /// Its changes of elements, and its chains, one per line: `+ frontends 0a600007…: 01000000`.
    var lines: [String] {
        steps.flatMap { step -> [String] in
            switch step.operation {
            case .addElements(let set, let elements): elements.map { "+ \(set) \(Self.text($0))" }
            case .deleteElements(let set, let elements): elements.map { "- \(set) \(Self.text($0))" }
            case .addChain(let name, nil): ["+ chain \(name)"]
            case .flushChain(let name): ["0 chain \(name)"]
            case .deleteChain(let name): ["- chain \(name)"]
            default: []
            }
        }
    }

    private static func text(_ element: SetElement) -> String {
        switch element.value {
        case .nothing: hex(element.key)
        case .bytes(let bytes): hex(element.key) + ": " + hex(bytes)
        case .verdict(let verdict): hex(element.key) + ": \(verdict)"
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
