package import Netfilter

/// The rules of one family as they stand in the kernel, and what must change there when a service does.
package struct FamilyRules: Sendable {
    package typealias Change = (name: ServiceName, facts: ServiceFacts?, slices: [SliceFacts])

    package let table: ProxyTable
    private var written: [ServiceName: ResolvedService] = [:]
    private var claims = FrontendClaims()
    /// Services that want endpoints of this node and have only others: from inside, and from outside.
    package private(set) var withoutLocal: (internal: Set<ServiceName>, external: Set<ServiceName>) = ([], [])
    /// How many services have an endpoint's address, which is there once.
    private var uses: [[UInt8]: Int] = [:]
    private var pickers: Set<Picker> = []
    private var groups: [ServiceName: [GroupKey: UInt32]] = [:]
    private var lastGroup: UInt32 = 0

    private struct GroupKey: Hashable {
        var name: String
        var transport: TransportProtocol
        var number: UInt16
        var isLocal: Bool
    }

    package init(_ table: ProxyTable) { self.table = table }

    private var family: InternetAddress.Family { table.family }

    /// Changes of the collections' elements, gathered so that all deletions come before all additions.
    private struct Changes {
        var deleted: [ProxyTable.Collection: [SetElement]] = [:]
        var added: [ProxyTable.Collection: [SetElement]] = [:]
        /// Chains and sets that must be there before elements lead to them, and those that go after.
        var appearing = TableTransaction()
        var disappearing = TableTransaction()
    }

    /// Leads to the rules for the services as they are now (nil: gone). Returns what must be done in the kernel, and who
    /// got something that another let go: they are to be updated next.
    package mutating func update(_ services: [Change]) -> (TableTransaction, heirs: Set<ServiceName>) {
        var changes = Changes()
        var heirs: Set<ServiceName> = []
        for change in services {
            heirs.formUnion(claims.set(change.facts.map(outsidePlaces) ?? [], of: change.name))
        }
        for (name, facts, slices) in services {
            let old: ResolvedService? = written[name]
            let new: ResolvedService? = facts.map { resolve($0, slices) }
            if old == new { continue }
            apply(name, old, new, &changes)
            written[name] = new
            note(name, new)
            if new == nil { groups[name] = nil }
        }
        return (transaction(changes), heirs.subtracting(services.map(\.name)))
    }

    /// The endpoints of every UDP port by the frontends that lead to them: what connection tracking may remember.
    package func datagramFrontends() -> DatagramFrontends {
        var result = DatagramFrontends()
        for service in written.values { result.add(service, family) }
        return result
    }

    package func datagramFrontends(of name: ServiceName) -> DatagramFrontends {
        var result = DatagramFrontends()
        if let service = written[name] { result.add(service, family) }
        return result
    }

    // MARK: - Steps

    private func outside(_ facts: ServiceFacts) -> [InternetAddress] {
        guard !facts.externalAddresses.isEmpty || !facts.balancerAddresses.isEmpty else { return [] }
        return Set(facts.externalAddresses + facts.balancerAddresses).subtracting(facts.clusterAddresses)
            .filter { $0.family == family }.sorted()
    }

    private func outsidePlaces(_ facts: ServiceFacts) -> Set<FrontendClaims.Place> {
        var places: Set<FrontendClaims.Place> = []
        for address in outside(facts) {
            for port in facts.ports where !table.node.keeps(port.transport, port.number, at: address) {
                places.insert(.init(address: address, transport: port.transport, port: port.number))
            }
        }
        return places
    }

    private mutating func resolve(_ facts: ServiceFacts, _ slices: [SliceFacts]) -> ResolvedService {
        var numbers: [GroupKey: UInt32] = [:]
        let known: [GroupKey: UInt32] = groups[facts.name] ?? [:]
        let addresses: [InternetAddress] = outside(facts)
        var ports: [ResolvedService.Port] = []
        for port in facts.ports {
            var pair: [UInt32] = [0, 0]
            for (index, isLocal) in [false, true].enumerated() where facts.affinitySeconds != nil {
                let key = GroupKey(name: port.name, transport: port.transport, number: port.number, isLocal: isLocal)
                if let number = known[key] ?? numbers[key] {
                    pair[index] = number
                } else {
                    lastGroup += 1
                    pair[index] = lastGroup
                }
                numbers[key] = pair[index]
            }
            let own: [InternetAddress] = addresses.filter { address in
                claims.owner(.init(address: address, transport: port.transport, port: port.number)) == facts.name
            }
            var given: ServiceFacts.Port = port
            if table.node.keeps(port.transport, port.nodePort, at: nil) { given.nodePort = 0 }
            ports.append(
                ResolvedService.Port(
                    facts: given, choice: EndpointChoice(port, family, slices, table.node), outside: own,
                    clusterGroup: pair[0], localGroup: pair[1]))
        }
        groups[facts.name] = numbers.isEmpty ? nil : numbers
        return ResolvedService(facts: facts, ports: ports)
    }

    private mutating func note(_ name: ServiceName, _ service: ResolvedService?) {
        let lacks: Bool = service?.ports.contains { $0.choice.hasAny && $0.choice.local.isEmpty } == true
        if lacks, service?.facts.isInternalLocal == true {
            withoutLocal.internal.insert(name)
        } else {
            withoutLocal.internal.remove(name)
        }
        if lacks, service?.facts.isExternalLocal == true {
            withoutLocal.external.insert(name)
        } else {
            withoutLocal.external.remove(name)
        }
    }

    private mutating func apply(
        _ name: ServiceName, _ old: ResolvedService?, _ new: ResolvedService?, _ changes: inout Changes
    ) {
        let before: ServiceRules? = old.map { ServiceRules(family, $0) }
        let after: ServiceRules? = new.map { ServiceRules(family, $0) }
        for picker in (after?.pickers ?? []).sorted(by: { $0.chain < $1.chain }) where pickers.insert(picker).inserted {
            changes.appearing.append(.addChain(picker.chain, nil), in: table.table)
            changes.appearing.append(
                .addRule(chain: picker.chain, table.pickerRule(picker), comment: ""), in: table.table)
        }
        let oldGroups: [UInt32: AffinityGroup] = old?.groups ?? [:]
        let newGroups: [UInt32: AffinityGroup] = new?.groups ?? [:]
        for (number, group) in newGroups.sorted(by: { $0.key < $1.key }) where oldGroups[number] != group {
            group.appear(oldGroups[number], table, &changes.appearing)
        }
        for (number, group) in oldGroups.sorted(by: { $0.key < $1.key }) where newGroups[number] != group {
            group.disappear(newGroups[number], table, &changes.disappearing)
        }
        guardSources(name, old?.facts.allowedSources, new?.facts.allowedSources, &changes)
        change(from: before?.elements ?? [], to: after?.elements ?? [], &changes)
    }

    private func guardSources(_ name: ServiceName, _ old: [IPPrefix]?, _ new: [IPPrefix]?, _ changes: inout Changes) {
        guard old != new else { return }
        let chain: String = SourceGuard.chain(name)
        if let new {
            changes.appearing.append(old == nil ? .addChain(chain, nil) : .flushChain(chain), in: table.table)
            for rule in SourceGuard.rules(new, table) {
                changes.appearing.append(.addRule(chain: chain, rule, comment: ""), in: table.table)
            }
        } else {
            changes.disappearing.append(.flushChain(chain), in: table.table)
            changes.disappearing.append(.deleteChain(chain), in: table.table)
        }
    }

    private struct ElementKey: Hashable {
        var collection: ProxyTable.Collection
        var key: [UInt8]
    }

    private mutating func change(
        from before: [ServiceElement], to after: [ServiceElement], _ changes: inout Changes
    ) {
        if before.isEmpty { return add(after, &changes) }
        // A service names an endpoint's address once for each port.
        var old: [ElementKey: SetElement.Value] = [:]
        for element in before { old[ElementKey(collection: element.collection, key: element.key)] = element.value }
        var new: Set<ElementKey> = []
        new.reserveCapacity(after.count)
        for element in after {
            let key = ElementKey(collection: element.collection, key: element.key)
            guard new.insert(key).inserted else { continue }
            let previous: SetElement.Value? = old.removeValue(forKey: key)
            if previous == element.value { continue }
            if previous != nil {
                changes.deleted[element.collection, default: []].append(SetElement(element.key))
            } else if element.collection == .localEndpoints {
                uses[element.key, default: 0] += 1
                if uses[element.key] != 1 { continue }
            }
            changes.added[element.collection, default: []].append(SetElement(element.key, element.value))
        }
        for element in before {
            guard old.removeValue(forKey: ElementKey(collection: element.collection, key: element.key)) != nil else {
                continue
            }
            if element.collection == .localEndpoints {
                uses[element.key, default: 1] -= 1
                if uses[element.key] != 0 { continue }
                uses[element.key] = nil
            }
            changes.deleted[element.collection, default: []].append(SetElement(element.key))
        }
    }

    /// The elements of a service that had none: the way of a restart, where nothing needs to be compared.
    private mutating func add(_ elements: [ServiceElement], _ changes: inout Changes) {
        var locals: Set<[UInt8]> = []
        for element in elements {
            if element.collection == .localEndpoints {
                guard locals.insert(element.key).inserted else { continue }
                uses[element.key, default: 0] += 1
                if uses[element.key] != 1 { continue }
            }
            changes.added[element.collection, default: []].append(SetElement(element.key, element.value))
        }
    }

    private func transaction(_ changes: Changes) -> TableTransaction {
        var result: TableTransaction = changes.appearing
        for collection in ProxyTable.Collection.allCases {
            result.append(.deleteElements(set: collection.rawValue, changes.deleted[collection] ?? []), in: table.table)
        }
        for collection in ProxyTable.Collection.allCases {
            result.append(.addElements(set: collection.rawValue, changes.added[collection] ?? []), in: table.table)
        }
        result.append(changes.disappearing)
        return result
    }
}
