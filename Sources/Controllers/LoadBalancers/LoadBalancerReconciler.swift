package import API
import APICore
package import APIMachinery
package import Client

/// Gives services of type LoadBalancer the addresses of the nodes, where the service proxy already leads them on: a load
/// balancer for one machine and few, without a pod per service.
///
/// A node's address has each port once, so of two services that want the same the older one gets it, and the other
/// waits. What the cluster's own servers listen at, no service gets: who took the API server's port could not be told to
/// give it back. Services with a `loadBalancerClass` are somebody else's.
package struct LoadBalancerReconciler: Reconciler {
    /// Nodes with this label take no packets from outside (upstream's).
    static let excludedLabel: String = "node.kubernetes.io/exclude-from-external-load-balancers"

    private let services: ObjectCache<Service>
    private let nodes: ObjectCache<Node>
    private let ownPorts: Set<OwnPort>

    /// - Parameter ownPorts: at which servers of the cluster listen on the nodes' addresses, besides the kubelets.
    package init(services: ObjectCache<Service>, nodes: ObjectCache<Node>, ownPorts: Set<OwnPort> = []) {
        self.services = services
        self.nodes = nodes
        self.ownPorts = ownPorts
    }

    static func isOurs(_ service: Service) -> Bool {
        service.spec.type == "LoadBalancer" && service.spec.loadBalancerClass == nil
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let service = services[key], Self.isOurs(service), service.metadata.deletionTimestamp == nil else {
            return .done
        }
        var wanted: LoadBalancerStatus = LoadBalancerStatus()
        let refusal: String? = refusal(service)
        if refusal == nil { wanted.ingress = ingress(for: service) }
        var result = Reconciliation()
        let isNew: Bool = wanted != service.status.loadBalancer
        if isNew {
            var changed: Service = service
            changed.status.loadBalancer = wanted
            result.write(.updateStatus(changed))
        }
        if let refusal {
            let message: String = "Error syncing load balancer: failed to ensure load balancer: \(refusal)"
            result.write(.event(service, .warning, reason: "SyncLoadBalancerFailed", message))
        } else if isNew && !wanted.ingress.isEmpty {
            result.write(.event(service, .normal, reason: "EnsuredLoadBalancer", "Ensured load balancer"))
        }
        return result
    }

    private func ingress(for service: Service) -> [LoadBalancerIngress] {
        let families: [String] = service.spec.ipFamilies.isEmpty ? ["IPv4"] : service.spec.ipFamilies
        var addresses: [String] = []
        for family in families {
            for node in nodes.list() where takesPackets(node) {
                // An address for the world, if the node has one.
                let mine: [NodeAddress] = node.status.addresses.filter {
                    ($0.address.contains(":")) == (family == "IPv6")
                }
                let outer: [NodeAddress] = mine.filter { $0.type == "ExternalIP" }
                let chosen: [NodeAddress] = outer.isEmpty ? mine.filter { $0.type == "InternalIP" } : outer
                for address in chosen.map(\.address) where !addresses.contains(address) { addresses.append(address) }
            }
        }
        return addresses.map { address in
            LoadBalancerIngress.with {
                $0.ip = address
                $0.ipMode = "VIP"
            }
        }
    }

    private func takesPackets(_ node: Node) -> Bool {
        node.metadata.deletionTimestamp == nil && node.metadata.labels[Self.excludedLabel] == nil
            && node.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
    }

    /// Why the service gets no address, if it does not.
    private func refusal(_ service: Service) -> String? {
        var own: Set<OwnPort> = ownPorts
        for node in nodes.list() { own.insert(OwnPort("TCP", node.status.daemonEndpoints.kubeletEndpoint.Port)) }
        if let port = Self.places(service).intersection(own).min(by: { $0.port < $1.port }) {
            return "servers of the cluster itself listen at port \(port.port)/\(port.transport) of the nodes"
        }
        return olderRival(of: service).map { "\($0.key) has the same port already" }
    }

    /// An older service of ours that has one of the ports.
    private func olderRival(of service: Service) -> Service? {
        let ports: Set<OwnPort> = Self.places(service)
        let age: (Int64, ObjectKey) = Self.age(service)
        return services.list(where: { other in
            Self.isOurs(other) && other.key != service.key && other.metadata.deletionTimestamp == nil
                && Self.age(other) < age && !ports.isDisjoint(with: Self.places(other))
        }).first
    }

    private static func places(_ service: Service) -> Set<OwnPort> {
        Set(service.spec.ports.map { OwnPort($0.protocol.isEmpty ? "TCP" : $0.protocol, $0.port) })
    }

    private static func age(_ service: Service) -> (Int64, ObjectKey) {
        (service.metadata.creationTimestamp?.seconds ?? 0, service.key)
    }
}

/// A port that the cluster's own servers have on the nodes' addresses.
package struct OwnPort: Sendable, Hashable {
    /// Kubernetes' name, such as `TCP`.
    package var transport: String
    package var port: Int

    package init(_ transport: String, _ port: Int) {
        self.transport = transport
        self.port = port
    }
}
