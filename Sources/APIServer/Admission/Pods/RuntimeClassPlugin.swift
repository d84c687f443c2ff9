import APICore
package import APIMachinery
import APINode
import Codec

/// Adds the overhead and the scheduling rules of a pod's runtime class.
package struct RuntimeClassPlugin: AdmissionPlugin {
    private static let mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

    package let name = "RuntimeClass"

    package init() {}

    package func handles(_ attributes: AdmissionAttributes) -> Bool { attributes.creates("pods") }

    private func runtimeClass(of pod: Pod, _ attributes: AdmissionAttributes) throws(StatusError) -> RuntimeClass? {
        guard let name = pod.spec.runtimeClassName else { return nil }
        guard let found = attributes.caches.get(RuntimeClass.self, namespace: "", name: name) else {
            throw attributes.forbidden("pod rejected: RuntimeClass \(GoText.quoted(name)) not found")
        }
        return found
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard let given = attributes.object(as: Pod.self), let found = try runtimeClass(of: given, attributes) else {
            return
        }
        try attributes.mutate(Pod.self) { (pod: inout Pod) throws(StatusError) -> Void in
            if let overhead = found.overhead?.podFixed {
                guard pod.spec.overhead.isEmpty || pod.spec.overhead == overhead else {
                    throw attributes.forbidden(Self.mismatch)
                }
                pod.spec.overhead = overhead
            }
            guard let scheduling = found.scheduling else { return }
            for (key, value) in scheduling.nodeSelector {
                if let own = pod.spec.nodeSelector[key], own != value {
                    throw attributes.forbidden(
                        "conflict: runtimeClass.scheduling.nodeSelector[\(key)] = \(value); "
                            + "pod.spec.nodeSelector[\(key)] = \(own)")
                }
                pod.spec.nodeSelector[key] = value
            }
            pod.spec.tolerations = Self.merged(pod.spec.tolerations + scheduling.tolerations)
        }
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard let pod = attributes.object(as: Pod.self) else { return }
        if let overhead = try runtimeClass(of: pod, attributes)?.overhead {
            guard overhead.podFixed == pod.spec.overhead else { throw attributes.forbidden(Self.mismatch) }
        } else if !pod.spec.overhead.isEmpty {
            throw attributes.forbidden(
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        }
    }

    // MARK: - Tolerations

    /// Without those that another one includes; of equal ones the first stays.
    private static func merged(_ all: [Toleration]) -> [Toleration] {
        var kept: [Toleration] = []
        for (index, toleration) in all.enumerated() {
            if kept.contains(where: { includes($0, toleration) }) { continue }
            let later: ArraySlice<Toleration> = all[(index + 1)...]
            if later.contains(where: { $0 != toleration && includes($0, toleration) }) { continue }
            kept.append(toleration)
        }
        return kept
    }

    /// Whether `wide` tolerates all that `narrow` does.
    private static func includes(_ wide: Toleration, _ narrow: Toleration) -> Bool {
        if wide == narrow { return true }
        if wide.key != narrow.key, !(wide.key.isEmpty && wide.operator == "Exists") { return false }
        if !wide.effect.isEmpty, wide.effect != narrow.effect { return false }
        if wide.effect == "NoExecute", let longest = wide.tolerationSeconds {
            guard let seconds = narrow.tolerationSeconds, longest >= seconds else { return false }
        }
        switch wide.operator {
        case "Exists": return true
        case "", "Equal": return narrow.operator != "Exists" && wide.value == narrow.value
        default: return false
        }
    }
}
