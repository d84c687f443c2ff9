package import Netfilter

/// The table of one family: the same few chains for any number of services, which are elements of sets and maps.
///
///     services            address . protocol . port → chain                    (ClusterIPs, external addresses)
///     service-endpoints   address . protocol . port . index → address . port
///     node-ports                    protocol . port → chain                    (any address of this node's)
///     node-port-endpoints           protocol . port . index → address . port
///
/// The chain is that of all services with as many endpoints: `pick-5` draws an index below 5 and looks up the endpoint.
/// A service whose clients stay with their endpoint has a chain of its own (`Affinity`). All of this happens for the
/// first packet of a connection only; the kernel remembers the rest.
///
/// No result of a lookup is the key of another, as in nft's own language; else `nft list ruleset` could not show it.
package struct ProxyTable: Sendable, Equatable {
    package static let name: String = "swiftlet-proxy"
    /// Upstream's bit in a packet's mark: give it this node's address.
    package static let masqueradeMark: UInt32 = 0x4000

    package enum Collection: String, Sendable, Hashable, CaseIterable {
        case serviceEndpoints = "service-endpoints", nodePortEndpoints = "node-port-endpoints"
        case innerEndpoints = "inner-endpoints", innerNodePortEndpoints = "inner-node-port-endpoints"
        case services, nodePorts = "node-ports"
        /// For clients on this node or in pods: policy Local of external addresses does not bind them.
        case innerServices = "inner-services", innerNodePorts = "inner-node-ports"
        case masquerade, masqueradeNodePorts = "masquerade-node-ports"
        case clusterAddresses = "cluster-addresses"
        /// Each address twice: with it a packet is known that a pod sent to itself.
        case localEndpoints = "local-endpoints"
        case rejected, rejectedNodePorts = "rejected-node-ports"
        case dropped, droppedNodePorts = "dropped-node-ports"
        case guarded
    }

    package let family: InternetAddress.Family
    package let node: NodeFacts

    package init(_ family: InternetAddress.Family, _ node: NodeFacts) {
        self.family = family
        self.node = node
    }

    package var table: Table { Table(family, Self.name) }

    func definition(_ collection: Collection) -> SetDefinition {
        let address: FieldType = .address(family)
        let frontend: [FieldType] = [address, .transportProtocol, .port]
        let nodePort: [FieldType] = [.transportProtocol, .port]
        let name: String = collection.rawValue
        let endpoint: SetDefinition.Content = .fields([address, .port])
        switch collection {
        case .services, .innerServices, .guarded: return SetDefinition(name, frontend, .verdict)
        case .nodePorts, .innerNodePorts: return SetDefinition(name, nodePort, .verdict)
        case .serviceEndpoints, .innerEndpoints: return SetDefinition(name, frontend + [.mark], endpoint)
        case .nodePortEndpoints, .innerNodePortEndpoints: return SetDefinition(name, nodePort + [.mark], endpoint)
        case .masquerade, .rejected, .dropped: return SetDefinition(name, frontend)
        case .masqueradeNodePorts, .rejectedNodePorts, .droppedNodePorts: return SetDefinition(name, nodePort)
        case .clusterAddresses: return SetDefinition(name, [address])
        case .localEndpoints: return SetDefinition(name, [address, address])
        }
    }

    /// The table with everything but services, in the place of what was there.
    package func skeleton() -> TableTransaction {
        var transaction = TableTransaction()
        transaction.replace(table)
        for collection in Collection.allCases { transaction.append(.addSet(definition(collection)), in: table) }
        for chain in ["services", "guard", "unserved", "unserved-outside", "refuse", "mark-masquerade"] {
            transaction.append(.addChain(chain, nil), in: table)
        }
        let bases: [(String, Hook)] = [
            ("guard-prerouting", Hook(.filter, .prerouting, priority: -110)),
            ("guard-output", Hook(.filter, .output, priority: -110)),
            ("nat-prerouting", Hook(.nat, .prerouting, priority: -100)),
            ("nat-output", Hook(.nat, .output, priority: -100)),
            ("nat-postrouting", Hook(.nat, .postrouting, priority: 100)),
            ("filter-input", Hook(.filter, .input, priority: 0)),
            ("filter-forward", Hook(.filter, .forward, priority: 0)),
            ("filter-output", Hook(.filter, .output, priority: 0)),
        ]
        for (name, hook) in bases { transaction.append(.addChain(name, hook), in: table) }
        let parts: [(chain: String, rules: [(String, [Expression])])] = [
            ("guard-prerouting", [("", isNew + [.verdict(.jump("guard"))])]),
            ("guard-output", [("", isNew + [.verdict(.jump("guard"))])]),
            (
                "guard",
                [
                    (
                        "load balancers with source ranges",
                        frontendKey(0) + [.lookupVerdict(map: Collection.guarded.rawValue, Register(0))]
                    )
                ]
            ),
            ("nat-prerouting", [("", [.verdict(.jump("services"))])]),
            ("nat-output", [("", [.verdict(.jump("services"))])]),
            ("services", serviceRules),
            ("mark-masquerade", [("", setMarkBit)]),
            ("nat-postrouting", masqueradeRules),
            ("filter-input", [("", isNew + [.verdict(.jump("unserved-outside"))])]),
            ("filter-forward", [("", isNew + [.verdict(.jump("unserved"))])]),
            ("filter-output", [("", isNew + [.verdict(.jump("unserved"))])]),
            ("refuse", refuseRules),
            ("unserved", unservedRules),
            ("unserved-outside", unservedOutsideRules),
        ]
        for (chain, rules) in parts {
            for (comment, rule) in rules {
                transaction.append(.addRule(chain: chain, rule, comment: comment), in: table)
            }
        }
        return transaction
    }

    // MARK: - Chains

    private var serviceRules: [(String, [Expression])] {
        var rules: [(String, [Expression])] = []
        let mark: Expression = .verdict(.jump("mark-masquerade"))
        if !podRanges.isEmpty {
            rules.append(
                (
                    "to a cluster address from outside of pods",
                    destination(0) + [.lookup(set: Collection.clusterAddresses.rawValue, Register(0))]
                        + podRanges.flatMap { isSource(in: $0, false) } + [mark]
                ))
        }
        rules.append(("", frontendKey(0) + [.lookup(set: Collection.masquerade.rawValue, Register(0)), mark]))
        rules.append(
            ("", toNode + nodePortKey(0) + [.lookup(set: Collection.masqueradeNodePorts.rawValue, Register(0)), mark]))
        for (way, comment, condition) in turns {
            rules.append((comment, condition + key(way) + [.lookupVerdict(map: way.map.rawValue, Register(0))]))
        }
        return rules
    }

    private var masqueradeRules: [(String, [Expression])] {
        let bit: [UInt8] = hostBytes(Self.masqueradeMark)
        let zero: [UInt8] = hostBytes(0)
        let local: String = Collection.localEndpoints.rawValue
        let slots: Int = family.byteCount / 4
        var rules: [(String, [Expression])] = []
        rules.append(
            (
                "from outside, to a backend that answers another way",
                [
                    .meta(.mark, Register(0)), .bitwise(Register(0), into: Register(1), mask: bit, xor: zero),
                    .compare(Register(1), .unequal, zero),
                    .bitwise(Register(0), into: Register(0), mask: hostBytes(~Self.masqueradeMark), xor: zero),
                    .setMark(Register(0)),
                ] + destination(4) + destination(4 + slots)
                    + [.lookup(set: local, Register(4), inverted: true), .masquerade]
            ))
        rules.append(
            (
                "to itself by way of a service",
                isTranslated + source(0) + destination(slots) + [.lookup(set: local, Register(0)), .masquerade]
            ))
        if !node.bridgeFilters {
            for range in podRanges {
                rules.append(
                    (
                        "between pods of one bridge, whose answers would not come by here",
                        isTranslated + isSource(in: range, true) + isDestination(in: range) + [.masquerade]
                    ))
            }
        }
        return rules
    }

    private var refuseRules: [(String, [Expression])] {
        [
            (
                "",
                [
                    .meta(.transportProtocol, Register(0)),
                    .compare(Register(0), .equal, [TransportProtocol.tcp.rawValue]), .rejectReset,
                ]
            ), ("", [.rejectUnreachable(family)]),
        ]
    }

    /// What was not led anywhere, and is for a service: on the way through, or from this node.
    private var unservedRules: [(String, [Expression])] {
        unservedOutsideRules + [
            (
                "no such port",
                destination(0) + [
                    .lookup(set: Collection.clusterAddresses.rawValue, Register(0)), .verdict(.goto("refuse")),
                ]
            )
        ]
            + node.serviceRanges.filter { $0.family == family }.map { range in
                (
                    "no such service",
                    isDestination(in: range) + [
                        .addressKind(ofSource: false, Register(0)), .compare(Register(0), .unequal, hostBytes(2)),
                        .verdict(.drop),
                    ]
                )
            }
    }

    private var unservedOutsideRules: [(String, [Expression])] {
        let byAddress: [Expression] = frontendKey(0)
        let byPort: [Expression] = toNode + nodePortKey(0)
        // A service's address that this node has itself is somebody's who listens here.
        let notOwn: [Expression] =
            destination(0) + [.lookup(set: Collection.clusterAddresses.rawValue, Register(0))] + isToThisNode
            + [.verdict(.return)]
        return [
            ("a listener of this node's", notOwn),
            (
                "no endpoints",
                byAddress + [.lookup(set: Collection.rejected.rawValue, Register(0)), .verdict(.goto("refuse"))]
            ),
            (
                "no local endpoints",
                byAddress + [.lookup(set: Collection.dropped.rawValue, Register(0)), .verdict(.drop)]
            ),
            (
                "no endpoints",
                byPort + [.lookup(set: Collection.rejectedNodePorts.rawValue, Register(0)), .verdict(.goto("refuse"))]
            ),
            (
                "no local endpoints",
                byPort + [.lookup(set: Collection.droppedNodePorts.rawValue, Register(0)), .verdict(.drop)]
            ),
        ]
    }

    // MARK: - Expressions

    var podRanges: [IPPrefix] { node.podRanges.filter { $0.family == family } }

    func source(_ register: Int) -> [Expression] {
        [.networkHeader(offset: family == .ip4 ? 12 : 8, length: family.byteCount, Register(register))]
    }

    func destination(_ register: Int) -> [Expression] {
        [.networkHeader(offset: family == .ip4 ? 16 : 24, length: family.byteCount, Register(register))]
    }

    /// address . protocol . port
    func frontendKey(_ register: Int) -> [Expression] {
        destination(register) + nodePortKey(register + family.byteCount / 4)
    }

    /// protocol . port
    func nodePortKey(_ register: Int) -> [Expression] {
        [
            .meta(.transportProtocol, Register(register)),
            .transportHeader(offset: 2, length: 2, Register(register + 1)),
        ]
    }

    private func hostBytes(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

    private var isNew: [Expression] {
        // NF_CT_STATE_BIT(IP_CT_NEW) is 8.
        [
            .connection(.state, Register(0)),
            .bitwise(Register(0), into: Register(0), mask: hostBytes(8), xor: hostBytes(0)),
            .compare(Register(0), .unequal, hostBytes(0)),
        ]
    }

    private var isTranslated: [Expression] {
        // IPS_DST_NAT is 32.
        [
            .connection(.status, Register(0)),
            .bitwise(Register(0), into: Register(0), mask: hostBytes(32), xor: hostBytes(0)),
            .compare(Register(0), .unequal, hostBytes(0)),
        ]
    }

    private var setMarkBit: [Expression] {
        [
            .meta(.mark, Register(0)),
            .bitwise(
                Register(0), into: Register(0), mask: hostBytes(~Self.masqueradeMark),
                xor: hostBytes(Self.masqueradeMark)),
            .setMark(Register(0)),
        ]
    }

    private var isToThisNode: [Expression] {
        [.addressKind(ofSource: false, Register(0)), .compare(Register(0), .equal, hostBytes(2))]
    }

    /// To an address of this node's that others can reach too.
    private var toNode: [Expression] {
        let notLoopback: [Expression] =
            family == .ip4
            ? [
                .networkHeader(offset: 16, length: 4, Register(0)),
                .bitwise(Register(0), into: Register(0), mask: [255, 0, 0, 0], xor: [0, 0, 0, 0]),
                .compare(Register(0), .unequal, [127, 0, 0, 0]),
            ]
            : destination(0) + [.compare(Register(0), .unequal, [UInt8](repeating: 0, count: 15) + [1])]
        return isToThisNode + notLoopback
    }

    func isSource(in range: IPPrefix, _ isWanted: Bool) -> [Expression] {
        source(0) + compared(range, isWanted)
    }

    func isDestination(in range: IPPrefix) -> [Expression] { destination(0) + compared(range, true) }

    private func compared(_ range: IPPrefix, _ isWanted: Bool) -> [Expression] {
        [
            .bitwise(
                Register(0), into: Register(0), mask: range.mask, xor: [UInt8](repeating: 0, count: family.byteCount)),
            .compare(Register(0), isWanted ? .equal : .unequal, range.address.bytes),
        ]
    }

    // MARK: - Ways

    /// The order in which ways are tried, each on a condition.
    private var turns: [(Way, String, [Expression])] {
        let fromNode: [Expression] = [
            .addressKind(ofSource: true, Register(0)), .compare(Register(0), .equal, hostBytes(2)),
        ]
        let inner: [(String, [Expression])] =
            podRanges.map { ("from pods", isSource(in: $0, true)) } + [("from this node", fromNode)]
        var turns: [(Way, String, [Expression])] = []
        for way in [Way.inner, .innerNodePort] {
            for (comment, condition) in inner { turns.append((way, comment, condition)) }
        }
        return turns + [(.service, "", []), (.nodePort, "", [])]
    }

    /// The key by which a way's maps know a packet, from register 0; `toNode` is its condition, not part of it.
    private func key(_ way: Way) -> [Expression] { way.isNodePort ? toNode + nodePortKey(0) : frontendKey(0) }

    /// The chain of all frontends with so many endpoints.
    func pickerRule(_ picker: Picker) -> [Expression] {
        let way: Way = picker.way
        let index: Int = way.isNodePort ? 2 : family.byteCount / 4 + 2
        let drawn: Expression =
            picker.count == 1
            ? .immediate(Register(index), hostBytes(0)) : .random(modulus: picker.count, Register(index))
        return (way.isNodePort ? nodePortKey(0) : frontendKey(0)) + [
            drawn, .lookupValue(map: way.endpoints.rawValue, Register(0), into: Register(0)),
            .destinationNAT(family, address: Register(0), port: Register(family.byteCount / 4)),
        ]
    }
}

/// How a packet is found to be for a service.
enum Way: String, Hashable, Sendable {
    case service = "pick", nodePort = "pick-node-port", inner = "pick-inner", innerNodePort = "pick-inner-node-port"

    var isNodePort: Bool { self == .nodePort || self == .innerNodePort }

    /// Leads to a chain.
    var map: ProxyTable.Collection {
        switch self {
        case .service: .services
        case .nodePort: .nodePorts
        case .inner: .innerServices
        case .innerNodePort: .innerNodePorts
        }
    }

    var endpoints: ProxyTable.Collection {
        switch self {
        case .service: .serviceEndpoints
        case .nodePort: .nodePortEndpoints
        case .inner: .innerEndpoints
        case .innerNodePort: .innerNodePortEndpoints
        }
    }
}

/// A chain that draws one of so many endpoints.
struct Picker: Hashable, Sendable {
    var way: Way
    var count: Int

    var chain: String { "\(way.rawValue)-\(count)" }
}
