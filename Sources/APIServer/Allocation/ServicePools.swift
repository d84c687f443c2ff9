import APICore
import APIMachinery

/// What is taken of cluster IPs and node ports. Pure; `ClusterServiceAllocator` holds it.
struct ServicePools: Sendable {
    /// One per range, the cluster's preferred family first. Ranges may overlap; what is taken is so in all that have it.
    private(set) var addresses: [AddressPool]
    var ports: PortPool

    init(ranges: [CIDR], ports: ClosedRange<Int>) {
        addresses = ranges.map { AddressPool($0) }
        self.ports = PortPool(ports)
    }

    /// Gives out addresses of these ranges only. What is taken of others stays known.
    ///
    /// - Parameter services: what holds addresses, asked only for ranges that are new.
    mutating func open(_ ranges: [CIDR], services: () -> [Service]) {
        for index in addresses.indices { addresses[index].isOpen = ranges.contains(addresses[index].range) }
        addresses.removeAll { !$0.isOpen && $0.takenCount == 0 }
        let new: [CIDR] = ranges.filter { range in !addresses.contains { $0.range == range } }
        guard !new.isEmpty else { return }
        let held: [IPAddress] = services().flatMap(\.spec.heldAddresses)
        for range in new {
            var pool = AddressPool(range)
            for other in addresses where other.range.overlaps(range) {
                for address in other.taken { _ = pool.take(address) }
            }
            for address in held { _ = pool.take(address) }
            addresses.append(pool)
        }
        let order: [CIDR] = ranges
        addresses.sort { one, other in
            (order.firstIndex(of: one.range) ?? .max) < (order.firstIndex(of: other.range) ?? .max)
        }
    }

    /// Marks as taken what services hold already. What is taken twice or lies out of range stays as it is.
    mutating func adopt(_ services: [Service]) {
        for service in services {
            for address in service.spec.heldAddresses {
                for index in addresses.indices { _ = addresses[index].take(address) }
            }
            for port in service.spec.heldPorts { _ = ports.take(port) }
        }
    }

    func has(_ family: IPAddress.Family) -> Bool { addresses.contains { $0.range.address.family == family } }

    /// The ranges of a family that addresses come from.
    func ranges(_ family: IPAddress.Family) -> [CIDR] {
        addresses.filter { $0.isOpen && $0.range.address.family == family }.map(\.range)
    }

    /// Why not, if it cannot be taken.
    mutating func take(_ address: IPAddress) -> AddressPool.Refusal? {
        let holders: [Int] = addresses.indices.filter { addresses[$0].has(address) }
        guard holders.contains(where: { addresses[$0].isOpen }) else { return .outOfRange }
        if holders.contains(where: { addresses[$0].isTaken(address) }) { return .taken }
        for index in holders { _ = addresses[index].take(address) }
        return nil
    }

    /// Nil: all ranges of the family are full.
    ///
    /// - Parameter isFree: whether an address that no service has is nobody else's, either.
    mutating func takeAny(_ family: IPAddress.Family, random: UInt64, isFree: (IPAddress) -> Bool) -> IPAddress? {
        for index in addresses.indices where addresses[index].isOpen && addresses[index].range.address.family == family
        {
            var passed: [IPAddress] = []
            var found: IPAddress?
            while found == nil, let address = addresses[index].takeAny(random: random) {
                if isFree(address) { found = address } else { passed.append(address) }
            }
            for address in passed { addresses[index].release(address) }
            guard let found else { continue }
            for other in addresses.indices where other != index { _ = addresses[other].take(found) }
            return found
        }
        return nil
    }

    mutating func release(_ taken: Taken) {
        for address in taken.addresses {
            for index in addresses.indices { addresses[index].release(address) }
        }
        for port in taken.ports { ports.release(port) }
    }

    /// Some addresses and ports.
    struct Taken: Sendable, Equatable {
        var addresses: Set<IPAddress> = []
        var ports: Set<Int> = []

        var isEmpty: Bool { addresses.isEmpty && ports.isEmpty }
    }
}

/// One attempt to give a service what it needs: notes what it takes, so that it can be undone.
struct ServiceGrant {
    var pools: ServicePools
    var taken = ServicePools.Taken()
    let random: () -> UInt64
    /// Whether an address that no service has is nobody else's, either.
    let isFree: (IPAddress) -> Bool

    // MARK: - Addresses

    mutating func grantAddresses(_ service: inout Service, held: [IPAddress]) throws(StatusError) {
        guard service.spec.takesAddresses else {
            if service.spec.isHeadless {
                service.spec.clusterIP = ServiceSpec.headless
                service.spec.clusterIPs = [ServiceSpec.headless]
            }
            return
        }
        var texts: [String] = []
        for (index, family) in service.spec.ipFamilies.enumerated() {
            let given: String = index < service.spec.clusterIPs.count ? service.spec.clusterIPs[index] : ""
            texts.append(try grantAddress(given, family: family, held: held, service: service))
        }
        service.spec.clusterIPs = texts
        service.spec.clusterIP = texts.first ?? ""
    }

