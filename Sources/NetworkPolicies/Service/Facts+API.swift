import API
package import APICore
import APIMachinery
package import APINetworking
import Netfilter

extension LabelMatch {
    init(_ selector: LabelSelector) {
        var requirements: [Requirement] = selector.matchLabels.map { .within($0.key, [$0.value]) }
        for expression in selector.matchExpressions {
            switch expression.operator {
            case "In": requirements.append(.within(expression.key, expression.values))
            case "NotIn": requirements.append(.outside(expression.key, expression.values))
            case "Exists": requirements.append(.exists(expression.key))
            case "DoesNotExist": requirements.append(.absent(expression.key))
            default: requirements.append(.never)
            }
        }
        self.init(requirements)
    }
}

extension StringMap where Value == String {
    var dictionary: [String: String] {
        var result: [String: String] = [:]
        for (key, value) in self { result[key] = value }
        return result
    }
}

extension PodFacts {
    /// Nil for pods without a network of their own, or an address yet, and for those that have ended.
    package init?(_ pod: Pod, node: String) {
        guard !pod.spec.hostNetwork, pod.status.phase != "Succeeded", pod.status.phase != "Failed" else { return nil }
        let texts: [String] = pod.status.podIPs.isEmpty ? [pod.status.podIP] : pod.status.podIPs.map(\.ip)
        let addresses: [InternetAddress] = texts.compactMap { InternetAddress($0) }
        guard !addresses.isEmpty else { return nil }
        var ports: [NamedPort] = []
        for container in pod.spec.containers {
            for port in container.ports where !port.name.isEmpty {
                guard let transport = TransportProtocol(port.protocol), let number = UInt16(exactly: port.containerPort)
                else { continue }
                ports.append(NamedPort(port.name, transport, number))
            }
        }
        self.init(
            namespace: pod.metadata.namespace, labels: pod.metadata.labels.dictionary, addresses: addresses,
            ports: ports,
            isLocal: pod.spec.nodeName == node)
    }
}

extension PolicyFacts {
    package init(_ policy: NetworkPolicy) {
        let spec: NetworkPolicySpec = policy.spec
        let types: [String] =
            spec.policyTypes.isEmpty ? (spec.egress.isEmpty ? ["Ingress"] : ["Ingress", "Egress"]) : spec.policyTypes
        self.init(
            namespace: policy.metadata.namespace, name: policy.metadata.name, pods: LabelMatch(spec.podSelector))
        if types.contains("Ingress") {
            ingress = spec.ingress.compactMap { Self.rule($0.from, $0.ports) }
        }
        if types.contains("Egress") {
            egress = spec.egress.compactMap { Self.rule($0.to, $0.ports) }
        }
    }

    /// Nil where peers or ports are named that nobody understands: such a rule must not become one for all.
    private static func rule(_ peers: [NetworkPolicyPeer], _ ports: [NetworkPolicyPort]) -> Rule? {
        let rule = Rule(peers: peers.compactMap(peer), ports: ports.compactMap(port))
        if rule.peers.isEmpty && !peers.isEmpty || rule.ports.isEmpty && !ports.isEmpty { return nil }
        return rule
    }

    private static func peer(_ peer: NetworkPolicyPeer) -> Peer? {
        if let block = peer.ipBlock {
            guard let range = IPPrefix(block.cidr) else { return nil }
            return .block(range, except: block.except.compactMap { IPPrefix($0) })
        }
        guard peer.podSelector != nil || peer.namespaceSelector != nil else { return nil }
        return .pods(
            peer.podSelector.map { LabelMatch($0) } ?? LabelMatch(),
            namespaces: peer.namespaceSelector.map { LabelMatch($0) })
    }

    private static func port(_ port: NetworkPolicyPort) -> Port? {
        guard let transport = TransportProtocol(port.protocol ?? "") else { return nil }
        switch port.port {
        case nil: return .every(transport)
        case .string(let name): return .named(transport, name)
        case .int(let number):
            guard let first = UInt16(exactly: number) else { return nil }
            let last: UInt16 = port.endPort.flatMap { UInt16(exactly: $0) } ?? first
            return last >= first ? .range(transport, first...last) : nil
        }
    }
}
