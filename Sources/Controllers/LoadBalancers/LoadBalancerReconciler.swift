package import API
import APICore
package import APIMachinery
package import Client

/// Gives services of type LoadBalancer the addresses of the nodes, where the service proxy already leads them on: a load
/// balancer for one machine and few, without a pod per service.
///
/// A node's address has each port once, so of two services that want the same the older one gets it, and the other
/// waits. Services with a `loadBalancerClass` are somebody else's.
package struct LoadBalancerReconciler: Reconciler {
    /// Nodes with this label take no packets from outside (upstream's).
    static let excludedLabel: String = "node.kubernetes.io/exclude-from-external-load-balancers"

    private let services: ObjectCache<Service>
    private let nodes: ObjectCache<Node>

    package init(services: ObjectCache<Service>, nodes: ObjectCache<Node>) {
        self.services = services
        self.nodes = nodes
    }

    static func isOurs(_ service: Service) -> Bool {
        service.spec.type == "LoadBalancer" && service.spec.loadBalancerClass == nil
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let service = services[key], Self.isOurs(service), service.metadata.deletionTimestamp == nil else {
            return .done
        }
        var wanted: LoadBalancerStatus = LoadBalancerStatus()
        let rival: Service? = olderRival(of: service)
        if rival == nil { wanted.ingress = ingress(for: service) }
        var result = Reconciliation()
        let isNew: Bool = wanted != service.status.loadBalancer
        if isNew {
            var changed: Service = service
            changed.status.loadBalancer = wanted
            result.write(.updateStatus(changed))
        }
        if let rival {
            let message: String =
                "Error syncing load balancer: failed to ensure load balancer: \(rival.key) has the same port already"
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

    /// An older service of ours that has one of the ports.
    private func olderRival(of service: Service) -> Service? {
        let ports: Set<Place> = Self.places(service)
        let age: (Int64, ObjectKey) = Self.age(service)
        return services.list(where: { other in
            Self.isOurs(other) && other.key != service.key && other.metadata.deletionTimestamp == nil
                && Self.age(other) < age && !ports.isDisjoint(with: Self.places(other))
        }).first
    }

    private struct Place: Hashable {
        var transport: String
        var port: Int
    }

    private static func places(_ service: Service) -> Set<Place> {
        Set(service.spec.ports.map { Place(transport: $0.protocol, port: $0.port) })
    }

    private static func age(_ service: Service) -> (Int64, ObjectKey) {
        (service.metadata.creationTimestamp?.seconds ?? 0, service.key)
    }
}