    private mutating func grantAddress(_ given: String, family: String, held: [IPAddress], service: Service)
        throws(StatusError) -> String
    {
        let kind: IPAddress.Family = family == "IPv6" ? .v6 : .v4
        guard pools.has(kind) else {
            throw .internalError("no range for cluster IPs of the family \(family)")
        }
        guard !given.isEmpty else {
            guard let address = pools.takeAny(kind, random: random(), isFree: isFree) else {
                throw .internalError("failed to allocate a serviceIP: range is full")
            }
            taken.addresses.insert(address)
            return address.description
        }
        guard let address = IPAddress(given) else {
            throw .internalError("failed to parse service IP \(GoText.quoted(given))")
        }
        if held.contains(address) { return given }
        let why: String
        switch isFree(address) ? pools.take(address) : .taken {
        case nil:
            taken.addresses.insert(address)
            return given
        case .taken: why = "provided IP is already allocated"
        case .outOfRange:
            why =
                "the provided IP (\(address)) is not in the valid range. The range of valid IPs is "
                + pools.ranges(kind).map(\.description).joined(separator: ",")
        }
        let error: FieldError = .invalid(
            FieldPath("spec").child("clusterIPs"), [given], "failed to allocate IP \(given): \(why)")
        throw .invalid(Service.gvk, service.metadata.name, [error])
    }

    // MARK: - Ports

    /// Ports of the same number and different protocols share a node port.
    mutating func grantNodePorts(_ service: inout Service, held: Set<Int>) throws(StatusError) {
        guard service.spec.type == "NodePort" || service.spec.type == "LoadBalancer" else { return }
        var byPort: [Int: Int] = [:]
        for index in service.spec.ports.indices {
            let port: ServicePort = service.spec.ports[index]
            if port.nodePort == 0, !service.spec.takesNodePorts { continue }
            if let known = byPort[port.port], port.nodePort == 0 || port.nodePort == known {
                service.spec.ports[index].nodePort = known
                continue
            }
            // A number that a later port of the same number asks for.
            let asked: Int? = service.spec.ports.first { $0.port == port.port && $0.nodePort != 0 }?.nodePort
            let wanted: Int = port.nodePort != 0 ? port.nodePort : asked ?? 0
            let granted: Int =
                wanted == 0 ? try grantAnyPort() : try grantPort(wanted, index: index, held: held, service: service)
            service.spec.ports[index].nodePort = granted
            if byPort[port.port] == nil { byPort[port.port] = granted }
        }
    }

    private mutating func grantAnyPort() throws(StatusError) -> Int {
        guard let port = pools.ports.takeAny(random: random()) else {
            throw .internalError("failed to allocate a nodePort: range is full")
        }
        taken.ports.insert(port)
        return port
    }

    private mutating func grantPort(_ port: Int, index: Int, held: Set<Int>, service: Service)
        throws(StatusError) -> Int
    {
        if held.contains(port) || sharesPort(port, at: index, service) { return port }
        guard let why = refusal(port) else { return port }
        let path: FieldPath = FieldPath("spec").child("ports").index(index).child("nodePort")
        throw .invalid(Service.gvk, service.metadata.name, [.invalid(path, port, why)])
    }

    /// The same number for another protocol of this service was taken a moment ago.
    private func sharesPort(_ port: Int, at index: Int, _ service: Service) -> Bool {
        guard taken.ports.contains(port) else { return false }
        let mine: String = service.spec.ports[index].protocol
        return service.spec.ports[..<index].allSatisfy { $0.nodePort != port || $0.protocol != mine }
    }

    /// Takes a port; why not, if not.
    private mutating func refusal(_ port: Int) -> String? {
        switch pools.ports.take(port) {
        case nil:
            taken.ports.insert(port)
            return nil
        case .taken: return "provided port is already allocated"
        case .outOfRange:
            let range: ClosedRange<Int> = pools.ports.range
            return "provided port is not in the valid range. The range of valid ports is "
                + "\(range.lowerBound)-\(range.upperBound)"
        }
    }

    mutating func grantHealthCheckPort(_ service: inout Service, held: Int) throws(StatusError) {
        guard service.spec.takesHealthCheckPort else { return }
        let wanted: Int = service.spec.healthCheckNodePort
        if wanted == 0 {
            guard let port = pools.ports.takeAny(random: random()) else {
                throw .internalError("failed to allocate a HealthCheck NodePort 0: range is full")
            }
            taken.ports.insert(port)
            service.spec.healthCheckNodePort = port
        } else if wanted != held, let why = refusal(wanted) {
            throw .internalError("failed to allocate requested HealthCheck NodePort \(wanted): \(why)")
        }
    }
}
