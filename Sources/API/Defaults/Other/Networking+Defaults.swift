package import APIDiscovery
import APIMachinery
package import APINetworking
import Codec

extension NetworkPolicy {
    package mutating func setDefaults() {
        for rule in spec.ingress.indices {
            for port in spec.ingress[rule].ports.indices where spec.ingress[rule].ports[port].protocol == nil {
                spec.ingress[rule].ports[port].protocol = "TCP"
            }
        }
        for rule in spec.egress.indices {
            for port in spec.egress[rule].ports.indices where spec.egress[rule].ports[port].protocol == nil {
                spec.egress[rule].ports[port].protocol = "TCP"
            }
        }
        // A policy is always about ingress, unless it says otherwise; about egress if it has such rules.
        if spec.policyTypes.isEmpty { spec.policyTypes = spec.egress.isEmpty ? ["Ingress"] : ["Ingress", "Egress"] }
    }
}

extension IngressClass {
    package mutating func setDefaults() {
        if spec.parameters != nil, spec.parameters?.scope == nil { spec.parameters?.scope = "Cluster" }
    }
}

extension EndpointSlice {
    package mutating func setDefaults() {
        for index in ports.indices {
            if ports[index].name == nil { ports[index].name = "" }
            if ports[index].protocol == nil { ports[index].protocol = "TCP" }
        }
    }
}
