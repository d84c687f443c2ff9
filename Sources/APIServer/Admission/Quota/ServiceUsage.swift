import APICore
import APIMachinery
import Codec

/// Services: their number, and what they take of the cluster's node ports and load balancers.
struct ServiceUsage: QuotaUsage {
    private static let names: Set<String> = [
        "count/services", "services", "services.nodeports", "services.loadbalancers",
    ]

    /// A service's type may change.
    var countsUpdates: Bool { true }

    func isAbout(_ name: String) -> Bool { Self.names.contains(name) }

    func usage(of object: any APIObject) -> StringMap<Quantity> {
        guard let service = object as? Service else { return [:] }
        var nodePorts: Int = 0
        var balancers: Int = 0
        switch service.spec.type {
        case "NodePort": nodePorts = service.spec.ports.count
        case "LoadBalancer":
            balancers = 1
            nodePorts =
                service.spec.allocateLoadBalancerNodePorts == false
                ? service.spec.ports.filter { $0.nodePort != 0 }.count : service.spec.ports.count
        default: break
        }
        return [
            "count/services": Quantity(1), "services": Quantity(1), "services.nodeports": Quantity(nodePorts),
            "services.loadbalancers": Quantity(balancers),
        ]
    }
}

/// Claims: their number and size, in all and by storage class.
struct ClaimUsage: QuotaUsage {
    private static let classInfix = ".storageclass.storage.k8s.io/"
    private static let names: Set<String> = [
        "count/persistentvolumeclaims", "persistentvolumeclaims", "requests.storage",
    ]

    /// A claim may grow.
    var countsUpdates: Bool { true }

    func isAbout(_ name: String) -> Bool {
        Self.names.contains(name) || name.hasSuffix(Self.classInfix + "requests.storage")
            || name.hasSuffix(Self.classInfix + "persistentvolumeclaims")
    }

    func usage(of object: any APIObject) -> StringMap<Quantity> {
        guard let claim = object as? PersistentVolumeClaim else { return [:] }
        let one = Quantity(1)
        var usage: StringMap<Quantity> = ["count/persistentvolumeclaims": one, "persistentvolumeclaims": one]
        let className: String =
            claim.metadata.annotations["volume.beta.kubernetes.io/storage-class"] ?? claim.spec.storageClassName ?? ""
        if !className.isEmpty { usage[className + Self.classInfix + "persistentvolumeclaims"] = one }
        guard var size = claim.spec.resources.requests["storage"] else { return usage }
        if let allocated = claim.status.allocatedResources["storage"], allocated > size { size = allocated }
        usage["requests.storage"] = size
        if !className.isEmpty { usage[className + Self.classInfix + "requests.storage"] = size }
        return usage
    }

    func matches(_ scope: ScopedResourceSelectorRequirement, _ object: any APIObject) -> Bool {
        guard scope.scopeName == "VolumeAttributesClass", let claim = object as? PersistentVolumeClaim else {
            return false
        }
        let names: [String] = [
            claim.spec.volumeAttributesClassName, claim.status.currentVolumeAttributesClassName,
        ].compactMap { $0 }.filter { !$0.isEmpty }
        switch scope.operator {
        case "Exists": return !names.isEmpty
        case "DoesNotExist": return names.isEmpty
        case "In": return names.contains { scope.values.contains($0) }
        case "NotIn": return names.allSatisfy { !scope.values.contains($0) }
        default: return false
        }
    }
}
