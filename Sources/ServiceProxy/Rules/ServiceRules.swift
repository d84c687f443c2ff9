import Netfilter

/// A service in one family with everything that decides its rules.
package struct ResolvedService: Sendable, Equatable {
    package struct Port: Sendable, Equatable {
        var facts: ServiceFacts.Port
        var choice: EndpointChoice
        /// The external and load balancer's addresses at which no other service has this port.
        var outside: [InternetAddress]
        /// The numbers of its two groups of backends. They never change and are never given to another.
        var clusterGroup: UInt32
        var localGroup: UInt32
    }

    package var facts: ServiceFacts
    package var ports: [Port]

    var groups: [UInt32: AffinityGroup] {
        guard let seconds = facts.affinitySeconds else { return [:] }
        var groups: [UInt32: AffinityGroup] = [:]
        for port in ports {
            let pairs: [(UInt32, [Backend])] = [
                (port.clusterGroup, port.choice.cluster), (port.localGroup, port.choice.local),
            ]
            for (number, backends) in pairs where !backends.isEmpty && uses(number, of: port) {
                groups[number] = AffinityGroup(number: number, seconds: seconds, backends: backends)
            }
        }
        return groups
    }

    private func uses(_ number: UInt32, of port: Port) -> Bool {
        if number == port.localGroup { return facts.isInternalLocal || facts.isExternalLocal }
        return true
    }
}

/// What one service puts into the sets and maps of a table.
struct ServiceElement: Sendable, Hashable {
    var collection: ProxyTable.Collection
    var key: [UInt8]
    var value: SetElement.Value = .nothing
}

/// The rules for one service: a pure function of its facts.
struct ServiceRules {
    let family: InternetAddress.Family
    private(set) var elements: [ServiceElement] = []
    private(set) var pickers: Set<Picker> = []

    init(_ family: InternetAddress.Family, _ service: ResolvedService) {
        self.family = family
        let facts: ServiceFacts = service.facts
        let cluster: [InternetAddress] = facts.clusterAddresses.filter { $0.family == family }
        for address in cluster { elements.append(ServiceElement(collection: .clusterAddresses, key: address.bytes)) }
        for port in service.ports {
            for address in port.choice.localAddresses {
                elements.append(ServiceElement(collection: .localEndpoints, key: address.bytes + address.bytes))
            }
            let everywhere: Group = Group(port.choice.cluster, port.clusterGroup, port, facts)
            let here: Group = Group(port.choice.local, port.localGroup, port, facts)
            for address in cluster {
                add(facts.isInternalLocal ? here : everywhere, at: frontend(address, port), .service)
            }
            for address in port.outside {
                addOutside(everywhere, here, facts, at: frontend(address, port), isNodePort: false)
            }
            if port.facts.nodePort != 0 {
                let key: [UInt8] =
                    RegisterBytes.transport(port.facts.transport) + RegisterBytes.port(port.facts.nodePort)
                addOutside(everywhere, here, facts, at: key, isNodePort: true)
            }
            guard facts.allowedSources != nil else { continue }
            for address in port.outside where facts.balancerAddresses.contains(address) {
                let chain: Verdict = .goto(SourceGuard.chain(facts.name))
                elements.append(
                    ServiceElement(collection: .guarded, key: frontend(address, port), value: .verdict(chain)))
            }
        }
    }

    /// Backends that a frontend may lead to.
    private struct Group {
        var backends: [Backend]
        var hasAny: Bool
        /// The chain of its own, if clients stay.
        var chain: String?

        init(_ backends: [Backend], _ number: UInt32, _ port: ResolvedService.Port, _ facts: ServiceFacts) {
            self.backends = backends
            hasAny = port.choice.hasAny
            chain = facts.affinitySeconds == nil ? nil : AffinityGroup.chain(number)
        }
    }

    private mutating func add(_ group: Group, at key: [UInt8], _ way: Way) {
        guard !group.backends.isEmpty else {
            let refusal: ProxyTable.Collection =
                group.hasAny
                ? (way.isNodePort ? .droppedNodePorts : .dropped) : (way.isNodePort ? .rejectedNodePorts : .rejected)
            elements.append(ServiceElement(collection: refusal, key: key))
            return
        }
        if let chain = group.chain {
            elements.append(ServiceElement(collection: way.map, key: key, value: .verdict(.goto(chain))))
            return
        }
        let picker = Picker(way: way, count: group.backends.count)
        pickers.insert(picker)
        elements.append(ServiceElement(collection: way.map, key: key, value: .verdict(.goto(picker.chain))))
        for (index, backend) in group.backends.enumerated() {
            var place: [UInt8] = []
            place.reserveCapacity(20)
            backend.address.append(to: &place)
            place += RegisterBytes.port(backend.port)
            elements.append(
                ServiceElement(
                    collection: way.endpoints, key: key + RegisterBytes.number(UInt32(index)), value: .bytes(place)))
        }
    }

    private mutating func addOutside(
        _ everywhere: Group, _ here: Group, _ facts: ServiceFacts, at key: [UInt8], isNodePort: Bool
    ) {
        if facts.isExternalLocal {
            if !everywhere.backends.isEmpty { add(everywhere, at: key, isNodePort ? .innerNodePort : .inner) }
            add(here, at: key, isNodePort ? .nodePort : .service)
        } else {
            elements.append(ServiceElement(collection: isNodePort ? .masqueradeNodePorts : .masquerade, key: key))
            add(everywhere, at: key, isNodePort ? .nodePort : .service)
        }
    }

    private func frontend(_ address: InternetAddress, _ port: ResolvedService.Port) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(family.byteCount + 12)
        address.append(to: &key)
        key += RegisterBytes.transport(port.facts.transport)
        key += RegisterBytes.port(port.facts.number)
        return key
    }
}

/// The chain of a service whose load balancer's addresses are for some only.
enum SourceGuard {
    static func chain(_ name: ServiceName) -> String { ShortName.make("sources-", name.description) }

    static func rules(_ allowed: [IPPrefix], _ table: ProxyTable) -> [[Expression]] {
        allowed.filter { $0.family == table.family }.map { table.isSource(in: $0, true) + [.verdict(.return)] }
            + [[.verdict(.drop)]]
    }
}
