package import APICore
import APIMachinery
import Codec

extension Service {
    package mutating func setDefaults() {
        spec.setDefaults()
        guard spec.type == "LoadBalancer" else { return }
        for index in status.loadBalancer.ingress.indices
        where !status.loadBalancer.ingress[index].ip.isEmpty && status.loadBalancer.ingress[index].ipMode == nil {
            status.loadBalancer.ingress[index].ipMode = "VIP"
        }
    }
}

extension ServiceSpec {
    private static let clientIPTimeoutSeconds: Int = 10_800

    fileprivate mutating func setDefaults() {
        if sessionAffinity.isEmpty { sessionAffinity = "None" }
        if sessionAffinity == "None" { sessionAffinityConfig = nil }
        if sessionAffinity == "ClientIP", sessionAffinityConfig?.clientIP?.timeoutSeconds == nil {
            sessionAffinityConfig = SessionAffinityConfig.with { config in
                config.clientIP = ClientIPConfig.with { $0.timeoutSeconds = Self.clientIPTimeoutSeconds }
            }
        }
        if type.isEmpty { type = "ClusterIP" }
        for index in ports.indices { ports[index].setDefaults() }
        let isReachableFromOutside: Bool =
            type == "NodePort" || type == "LoadBalancer" || (type == "ClusterIP" && !externalIPs.isEmpty)
        if externalTrafficPolicy.isEmpty, isReachableFromOutside { externalTrafficPolicy = "Cluster" }
        if internalTrafficPolicy == nil, type != "ExternalName" { internalTrafficPolicy = "Cluster" }
        if type == "LoadBalancer", allocateLoadBalancerNodePorts == nil { allocateLoadBalancerNodePorts = true }
    }
}

extension ServicePort {
    fileprivate mutating func setDefaults() {
        if self.protocol.isEmpty { self.protocol = "TCP" }
        if targetPort == .int(0) || targetPort == .string("") { targetPort = .int(port) }
    }
}

extension Endpoints {
    package mutating func setDefaults() {
        for subset in subsets.indices {
            for port in subsets[subset].ports.indices where subsets[subset].ports[port].protocol.isEmpty {
                subsets[subset].ports[port].protocol = "TCP"
            }
        }
    }
}
