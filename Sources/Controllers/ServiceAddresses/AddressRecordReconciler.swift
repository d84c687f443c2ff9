package import API
package import APIMachinery
package import APINetworking
package import Client

/// Keeps one IPAddress object for each cluster address that a Service has, and none that nobody has.
///
/// Upstream's API server makes them when it hands an address out, and repairs them later; here the controller does both, so
/// that an object follows its Service after a moment.
package struct AddressRecordReconciler: Reconciler {
    package typealias Key = String

    static let managerLabel: String = "ipaddress.kubernetes.io/managed-by"
    static let manager: String = "ipallocator.k8s.io"
    static let familyLabel: String = "ipaddress.kubernetes.io/ip-family"

    private let services: ObjectCache<Service>
    private let addresses: ObjectCache<APINetworking.IPAddress>

    /// Services by their cluster addresses.
    package static let byAddress = ObjectIndex<Service>("clusterIPs") { service in
        // The canonical text, which is the object's name.
        service.spec.clusterIPs.compactMap { APIMachinery.IPAddress($0)?.description }
    }

    /// - Parameter services: with the index `byAddress`.
    package init(services: ObjectCache<Service>, addresses: ObjectCache<APINetworking.IPAddress>) {
        self.services = services
        self.addresses = addresses
    }

    /// - Parameter key: an address.
    package func reconcile(_ key: String, now: Time) -> Reconciliation {
        let existing: APINetworking.IPAddress? = addresses.get("", key)
        // Others' objects are theirs.
        if let existing, existing.metadata.labels[Self.managerLabel] != Self.manager { return .done }
        guard let service = services.list(Self.byAddress, key).first else {
            guard let existing, existing.metadata.deletionTimestamp == nil else { return .done }
            return Reconciliation([.delete(existing)])
        }
        let parent = ParentReference.with {
            $0.resource = "services"
            $0.namespace = service.metadata.namespace
            $0.name = service.metadata.name
        }
        if let existing {
            // The parent cannot be changed: made anew when the deletion shows.
            return existing.spec.parentRef == parent || existing.metadata.deletionTimestamp != nil
                ? .done : Reconciliation([.delete(existing)])
        }
        let made = APINetworking.IPAddress.with { object in
            object.metadata.name = key
            object.metadata.labels = [
                Self.managerLabel: Self.manager, Self.familyLabel: key.contains(":") ? "IPv6" : "IPv4",
            ]
            object.spec.parentRef = parent
        }
        return Reconciliation([Write.create(made).ignoring(.alreadyExists)])
    }
}
