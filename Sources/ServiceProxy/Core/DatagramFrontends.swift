package import Netfilter

/// UDP has no end of a connection: what the kernel remembers of one would lead to an endpoint that is gone, or past
/// one that came, for as long as the client keeps sending. This tells which memories are wrong.
package struct DatagramFrontends: Sendable, Equatable {
    private struct Place: Hashable {
        var address: InternetAddress?
        var port: UInt16
    }

    private var backends: [Place: Set<Backend>] = [:]

    package init() {}

    package var isEmpty: Bool { backends.isEmpty }

    mutating func add(_ service: ResolvedService, _ family: InternetAddress.Family) {
        let facts: ServiceFacts = service.facts
        for port in service.ports where port.facts.transport == .udp {
            let all: Set<Backend> = Set(port.choice.cluster).union(port.choice.local)
            for address in facts.clusterAddresses + facts.externalAddresses + facts.balancerAddresses
            where address.family == family {
                backends[Place(address: address, port: port.facts.number), default: []].formUnion(all)
            }
            if port.facts.nodePort != 0 {
                backends[Place(address: nil, port: port.facts.nodePort), default: []].formUnion(all)
            }
        }
    }

    package mutating func merge(_ other: DatagramFrontends) {
        backends.merge(other.backends) { $0.union($1) }
    }

    /// The frontends that `newer` has with fewer backends, or none, or first ones: with what they lead to now.
    package func changed(to newer: DatagramFrontends) -> DatagramFrontends {
        var result = DatagramFrontends()
        for (place, old) in backends {
            let new: Set<Backend> = newer.backends[place] ?? []
            if !old.isSubset(of: new) { result.backends[place] = new }
        }
        for (place, new) in newer.backends where !new.isEmpty && (backends[place] ?? []).isEmpty {
            result.backends[place] = new
        }
        return result
    }

    /// Whether a remembered connection leads elsewhere than its frontend does now.
    package func isStale(_ connection: TrackedConnection) -> Bool {
        guard connection.protocolNumber == TransportProtocol.udp.rawValue else { return false }
        let place = Place(address: connection.destination, port: connection.destinationPort)
        if let valid = backends[place] {
            return !valid.contains(Backend(connection.answering, connection.answeringPort))
        }
        // A node port is at any address; what was not translated may be a listener of the node's.
        guard let valid = backends[Place(address: nil, port: connection.destinationPort)],
            connection.answering != connection.destination
        else { return false }
        return !valid.contains(Backend(connection.answering, connection.answeringPort))
    }
}
