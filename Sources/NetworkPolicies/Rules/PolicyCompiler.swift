package import Netfilter

/// Makes of policies and pods the table that enforces them: a pure function.
///
///     forward: answers of allowed connections pass; saddr → egress-… of the pods that are alike; daddr → ingress-…
///     ingress-…: for each rule of each policy: (peers)(ports) return; at last: drop
///
/// It is about packets that the node forwards: what a pod and its own node say to each other always passes, as upstream
/// demands. An address that was a service's is the endpoint's by then. A connection that is forbidden from now on
/// ends, since its client's packets are looked at each time; others never notice.
package struct PolicyCompiler: Sendable {
    package static let table: String = "swiftlet-policies"

    private let family: InternetAddress.Family
    private var state = TableState()

    private enum Direction: String {
        case ingress, egress
    }

    private init(_ family: InternetAddress.Family) { self.family = family }

    /// - Parameter namespaces: the labels of each.
    package static func compile(
        _ family: InternetAddress.Family, _ policies: [PolicyFacts], _ pods: [PodFacts],
        namespaces: [String: [String: String]]
    ) -> TableState {
        var compiler = PolicyCompiler(family)
        compiler.compile(policies, pods.filter { pod in pod.addresses.contains { $0.family == family } }, namespaces)
        return compiler.state
    }

    private mutating func compile(
        _ policies: [PolicyFacts], _ pods: [PodFacts], _ namespaces: [String: [String: String]]
    ) {
        let byNamespace: [String: [PolicyFacts]] = Dictionary(grouping: policies, by: \.namespace)
        let address: FieldType = .address(family)
        var targets: [Direction: [[UInt8]: SetElement.Value]] = [.ingress: [:], .egress: [:]]
        var own: [[UInt8]: SetElement.Value] = [:]
        for pod in pods where pod.isLocal {
            let selecting: [PolicyFacts] = (byNamespace[pod.namespace] ?? []).filter { $0.pods.matches(pod.labels) }
            for direction in [Direction.ingress, .egress] {
                let binding: [PolicyFacts] = selecting.filter { rules($0, direction) != nil }
                    .sorted { $0.name < $1.name }
                if binding.isEmpty { continue }
                let chain: String = self.chain(of: binding, direction, pods, namespaces)
                for own in pod.addresses where own.family == family {
                    targets[direction]?[own.bytes] = .verdict(.jump(chain))
                }
            }
            if selecting.isEmpty { continue }
            for address in pod.addresses where address.family == family {
                own[address.bytes + address.bytes] = .nothing
            }
        }
        guard !own.isEmpty else {
            state = TableState()
            return
        }
        for (direction, elements) in targets {
            state.sets[direction.rawValue] = .init(SetDefinition(direction.rawValue, [address], .verdict), elements)
        }
        state.sets["selves"] = .init(SetDefinition("selves", [address, address]), own)
        state.chains["forward"] = .init(hook: Hook(.filter, .forward, priority: 10), rules: forwardRules)
    }

    private func rules(_ policy: PolicyFacts, _ direction: Direction) -> [PolicyFacts.Rule]? {
        direction == .ingress ? policy.ingress : policy.egress
    }

    // MARK: - Chains

    private var forwardRules: [[Expression]] {
        let register = Register(0)
        let zero: [UInt8] = RegisterBytes.number(0)
        func state(_ bits: UInt32) -> [Expression] {
            [
                .connection(.state, register),
                .bitwise(register, into: register, mask: RegisterBytes.number(bits), xor: zero),
                .compare(register, .unequal, zero),
            ]
        }
        let both: [Expression] =
            address(.ingress, other: true, 0) + address(.ingress, other: false, family.byteCount / 4)
        var rules: [[Expression]] = []
        // Related (4) are errors about connections that are there.
        rules.append(state(4) + [.verdict(.return)])
        // Established (2), and from the one who was asked (IP_CT_DIR_REPLY).
        rules.append(
            state(2) + [
                .connection(.direction, register), .compare(register, .equal, [1]), .verdict(.return),
            ])
        if family == .ip6 {
            // Neighbours find each other by ICMPv6 133 to 137, across the bridge too.
            rules.append([
                .meta(.transportProtocol, register), .compare(register, .equal, [58]),
                .transportHeader(offset: 0, length: 1, register), .compare(register, .atLeast, [133]),
                .compare(register, .atMost, [137]), .verdict(.return),
            ])
        }
        rules.append(both + [.lookup(set: "selves", register), .verdict(.return)])
        rules.append(address(.egress, other: false, 0) + [.lookupVerdict(map: Direction.egress.rawValue, register)])
        rules.append(address(.ingress, other: false, 0) + [.lookupVerdict(map: Direction.ingress.rawValue, register)])
        return rules
    }

    /// Loads the address of the isolated pod, or of the other side.
    private func address(_ direction: Direction, other: Bool, _ register: Int) -> [Expression] {
        let isSource: Bool = (direction == .egress) != other
        let offset: Int = family == .ip4 ? (isSource ? 12 : 16) : (isSource ? 8 : 24)
        return [.networkHeader(offset: offset, length: family.byteCount, Register(register))]
    }

    /// The chain of all pods that these policies, and no others, select. Made when first asked for.
    private mutating func chain(
        of policies: [PolicyFacts], _ direction: Direction, _ pods: [PodFacts], _ namespaces: [String: [String: String]]
    ) -> String {
        let key: String = policies.map(\.description).joined(separator: ",")
        let name: String = "\(direction.rawValue)-\(ShortName.digest(key))"
        if state.chains[name] != nil { return name }
        state.chains[name] = TableState.Chain()
        var chain: [[Expression]] = []
        for policy in policies {
            for (index, rule) in (rules(policy, direction) ?? []).enumerated() {
                let prefix: String = ShortName.make(
                    direction == .ingress ? "from-" : "to-", "\(policy.description)-\(index)")
                let others: [PodFacts] = matching(rule.peers, policy, pods, namespaces)
                let peers: [[Expression]] = self.peers(rule, others, prefix, direction)
                let targets: [PodFacts] =
                    direction == .egress
                    ? (rule.peers.isEmpty ? pods : others)
                    : pods.filter { $0.namespace == policy.namespace && policy.pods.matches($0.labels) }
                let ports: [[Expression]] = self.ports(rule, targets, prefix)
                for peer in peers { for port in ports { chain.append(peer + port + [.verdict(.return)]) } }
            }
        }
        chain.append([.verdict(.drop)])
        state.chains[name]?.rules = chain
        return name
    }

    private func matching(
        _ peers: [PolicyFacts.Peer], _ policy: PolicyFacts, _ pods: [PodFacts], _ namespaces: [String: [String: String]]
    ) -> [PodFacts] {
        pods.filter { pod in
            peers.contains { peer in
                guard case .pods(let labels, let wanted) = peer else { return false }
                let isThere: Bool =
                    wanted.map { $0.matches(namespaces[pod.namespace] ?? [:]) } ?? (pod.namespace == policy.namespace)
                return isThere && labels.matches(pod.labels)
            }
        }
    }

    /// The ways in which a packet's other side may be meant; one without expressions is everyone.
    private mutating func peers(
        _ rule: PolicyFacts.Rule, _ pods: [PodFacts], _ prefix: String, _ direction: Direction
    ) -> [[Expression]] {
        if rule.peers.isEmpty { return [[]] }
        var ways: [[Expression]] = []
        for case .block(let block, let exceptions) in rule.peers where block.family == family {
            var way: [Expression] = compared(block, direction, .equal)
            for exception in exceptions where exception.family == family {
                way += compared(exception, direction, .unequal)
            }
            ways.append(way)
        }
        let selectsPods: Bool = rule.peers.contains { if case .pods = $0 { true } else { false } }
        if selectsPods {
            var elements: [[UInt8]: SetElement.Value] = [:]
            for pod in pods { for own in pod.addresses where own.family == family { elements[own.bytes] = .nothing } }
            state.sets[prefix] = .init(SetDefinition(prefix, [.address(family)]), elements)
            ways.append(address(direction, other: true, 0) + [.lookup(set: prefix, Register(0))])
        }
        return ways
    }

    private func compared(_ block: IPPrefix, _ direction: Direction, _ comparison: Expression.Comparison)
        -> [Expression]
    {
        let zero = [UInt8](repeating: 0, count: family.byteCount)
        return address(direction, other: true, 0) + [
            .bitwise(Register(0), into: Register(0), mask: block.mask, xor: zero),
            .compare(Register(0), comparison, block.address.bytes),
        ]
    }

    private mutating func ports(_ rule: PolicyFacts.Rule, _ targets: [PodFacts], _ prefix: String) -> [[Expression]] {
        if rule.ports.isEmpty { return [[]] }
        let slots: Int = family.byteCount / 4
        var ways: [[Expression]] = []
        var single: [[UInt8]: SetElement.Value] = [:]
        var named: [[UInt8]: SetElement.Value] = [:]
        var hasNamed: Bool = false
        for port in rule.ports {
            switch port {
            case .every(let transport):
                ways.append([
                    .meta(.transportProtocol, Register(0)), .compare(Register(0), .equal, [transport.rawValue]),
                ])
            case .range(let transport, let range) where range.count == 1:
                single[RegisterBytes.transport(transport) + RegisterBytes.port(range.lowerBound)] = .nothing
            case .range(let transport, let range):
                ways.append([
                    .meta(.transportProtocol, Register(0)), .compare(Register(0), .equal, [transport.rawValue]),
                    .transportHeader(offset: 2, length: 2, Register(0)),
                    .compare(Register(0), .atLeast, Array(RegisterBytes.port(range.lowerBound).prefix(2))),
                    .compare(Register(0), .atMost, Array(RegisterBytes.port(range.upperBound).prefix(2))),
                ])
            case .named(let transport, let name):
                hasNamed = true
                for pod in targets {
                    for own in pod.ports where own.name == name && own.transport == transport {
                        for address in pod.addresses where address.family == family {
                            let key: [UInt8] = address.bytes + RegisterBytes.transport(transport)
                            named[key + RegisterBytes.port(own.number)] = .nothing
                        }
                    }
                }
            }
        }
        if !single.isEmpty {
            let name: String = prefix + "-ports"
            state.sets[name] = .init(SetDefinition(name, [.transportProtocol, .port]), single)
            ways.append(place(0) + [.lookup(set: name, Register(0))])
        }
        if hasNamed {
            let name: String = prefix + "-named-ports"
            state.sets[name] = .init(SetDefinition(name, [.address(family), .transportProtocol, .port]), named)
            ways.append(address(.ingress, other: false, 0) + place(slots) + [.lookup(set: name, Register(0))])
        }
        return ways
    }

    /// protocol . port of the destination
    private func place(_ register: Int) -> [Expression] {
        [
            .meta(.transportProtocol, Register(register)),
            .transportHeader(offset: 2, length: 2, Register(register + 1)),
        ]
    }
}
