import APICore
import APIMachinery

/// What a service takes from the cluster.
extension ServiceSpec {
    static let headless = "None"

    var isExternalName: Bool { type == "ExternalName" }
    var isHeadless: Bool { clusterIPs.first == Self.headless || (clusterIPs.isEmpty && clusterIP == Self.headless) }
    /// Neither an alias nor headless.
    var takesAddresses: Bool { !isExternalName && !isHeadless }
    var takesNodePorts: Bool {
        type == "NodePort" || (type == "LoadBalancer" && allocateLoadBalancerNodePorts != false)
    }
    var takesHealthCheckPort: Bool { type == "LoadBalancer" && externalTrafficPolicy == "Local" }

    /// The addresses that it holds; none if it is headless.
    var heldAddresses: [IPAddress] {
        guard takesAddresses else { return [] }
        let texts: [String] = clusterIPs.isEmpty ? [clusterIP] : clusterIPs
        return texts.compactMap { IPAddress($0) }
    }

    /// The node ports that it holds, the health check's among them. One number may serve several protocols.
    var heldPorts: Set<Int> {
        guard !isExternalName else { return [] }
        var ports: Set<Int> = Set(self.ports.map { $0.nodePort })
        ports.insert(healthCheckNodePort)
        ports.remove(0)
        return ports
    }
}
