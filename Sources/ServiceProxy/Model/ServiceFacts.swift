package import Netfilter

/// Which service: namespace and name.
package struct ServiceName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var namespace: String
    package var name: String

    package init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }

    package var description: String { namespace + "/" + name }

    package static func < (one: ServiceName, other: ServiceName) -> Bool {
        (one.namespace, one.name) < (other.namespace, other.name)
    }
}

/// A service as far as packets are concerned.
package struct ServiceFacts: Sendable, Equatable {
    package struct Port: Sendable, Hashable {
        package var name: String
        package var transport: TransportProtocol
        package var number: UInt16
        /// 0: none.
        package var nodePort: UInt16

        package init(name: String = "", transport: TransportProtocol = .tcp, number: UInt16, nodePort: UInt16 = 0) {
            self.name = name
            self.transport = transport
            self.number = number
            self.nodePort = nodePort
        }
    }

    package var name: ServiceName
    package var ports: [Port] = []
    package var clusterAddresses: [InternetAddress] = []
    package var externalAddresses: [InternetAddress] = []
    /// Those of a load balancer that hands packets on with their destination as it was.
    package var balancerAddresses: [InternetAddress] = []
    /// Who may use the load balancer's addresses; nil: everyone.
    package var allowedSources: [IPPrefix]?
    /// How long a client stays with its endpoint; nil: not at all.
    package var affinitySeconds: Int?
    package var isInternalLocal: Bool = false
    package var isExternalLocal: Bool = false
    /// 0: none.
    package var healthCheckPort: UInt16 = 0

    package init(_ name: ServiceName) { self.name = name }
}

/// One address behind a service.
package struct EndpointFacts: Sendable, Equatable {
    package var address: InternetAddress
    package var isReady: Bool
    package var isServing: Bool
    package var isTerminating: Bool
    package var isLocal: Bool
    /// For which zones and nodes the slice's maker wants it used; empty: no wish.
    package var zones: [String]
    package var nodes: [String]

    package init(
        _ address: InternetAddress, isReady: Bool = true, isServing: Bool = true, isTerminating: Bool = false,
        isLocal: Bool = false, zones: [String] = [], nodes: [String] = []
    ) {
        self.address = address
        self.isReady = isReady
        self.isServing = isServing
        self.isTerminating = isTerminating
        self.isLocal = isLocal
        self.zones = zones
        self.nodes = nodes
    }
}

/// One slice of a service's endpoints: all of one family, all with the same ports.
package struct SliceFacts: Sendable, Equatable {
    package struct Port: Sendable, Hashable {
        package var name: String
        package var transport: TransportProtocol
        package var number: UInt16

        package init(name: String = "", transport: TransportProtocol = .tcp, number: UInt16) {
            self.name = name
            self.transport = transport
            self.number = number
        }
    }

    package var ports: [Port]
    package var endpoints: [EndpointFacts]

    package init(ports: [Port], endpoints: [EndpointFacts]) {
        self.ports = ports
        self.endpoints = endpoints
    }
}

/// The node that packets pass through.
package struct NodeFacts: Sendable, Equatable {
    package var name: String
    package var zone: String = ""
    /// Where this cluster's pods are: they need no other source address to be answered.
    package var podRanges: [IPPrefix] = []
    /// Where services' addresses are: what no service has goes nowhere.
    package var serviceRanges: [IPPrefix] = []
    /// Whether packets between ports of one bridge pass the firewall. If not, answers between pods of this node would
    /// go past it, and such connections get the node's address.
    package var bridgeFilters: Bool = true
    package var families: [InternetAddress.Family] = [.ip4, .ip6]
    /// The node's own addresses, and the ports at which the cluster's own servers listen there: no service gets these,
    /// or nobody could take it away again.
    package var addresses: [InternetAddress] = []
    package var ownPorts: Set<OwnPort> = []

    package struct OwnPort: Sendable, Hashable {
        package var transport: TransportProtocol
        package var number: UInt16

        package init(_ transport: TransportProtocol, _ number: UInt16) {
            self.transport = transport
            self.number = number
        }
    }

    package init(name: String) { self.name = name }

    /// Whether the node keeps a place for itself.
    ///
    /// - Parameter address: nil for any address of the node's, which is where node ports are.
    func keeps(_ transport: TransportProtocol, _ number: UInt16, at address: InternetAddress?) -> Bool {
        ownPorts.contains(OwnPort(transport, number)) && (address.map { addresses.contains($0) } ?? true)
    }

    /// What a service asks for and does not get: `192.0.2.1:6443/TCP`, or `:30443/TCP` for a node port.
    package func kept(from service: ServiceFacts) -> [String] {
        service.ports.flatMap { port in
            var places: [String] = Set(service.externalAddresses + service.balancerAddresses).sorted()
                .filter { keeps(port.transport, port.number, at: $0) }
                .map { "\($0.family == .ip6 ? "[\($0)]" : "\($0)"):\(port.number)/\(port.transport.name)" }
            if port.nodePort != 0, keeps(port.transport, port.nodePort, at: nil) {
                places.append(":\(port.nodePort)/\(port.transport.name)")
            }
            return places
        }
    }
}
