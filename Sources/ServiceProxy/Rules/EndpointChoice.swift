package import Netfilter

/// An address and port that packets are led to.
package struct Backend: Sendable, Hashable, Comparable {
    package var address: InternetAddress
    package var port: UInt16

    package init(_ address: InternetAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    package static func < (one: Backend, other: Backend) -> Bool {
        one.address == other.address ? one.port < other.port : one.address < other.address
    }
}

/// The backends of one service port in one family. Upstream's rules (KEP-1669, KEP-2433, KEP-4444, KEP-2086): ready
/// ones; where hints allow, only those meant for this node or zone; when none is ready, those that go but still serve.
package struct EndpointChoice: Sendable, Equatable {
    /// For policy Cluster.
    package var cluster: [Backend] = []
    /// For policy Local.
    package var local: [Backend] = []
    /// Whether there is any that could be used, wherever.
    package var hasAny: Bool = false
    /// Those of all backends that are on this node.
    package var localAddresses: [InternetAddress] = []

    package init() {}

    package init(
        _ port: ServiceFacts.Port, _ family: InternetAddress.Family, _ slices: some Sequence<SliceFacts>,
        _ node: NodeFacts
    ) {
        var candidates: [(endpoint: EndpointFacts, backend: Backend)] = []
        for slice in slices {
            guard let own = slice.ports.first(where: { $0.name == port.name && $0.transport == port.transport }) else {
                continue
            }
            for endpoint in slice.endpoints where endpoint.address.family == family {
                candidates.append((endpoint, Backend(endpoint.address, own.number)))
            }
        }
        let ready: [(endpoint: EndpointFacts, backend: Backend)] = candidates.filter(\.endpoint.isReady)
        let leaving: [(endpoint: EndpointFacts, backend: Backend)] = candidates.filter {
            $0.endpoint.isServing && $0.endpoint.isTerminating
        }
        let preferred: (EndpointFacts) -> Bool = Self.preference(ready.map(\.endpoint), node)
        let chosen: [Backend] = ready.filter { preferred($0.endpoint) }.map(\.backend)
        cluster = Self.unique(chosen.isEmpty ? leaving.map(\.backend) : chosen)
        let here: [Backend] = ready.filter(\.endpoint.isLocal).map(\.backend)
        local = Self.unique(here.isEmpty ? leaving.filter(\.endpoint.isLocal).map(\.backend) : here)
        hasAny = !ready.isEmpty || !leaving.isEmpty
        let used: Set<InternetAddress> = Set(cluster.map(\.address)).union(local.map(\.address))
        localAddresses = Set(
            candidates.filter { $0.endpoint.isLocal && used.contains($0.backend.address) }.map(\.backend.address)
        ).sorted()
    }

    /// Hints count when every ready endpoint has them and one is for us: nodes first, then zones.
    private static func preference(_ ready: [EndpointFacts], _ node: NodeFacts) -> (EndpointFacts) -> Bool {
        if !ready.isEmpty, ready.allSatisfy({ !$0.nodes.isEmpty }),
            ready.contains(where: { $0.nodes.contains(node.name) })
        {
            return { $0.nodes.contains(node.name) }
        }
        let zone: String = node.zone
        if !zone.isEmpty, !ready.isEmpty, ready.allSatisfy({ !$0.zones.isEmpty }),
            ready.contains(where: { $0.zones.contains(zone) })
        {
            return { $0.zones.contains(zone) }
        }
        return { _ in true }
    }

    /// In order, so that the same endpoints make the same rules.
    private static func unique(_ backends: [Backend]) -> [Backend] {
        backends.count < 2 ? backends : Set(backends).sorted()
    }
}
