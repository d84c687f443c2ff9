import APICore
import APIMachinery
import Codec

/// What becomes of allocated values when a service is updated: clients that leave them out mean to keep them, and a
/// service of another type drops what it has no use for, unless the client changes it at the same time.
extension ServiceSpec {
    private var needsClusterIP: Bool { type == "ClusterIP" || type == "NodePort" || type == "LoadBalancer" }
    private var needsNodePorts: Bool {
        type == "NodePort" || (type == "LoadBalancer" && allocateLoadBalancerNodePorts != false)
    }
    private var mayHaveNodePorts: Bool { type == "NodePort" || type == "LoadBalancer" }
    private var needsHealthCheckNodePort: Bool { type == "LoadBalancer" && externalTrafficPolicy == "Local" }
    private var isReachableFromOutside: Bool {
        type == "NodePort" || type == "LoadBalancer" || (type == "ClusterIP" && !externalIPs.isEmpty)
    }

    private struct PortKey: Hashable {
        var port: Int
        var `protocol`: String
    }

    mutating func keepAllocated(of old: ServiceSpec) {
        if needsClusterIP, old.needsClusterIP {
            if clusterIP.isEmpty { clusterIP = old.clusterIP }
            if clusterIPs.isEmpty, clusterIP == old.clusterIP { clusterIPs = old.clusterIPs }
        }
        if needsNodePorts, old.mayHaveNodePorts {
            var known: [PortKey: Int] = [:]
            for port in old.ports { known[PortKey(port: port.port, protocol: port.protocol)] = port.nodePort }
            var used: Set<PortKey> = []
            for port in ports where port.nodePort != 0 {
                used.insert(PortKey(port: port.nodePort, protocol: port.protocol))
            }
            for index in ports.indices where ports[index].nodePort == 0 {
                let port: ServicePort = ports[index]
                guard let node = known[PortKey(port: port.port, protocol: port.protocol)], node != 0 else { continue }
                guard used.insert(PortKey(port: node, protocol: port.protocol)).inserted else { continue }
                ports[index].nodePort = node
            }
        }
        if needsHealthCheckNodePort, old.needsHealthCheckNodePort, healthCheckNodePort == 0 {
            healthCheckNodePort = old.healthCheckNodePort
        }
    }

    /// Old clients know only `clusterIP`: a change of it alone is meant for the first of `clusterIPs`.
    mutating func alignClusterIPs(with old: ServiceSpec) {
        guard clusterIP != old.clusterIP else { return }
        if clusterIPs.isEmpty {
            if !clusterIP.isEmpty { clusterIPs = [clusterIP] }
        } else if clusterIPs == old.clusterIPs {
            if clusterIP.isEmpty { clusterIPs = [] } else { clusterIPs[0] = clusterIP }
        }
    }

    mutating func dropUnneeded(of old: ServiceSpec) {
        if old.needsClusterIP, !needsClusterIP, clusterIP == old.clusterIP, clusterIPs == old.clusterIPs {
            clusterIP = ""
            clusterIPs = []
        }
        if !needsClusterIP, old.needsClusterIP {
            if ipFamilies == old.ipFamilies { ipFamilies = [] }
            if ipFamilyPolicy == old.ipFamilyPolicy { ipFamilyPolicy = nil }
        }
        if old.mayHaveNodePorts, !mayHaveNodePorts, hasSameNodePorts(as: old) {
            for index in ports.indices { ports[index].nodePort = 0 }
        }
        if old.needsHealthCheckNodePort, !needsHealthCheckNodePort, healthCheckNodePort == old.healthCheckNodePort {
            healthCheckNodePort = 0
        }
        if old.type == "LoadBalancer", type != "LoadBalancer" {
            if allocateLoadBalancerNodePorts == old.allocateLoadBalancerNodePorts {
                allocateLoadBalancerNodePorts = nil
            }
            if loadBalancerClass == old.loadBalancerClass { loadBalancerClass = nil }
        }
        if old.isReachableFromOutside, !isReachableFromOutside, externalTrafficPolicy == old.externalTrafficPolicy {
            externalTrafficPolicy = ""
        }
        if type == "ExternalName", old.type != "ExternalName", internalTrafficPolicy == old.internalTrafficPolicy {
            internalTrafficPolicy = nil
        }
    }

    private func hasSameNodePorts(as old: ServiceSpec) -> Bool {
        let known: Set<Int> = Set(old.ports.map { $0.nodePort })
        return ports.allSatisfy { $0.nodePort == 0 || known.contains($0.nodePort) }
    }
}
