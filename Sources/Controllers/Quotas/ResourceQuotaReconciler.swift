package import API
package import APIMachinery
import APIRules
package import Client
import Codec

/// Counts anew what a namespace uses of its quotas.
///
/// Admission charges a quota for what is made, before any cache shows it; so this looks only when something has been
/// freed, when a quota is new or changed, and every five minutes, as upstream does. Looking at each new object would
/// give back what admission has charged for those that the caches do not show yet.
package struct ResourceQuotaReconciler: Reconciler {
    static let resyncSeconds: Int = 300

    private let quotas: ObjectCache<ResourceQuota>
    private let pods: ObjectCache<Pod>
    private let services: ObjectCache<Service>
    private let claims: ObjectCache<PersistentVolumeClaim>?
    /// By the name under `count/`.
    private let counted: [String: ObjectCache<ObjectMetadataView>]

    package init(
        quotas: ObjectCache<ResourceQuota>, pods: ObjectCache<Pod>, services: ObjectCache<Service>,
        claims: ObjectCache<PersistentVolumeClaim>? = nil, counted: [String: ObjectCache<ObjectMetadataView>] = [:]
    ) {
        self.quotas = quotas
        self.pods = pods
        self.services = services
        self.claims = claims
        self.counted = counted
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let quota = quotas[key], quota.metadata.deletionTimestamp == nil else { return .done }
        var status = ResourceQuotaStatus()
        status.hard = quota.spec.hard
        status.used = used(quota, now: now)
        var result = Reconciliation(requeueAfter: .seconds(Self.resyncSeconds))
        guard status != quota.status else { return result }
        var changed: ResourceQuota = quota
        changed.status = status
        result.write(Write.updateStatus(changed).ignoring(.notFound))
        return result
    }

    // MARK: - Usage

    private func used(_ quota: ResourceQuota, now: Time) -> StringMap<Quantity> {
        let names: [String] = quota.spec.hard.map(\.key)
        let namespace: String = quota.metadata.namespace
        let scopes: [ScopedResourceSelectorRequirement] = Self.scopes(of: quota)
        var used: StringMap<Quantity> = [:]
        func add(_ usage: StringMap<Quantity>) {
            for name in names {
                if let amount = usage[name] { used[name] = used[name].map { $0 + amount } ?? amount }
            }
        }
        if names.contains(where: PodQuota.isAbout) {
            for name in names where PodQuota.isAbout(name) { used[name] = Quantity(0) }
            for pod in pods.list(namespace: namespace)
            where scopes.allSatisfy({ PodQuota.matches($0, pod) }) {
                add(PodQuota.usage(of: pod, now: now))
            }
        }
        // Scopes are about pods, except one about claims; other objects are not counted under a scoped quota.
        guard scopes.isEmpty else { return used }
        if names.contains(where: { $0 == "services" || $0.hasPrefix("services.") || $0 == "count/services" }) {
            for name in ["services", "services.nodeports", "services.loadbalancers", "count/services"]
            where names.contains(name) {
                used[name] = Quantity(0)
            }
            for service in services.list(namespace: namespace) { add(Self.usage(service)) }
        }
        if let claims, names.contains(where: Self.isAboutClaims) {
            for name in names where Self.isAboutClaims(name) { used[name] = Quantity(0) }
            for claim in claims.list(namespace: namespace) { add(Self.usage(claim)) }
        }
        for name in names where used[name] == nil {
            guard let cache = counted[Self.countedName(name)] else { continue }
            used[name] = Quantity(cache.snapshots(namespace: namespace).count)
        }
        return used
    }

    private static let plainNames: Set<String> = ["configmaps", "secrets", "replicationcontrollers", "resourcequotas"]

    private static func countedName(_ name: String) -> String {
        name.hasPrefix("count/") ? String(name.dropFirst(6)) : plainNames.contains(name) ? name : ""
    }

    private static func scopes(of quota: ResourceQuota) -> [ScopedResourceSelectorRequirement] {
        let simple: [ScopedResourceSelectorRequirement] = quota.spec.scopes.map { name in
            ScopedResourceSelectorRequirement.with {
                $0.scopeName = name
                $0.operator = "Exists"
            }
        }
        return simple + (quota.spec.scopeSelector?.matchExpressions ?? [])
    }

    private static func usage(_ service: Service) -> StringMap<Quantity> {
        let ports: [ServicePort] = service.spec.ports
        let isBalanced: Bool = service.spec.type == "LoadBalancer"
        var nodePorts: Int = 0
        if service.spec.type == "NodePort" || isBalanced && service.spec.allocateLoadBalancerNodePorts != false {
            nodePorts = ports.count
        } else if isBalanced {
            nodePorts = ports.count { $0.nodePort != 0 }
        }
        return [
            "services": Quantity(1), "count/services": Quantity(1), "services.nodeports": Quantity(nodePorts),
            "services.loadbalancers": Quantity(isBalanced ? 1 : 0),
        ]
    }

    private static let classInfix: String = ".storageclass.storage.k8s.io/"

    private static func isAboutClaims(_ name: String) -> Bool {
        name == "persistentvolumeclaims" || name == "count/persistentvolumeclaims" || name == "requests.storage"
            || name.contains(classInfix)
    }

    private static func usage(_ claim: PersistentVolumeClaim) -> StringMap<Quantity> {
        let one = Quantity(1)
        var usage: StringMap<Quantity> = ["persistentvolumeclaims": one, "count/persistentvolumeclaims": one]
        var size: Quantity? = claim.spec.resources.requests["storage"]
        if let asked = size, let given = claim.status.allocatedResources["storage"] { size = max(asked, given) }
        usage["requests.storage"] = size
        let old: String? = claim.metadata.annotations["volume.beta.kubernetes.io/storage-class"]
        if let name = old ?? claim.spec.storageClassName, !name.isEmpty {
            usage[name + classInfix + "persistentvolumeclaims"] = one
            usage[name + classInfix + "requests.storage"] = size
        }
        return usage
    }
}
