package import APICore
package import APIMachinery
import Synchronization

/// Cluster IPs and node ports, kept in memory: what services hold is read from the watch cache once, and followed from
/// then on by the writes of this server. One server per cluster writes services.
package final class ClusterServiceAllocator: ServiceAllocator {
    package struct Configuration: Sendable {
        /// One range per family, the preferred family first.
        package var ranges: [CIDR]
        package var ports: ClosedRange<Int>

        /// Upstream's port range and the usual service range, `10.96.0.0/16`.
        package init(ranges: [CIDR] = [Self.usualRange], ports: ClosedRange<Int> = 30000...32767) {
            precondition(!ranges.isEmpty, "services need a range of cluster IPs")
            self.ranges = ranges
            self.ports = ports
        }

        package static var usualRange: CIDR {
            guard let range = CIDR(IPAddress(v4: 0x0A60_0000), prefixLength: 16) else {
                preconditionFailure("10.96.0.0/16 is a network")
            }
            return range
        }
    }

    private struct State {
        var pools: ServicePools
        var isLoaded: Bool = false
    }

    private let state: Mutex<State>
    private let link: ServerLink
    private let families: ServiceFamilies
    private let random: @Sendable () -> UInt64

    package init(
        _ configuration: Configuration = Configuration(), link: ServerLink,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
    ) {
        state = Mutex(State(pools: ServicePools(ranges: configuration.ranges, ports: configuration.ports)))
        families = ServiceFamilies(
            configured: configuration.ranges.map { $0.address.family == .v4 ? "IPv4" : "IPv6" })
        self.link = link
        self.random = random
    }

    /// Takes over what these services hold; for servers that are not connected, and for tests.
    package func load(_ services: [Service]) {
        state.withLock { state in
            state.pools.adopt(services)
            state.isLoaded = true
        }
    }

    /// Reads the cache before anything is taken or given back.
    private func loadOnce(_ state: inout State) {
        guard !state.isLoaded, let core = link.core else { return }
        state.pools.adopt(core.services.caches.list(Service.self, namespace: ""))
        state.isLoaded = true
    }

    package func allocate(_ service: inout Service, old: Service?, context: RequestContext) throws(StatusError)
        -> (any Allocation)?
    {
        var filled: Service = service
        try families.fill(&filled)
        let random: @Sendable () -> UInt64 = random
        let result: Result<(Service, ServicePools.Taken), StatusError> = state.withLock { state in
            loadOnce(&state)
            var grant = ServiceGrant(pools: state.pools, random: random)
            var granted: Service = filled
            do throws(StatusError) {
                try grant.grantAddresses(&granted, held: old?.spec.heldAddresses ?? [])
                try grant.grantNodePorts(&granted, held: old?.spec.heldPorts ?? [])
                try grant.grantHealthCheckPort(&granted, held: old?.spec.healthCheckNodePort ?? 0)
            } catch {
                return .failure(error)
            }
            state.pools = grant.pools
            return .success((granted, grant.taken))
        }
        let (granted, taken): (Service, ServicePools.Taken) = try result.get()
        service = granted
        let kept: ServicePools.Taken = Self.held(by: granted)
        var freed: ServicePools.Taken = old.map { Self.held(by: $0) } ?? ServicePools.Taken()
        freed.addresses.subtract(kept.addresses)
        freed.ports.subtract(kept.ports)
        if taken.isEmpty, freed.isEmpty { return nil }
        return ServiceAllocation(taken: taken, freed: freed, owner: self)
    }

    package func release(_ service: Service) {
        giveBack(Self.held(by: service))
    }

    private static func held(by service: Service) -> ServicePools.Taken {
        ServicePools.Taken(addresses: Set(service.spec.heldAddresses), ports: service.spec.heldPorts)
    }

    fileprivate func giveBack(_ taken: ServicePools.Taken) {
        guard !taken.isEmpty else { return }
        state.withLock { state in
            loadOnce(&state)
            state.pools.release(taken)
        }
    }

    /// How many addresses of the preferred family and how many ports are taken.
    package var takenCounts: (addresses: Int, ports: Int) {
        state.withLock { ($0.pools.addresses.first?.takenCount ?? 0, $0.pools.ports.takenCount) }
    }
}

/// What one write took, and what it makes free.
private struct ServiceAllocation: Allocation {
    let taken: ServicePools.Taken
    let freed: ServicePools.Taken
    let owner: ClusterServiceAllocator

    func commit() { owner.giveBack(freed) }
    func rollback() { owner.giveBack(taken) }
}
