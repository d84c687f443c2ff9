package import Netfilter

/// Knows services and endpoints, and what the kernel has of them. No effects: what to do is returned.
package struct ProxyCore: Sendable {
    /// What must be done for the changes since the last one.
    package struct Plan: Sendable {
        package var transaction: TableTransaction
        /// UDP frontends whose remembered connections may be wrong once the transaction is in force.
        package var datagrams: DatagramFrontends
        package var services: Set<ServiceName>
        package var isComplete: Bool
    }

    package private(set) var node: NodeFacts
    private var services: [ServiceName: ServiceFacts] = [:]
    private var slices: [ServiceName: [String: SliceFacts]] = [:]
    private var families: [FamilyRules]?
    private var dirty: Set<ServiceName> = []
    /// Those with a health-check port.
    private var checked: Set<ServiceName> = []

    package init(_ node: NodeFacts) { self.node = node }

    package mutating func set(_ facts: ServiceFacts?, _ name: ServiceName) {
        if services[name] == facts { return }
        services[name] = facts
        if let facts, facts.healthCheckPort != 0, facts.isExternalLocal {
            checked.insert(name)
        } else {
            checked.remove(name)
        }
        dirty.insert(name)
    }

    package mutating func set(_ slice: SliceFacts?, _ sliceName: String, of service: ServiceName) {
        if slices[service]?[sliceName] == slice { return }
        slices[service, default: [:]][sliceName] = slice
        if slices[service]?.isEmpty == true { slices[service] = nil }
        dirty.insert(service)
    }

    /// The kernel no longer has what we wrote, or we do not know: the next plan writes everything anew.
    package mutating func forget() { families = nil }

    package func isDirty(_ name: ServiceName) -> Bool { dirty.contains(name) }

    /// The node's zone decides which endpoints are near. Tells whether it is another than before.
    package mutating func move(to zone: String) -> Bool {
        if node.zone == zone { return false }
        node.zone = zone
        forget()
        return true
    }

    /// The same for the ranges of services' addresses.
    package mutating func set(serviceRanges: [IPPrefix]) -> Bool {
        if node.serviceRanges == serviceRanges { return false }
        node.serviceRanges = serviceRanges
        forget()
        return true
    }

    package var hasChanges: Bool { families == nil || !dirty.isEmpty }

    /// What leads to the present state. It counts as done: call `forget` if it was not.
    package mutating func plan() -> Plan? {
        guard hasChanges else { return nil }
        let isComplete: Bool = families == nil
        var current: [FamilyRules] = families ?? node.families.map { FamilyRules(ProxyTable($0, node)) }
        let names: [ServiceName] = isComplete ? services.keys.sorted() : dirty.sorted()
        var plan = Plan(transaction: .init(), datagrams: .init(), services: Set(names), isComplete: isComplete)
        for index in current.indices {
            if isComplete { plan.transaction.append(current[index].table.skeleton()) }
            var before = DatagramFrontends()
            var after = DatagramFrontends()
            var pending: [ServiceName] = names
            // A service that goes may leave something to another, which is updated then.
            while !pending.isEmpty {
                if !isComplete { for name in pending { before.merge(current[index].datagramFrontends(of: name)) } }
                let (transaction, heirs) = current[index].update(pending.map(change))
                plan.transaction.append(transaction)
                if !isComplete { for name in pending { after.merge(current[index].datagramFrontends(of: name)) } }
                pending = heirs.sorted()
            }
            plan.datagrams.merge(isComplete ? current[index].datagramFrontends() : before.changed(to: after))
        }
        families = current
        dirty = []
        return plan
    }

    private func change(_ name: ServiceName) -> FamilyRules.Change {
        (name, services[name], slices[name]?.sorted { $0.key < $1.key }.map(\.value) ?? [])
    }

    /// How many services with policy Local have endpoints but none here: from inside, and from outside.
    package var withoutLocalEndpoints: (internal: Int, external: Int) {
        let all: [FamilyRules] = families ?? []
        return (
            all.reduce(into: Set()) { $0.formUnion($1.withoutLocal.internal) }.count,
            all.reduce(into: Set()) { $0.formUnion($1.withoutLocal.external) }.count
        )
    }

    /// Health-check ports: how many endpoints this node has of each service that wants one.
    package func healthChecks() -> [UInt16: HealthCheck] {
        var result: [UInt16: HealthCheck] = [:]
        for name in checked {
            guard let facts = services[name] else { continue }
            var local: Set<InternetAddress> = []
            for slice in (slices[name] ?? [:]).values {
                for endpoint in slice.endpoints where endpoint.isReady && endpoint.isLocal {
                    local.insert(endpoint.address)
                }
            }
            result[facts.healthCheckPort] = HealthCheck(service: name, localEndpoints: local.count)
        }
        return result
    }
}

/// What a load balancer is told that asks whether to send packets to this node.
package struct HealthCheck: Sendable, Equatable {
    package var service: ServiceName
    package var localEndpoints: Int

    package init(service: ServiceName, localEndpoints: Int) {
        self.service = service
        self.localEndpoints = localEndpoints
    }

    /// In upstream's form.
    package var body: String {
        """
        {
        \t"service": {
        \t\t"namespace": "\(service.namespace)",
        \t\t"name": "\(service.name)"
        \t},
        \t"localEndpoints": \(localEndpoints),
        \t"serviceProxyHealthy": true
        }
        """
    }
}
