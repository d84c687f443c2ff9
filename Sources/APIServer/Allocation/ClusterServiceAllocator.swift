package import APICore
package import APIMachinery
import APINetworking
import Codec
import Synchronization

/// Cluster IPs and node ports, kept in memory: what services hold is read from the watch cache once, and followed from
/// then on by the writes of this server. One server per cluster writes services.
///
/// Addresses come from the configured ranges and from those of further ServiceCIDRs (KEP-1880).
package final class ClusterServiceAllocator: ServiceAllocator {
    package struct Configuration: Sendable {
        /// One range per family, the preferred family first.
        package var ranges: [CIDR]
        package var ports: ClosedRange<Int>
        /// Of the machine's own servers: never given to a service as node ports.
        package var reservedPorts: Set<Int> = []

        /// Upstream's port range and the usual service range, `10.96.0.0/16`.
        package init(ranges: [CIDR] = [Self.usualRange], ports: ClosedRange<Int> = 30000...32767) {
            precondition(!ranges.isEmpty, "services need a range of cluster IPs")
            self.ranges = ranges
            self.ports = ports
        }

        package static var usualRange: CIDR {
            guard let range = CIDR(APIMachinery.IPAddress(v4: 0x0A60_0000), prefixLength: 16) else {
                preconditionFailure("10.96.0.0/16 is a network")
            }
            return range
        }
    }

    private struct State {
        var pools: ServicePools
        var isLoaded: Bool = false
        /// The version of the ServiceCIDRs that the pools follow.
        var rangesVersion: Int64?
    }

    private let state: Mutex<State>
    private let link: ServerLink
    private let families: ServiceFamilies
    private let ranges: [CIDR]
    private let random: @Sendable () -> UInt64

    package init(
        _ configuration: Configuration = Configuration(), link: ServerLink,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) }
    ) {
        var pools = ServicePools(ranges: configuration.ranges, ports: configuration.ports)
        for port in configuration.reservedPorts { _ = pools.ports.take(port) }
        state = Mutex(State(pools: pools))
        ranges = configuration.ranges
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
    private func load(_ state: inout State) {
        guard let caches = link.core?.services.caches else { return }
        let version: Int64 = caches.changeNumber(ServiceCIDR.self)
        if state.rangesVersion != version {
            state.rangesVersion = version
            state.pools.open(usable(caches.list(ServiceCIDR.self, namespace: ""))) {
                caches.list(Service.self, namespace: "")
            }
        }
        guard !state.isLoaded else { return }
        state.pools.adopt(caches.list(Service.self, namespace: ""))
        state.isLoaded = true
    }

    /// The cluster's own ranges, also before an object says so, and those of all ServiceCIDRs that are ready. One that is
    /// going gives no addresses, not even if it is the cluster's own.
    private func usable(_ objects: [ServiceCIDR]) -> [CIDR] {
        var ready: [CIDR] = []
        var leaving: Set<CIDR> = []
        for object in objects {
            let networks: [CIDR] = object.spec.cidrs.compactMap { CIDR($0) }
            if object.metadata.deletionTimestamp != nil {
                leaving.formUnion(networks)
            } else if object.status.conditions.contains(where: { $0.type == "Ready" && $0.status == "True" }) {
                ready += networks
            }
        }
        var usable: [CIDR] = ranges.filter { !leaving.contains($0) || ready.contains($0) }
        for range in ready where !usable.contains(range) { usable.append(range) }
        return usable
    }

    /// Somebody else's IPAddress object keeps services from an address. Those of services follow a moment later, and say
    /// nothing that the pools do not know.
    private func isFree(_ address: APIMachinery.IPAddress) -> Bool {
        let found: APINetworking.IPAddress? = link.core?.services.caches.get(
            APINetworking.IPAddress.self, namespace: "", name: address.description)
        return found.map { $0.metadata.labels["ipaddress.kubernetes.io/managed-by"] == "ipallocator.k8s.io" } ?? true
    }

    package func allocate(_ service: inout Service, old: Service?, context: RequestContext) throws(StatusError)
        -> (any Allocation)?
    {
        var filled: Service = service
        try families.fill(&filled)
        let random: @Sendable () -> UInt64 = random
        let result: Result<(Service, ServicePools.Taken), StatusError> = state.withLock { state in
            load(&state)
            var grant = ServiceGrant(pools: state.pools, random: random, isFree: isFree)
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
            load(&state)
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
