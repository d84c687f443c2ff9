package import APIMachinery
package import APINetworking
import Codec

extension NetworkPolicy {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = Validation.labelSelector(spec.podSelector, at: path.child("podSelector"))
        for (index, rule) in spec.ingress.enumerated() {
            let place: FieldPath = path.child("ingress").index(index)
            errors += Self.ports(rule.ports, place.child("ports"))
            errors += Self.peers(rule.from, place.child("from"))
        }
        for (index, rule) in spec.egress.enumerated() {
            let place: FieldPath = path.child("egress").index(index)
            errors += Self.ports(rule.ports, place.child("ports"))
            errors += Self.peers(rule.to, place.child("to"))
        }
        let types: FieldPath = path.child("policyTypes")
        if spec.policyTypes.count > 2 {
            errors.append(.invalid(types, spec.policyTypes, "may not specify more than two policyTypes"))
            return errors
        }
        for (index, type) in spec.policyTypes.enumerated() {
            errors += Rule.oneOf(type, ["Egress", "Ingress"], types.index(index))
        }
        return errors
    }

    private static func ports(_ ports: [NetworkPolicyPort], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, port) in ports.enumerated() {
            let place: FieldPath = path.index(index)
            errors += Rule.optionalChoice(port.protocol, PortRules.protocols, place.child("protocol"))
            if let value = port.port { errors += Rule.port(value, place.child("port")) }
            guard let end = port.endPort else { continue }
            let field: FieldPath = place.child("endPort")
            switch port.port {
            case nil: errors.append(.invalid(field, end, "may not be specified when `port` is not specified"))
            case .string: errors.append(.invalid(field, end, "may not be specified when `port` is non-numeric"))
            case .int(let first):
                if end < first {
                    errors.append(.invalid(field, end, "must be greater than or equal to `port`"))
                } else {
                    errors += Rule.portNumber(end, field)
                }
            }
        }
        return errors
    }

    private static func peers(_ peers: [NetworkPolicyPeer], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, peer) in peers.enumerated() {
            let place: FieldPath = path.index(index)
            errors += Validation.labelSelector(peer.podSelector, at: place.child("podSelector"))
            errors += Validation.labelSelector(peer.namespaceSelector, at: place.child("namespaceSelector"))
            let hasSelector: Bool = peer.podSelector != nil || peer.namespaceSelector != nil
            if let block = peer.ipBlock {
                errors += self.block(block, place.child("ipBlock"))
                if hasSelector {
                    errors.append(.forbidden(place, "may not specify both ipBlock and another peer"))
                }
            } else if !hasSelector {
                errors.append(.required(place, "must specify a peer"))
            }
        }
        return errors
    }

    private static func block(_ block: IPBlock, _ path: FieldPath) -> FieldErrors {
        if block.cidr.isEmpty { return [.required(path.child("cidr"))] }
        var errors: FieldErrors = NameRules.cidr(block.cidr, at: path.child("cidr"))
        guard let outer = CIDR(block.cidr) else { return errors }
        for (index, except) in block.except.enumerated() {
            let field: FieldPath = path.child("except").index(index)
            errors += NameRules.cidr(except, at: field)
            guard let inner = CIDR(except) else { continue }
            if !outer.contains(inner.network) || inner.prefixLength <= outer.prefixLength {
                errors.append(.invalid(field, except, "must be a strict subset of `cidr`"))
            }
        }
        return errors
    }
}
