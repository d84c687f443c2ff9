import APICore
package import APIMachinery
import APIScheduling

/// Turns a pod's `priorityClassName` into its priority and preemption policy.
package struct PriorityPlugin: AdmissionPlugin {
    private static let neverSet = "must not be provided in pod spec; priority admission controller computed"
    /// The classes that every cluster has; known here too, for the moments before they have been created.
    package static let systemClasses: [String: Int] = [
        "system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000,
    ]

    package let name = "Priority"

    package init() {}

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        guard attributes.operation == .create || attributes.operation == .update else { return false }
        return attributes.isPlain("pods") || attributes.isPlain("priorityclasses", group: "scheduling.k8s.io")
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard attributes.info.gvr.resource == "pods" else { return }
        if let old = attributes.oldObject(as: Pod.self) {
            try attributes.mutate(Pod.self) { (pod: inout Pod) throws(StatusError) -> Void in
                if pod.spec.priority == nil { pod.spec.priority = old.spec.priority }
                if pod.spec.preemptionPolicy == nil { pod.spec.preemptionPolicy = old.spec.preemptionPolicy }
            }
            return
        }
        try attributes.mutate(Pod.self) { (pod: inout Pod) throws(StatusError) -> Void in
            try resolve(&pod, attributes)
        }
    }

    private func resolve(_ pod: inout Pod, _ attributes: AdmissionAttributes) throws(StatusError) {
        let known: PriorityClass = try priorityClass(pod.spec.priorityClassName, attributes)
        if pod.spec.priorityClassName.isEmpty { pod.spec.priorityClassName = known.metadata.name }
        if let given = pod.spec.priority, given != known.value {
            throw attributes.forbidden(
                "the integer value of priority (\(given)) \(Self.neverSet) \(known.value) from the given "
                    + "PriorityClass name")
        }
        pod.spec.priority = known.value
        guard let policy = known.preemptionPolicy else { return }
        if let given = pod.spec.preemptionPolicy, given != policy {
            throw attributes.forbidden(
                "the string value of PreemptionPolicy (\(given)) \(Self.neverSet) \(policy) from the given "
                    + "PriorityClass name")
        }
        pod.spec.preemptionPolicy = policy
    }

    private func priorityClass(_ name: String, _ attributes: AdmissionAttributes) throws(StatusError) -> PriorityClass {
        if name.isEmpty {
            return Self.defaultClass(attributes) ?? PriorityClass.with { $0.preemptionPolicy = "PreemptLowerPriority" }
        }
        if let found = attributes.caches.get(PriorityClass.self, namespace: "", name: name) { return found }
        guard let value = Self.systemClasses[name] else {
            throw attributes.forbidden("no PriorityClass with name \(name) was found")
        }
        return PriorityClass.with {
            $0.metadata.name = name
            $0.value = value
            $0.preemptionPolicy = "PreemptLowerPriority"
        }
    }

    /// Only one should be there; of several, as races can leave behind, the least important counts.
    private static func defaultClass(_ attributes: AdmissionAttributes) -> PriorityClass? {
        attributes.caches.list(PriorityClass.self, namespace: "")
            .filter { $0.globalDefault }
            .min { $0.value < $1.value }
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard let object = attributes.object(as: PriorityClass.self), object.globalDefault,
            let present = Self.defaultClass(attributes)
        else { return }
        guard attributes.operation == .create || present.metadata.name != object.metadata.name else { return }
        throw attributes.forbidden(
            "PriorityClass \(present.metadata.name) is already marked as default. Only one default can exist")
    }
}
