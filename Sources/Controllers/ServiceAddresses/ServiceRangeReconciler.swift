package import APIMachinery
package import APINetworking
package import Client

/// Keeps ServiceCIDRs while addresses of theirs are in use, and says that they are ready.
package struct ServiceRangeReconciler: Reconciler {
    static let finalizer: String = "networking.k8s.io/service-cidr-finalizer"

    private let ranges: ObjectCache<ServiceCIDR>
    private let addresses: ObjectCache<APINetworking.IPAddress>

    package init(ranges: ObjectCache<ServiceCIDR>, addresses: ObjectCache<APINetworking.IPAddress>) {
        self.ranges = ranges
        self.addresses = addresses
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let range = ranges[key] else { return .done }
        guard range.metadata.deletionTimestamp != nil else { return keep(range, now) }
        guard range.metadata.finalizers.contains(Self.finalizer) else { return .done }
        guard isFree(range) else {
            return Reconciliation(
                condition(
                    range, status: "False", reason: "Terminating",
                    message:
                        "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new "
                        + "ServiceCIDR", now))
        }
        var released: ServiceCIDR = range
        released.metadata.finalizers.removeAll { $0 == Self.finalizer }
        return Reconciliation([.update(released)])
    }

    private func keep(_ range: ServiceCIDR, _ now: Time) -> Reconciliation {
        guard range.metadata.finalizers.contains(Self.finalizer) else {
            // Its status follows when the cache shows this.
            var kept: ServiceCIDR = range
            kept.metadata.finalizers.append(Self.finalizer)
            return Reconciliation([.update(kept)])
        }
        return Reconciliation(
            condition(range, status: "True", reason: "", message: "Kubernetes Service CIDR is ready", now))
    }

    /// What sets the condition `Ready`, if it is not set so already.
    private func condition(
        _ range: ServiceCIDR, status: String, reason: String, message: String, _ now: Time
    ) -> [Write] {
        let known: Condition? = range.status.conditions.first { $0.type == "Ready" }
        if let known, known.status == status, known.reason == reason, known.message == message { return [] }
        var changed: ServiceCIDR = range
        changed.status.conditions.removeAll { $0.type == "Ready" }
        changed.status.conditions.append(
            Condition.with {
                $0.type = "Ready"
                $0.status = status
                $0.reason = reason
                $0.message = message
                $0.lastTransitionTime = known?.status == status ? known?.lastTransitionTime : now
            })
        return [.updateStatus(changed)]
    }

    /// Whether every address in use has another range that it is of.
    private func isFree(_ range: ServiceCIDR) -> Bool {
        let own: [CIDR] = Self.networks(range)
        let others: [CIDR] = ranges.list().filter {
            $0.metadata.uid != range.metadata.uid && $0.metadata.deletionTimestamp == nil
        }.flatMap { Self.networks($0) }
        return addresses.list().allSatisfy { record in
            guard let address = APIMachinery.IPAddress(record.metadata.name) else { return true }
            return !own.contains { $0.contains(address) } || others.contains { $0.contains(address) }
        }
    }

    static func networks(_ range: ServiceCIDR) -> [CIDR] { range.spec.cidrs.compactMap { CIDR($0) } }
}
