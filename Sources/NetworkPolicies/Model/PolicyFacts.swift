package import Netfilter

/// Which labels are meant: all requirements must hold.
package struct LabelMatch: Sendable, Hashable {
    package enum Requirement: Sendable, Hashable {
        case within(String, [String])
        case outside(String, [String])
        case exists(String)
        case absent(String)
        /// What nobody understands matches nothing.
        case never
    }

    package var requirements: [Requirement]

    package init(_ requirements: [Requirement] = []) { self.requirements = requirements }

    package func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .within(let key, let values): labels[key].map(values.contains) ?? false
            case .outside(let key, let values): !(labels[key].map(values.contains) ?? false)
            case .exists(let key): labels[key] != nil
            case .absent(let key): labels[key] == nil
            case .never: false
            }
        }
    }
}

/// A pod with a network of its own.
package struct PodFacts: Sendable, Equatable {
    package struct NamedPort: Sendable, Hashable {
        package var name: String
        package var transport: TransportProtocol
        package var number: UInt16

        package init(_ name: String, _ transport: TransportProtocol, _ number: UInt16) {
            self.name = name
            self.transport = transport
            self.number = number
        }
    }

    package var namespace: String
    package var labels: [String: String]
    package var addresses: [InternetAddress]
    package var ports: [NamedPort]
    /// Whether it runs on this node.
    package var isLocal: Bool

    package init(
        namespace: String, labels: [String: String], addresses: [InternetAddress], ports: [NamedPort] = [],
        isLocal: Bool = true
    ) {
        self.namespace = namespace
        self.labels = labels
        self.addresses = addresses
        self.ports = ports
        self.isLocal = isLocal
    }
}

/// A network policy. Pods that policies select for a direction are isolated in it: only what one of the rules says passes.
package struct PolicyFacts: Sendable, Equatable {
    package enum Peer: Sendable, Hashable {
        /// Without a match for namespaces: the policy's own.
        case pods(LabelMatch, namespaces: LabelMatch?)
        case block(IPPrefix, except: [IPPrefix])
    }

    package enum Port: Sendable, Hashable {
        case every(TransportProtocol)
        case range(TransportProtocol, ClosedRange<UInt16>)
        /// A port of the pod that is connected to.
        case named(TransportProtocol, String)
    }

    package struct Rule: Sendable, Hashable {
        /// Empty: everyone.
        package var peers: [Peer]
        /// Empty: all, of any protocol.
        package var ports: [Port]

        package init(peers: [Peer] = [], ports: [Port] = []) {
            self.peers = peers
            self.ports = ports
        }
    }

    package var namespace: String
    package var name: String
    package var pods: LabelMatch
    /// Nil: it does not speak of this direction.
    package var ingress: [Rule]?
    package var egress: [Rule]?

    package init(
        namespace: String, name: String, pods: LabelMatch = LabelMatch(), ingress: [Rule]? = nil, egress: [Rule]? = nil
    ) {
        self.namespace = namespace
        self.name = name
        self.pods = pods
        self.ingress = ingress
        self.egress = egress
    }

    var description: String { namespace + "/" + name }
}
