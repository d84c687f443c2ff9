import APICore
import APIMachinery
import APIRules
import Codec

/// Pods: their number, and what they request and may use.
struct PodUsage: QuotaUsage {
    /// What every container must state if a quota restricts it.
    private static let mandatory: Set<String> = [
        "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
    ]

    var countsUpdates: Bool { true }

    func isAbout(_ name: String) -> Bool { PodQuota.isAbout(name) }

    func usage(of object: any APIObject) -> StringMap<Quantity> {
        guard let pod = object as? Pod else { return [:] }
        return PodQuota.usage(of: pod)
    }

    func matches(_ scope: ScopedResourceSelectorRequirement, _ object: any APIObject) -> Bool {
        guard let pod = object as? Pod else { return false }
        return PodQuota.matches(scope, pod)
    }

    // MARK: - What must be stated

    func omission(in object: any APIObject, restricting names: [String]) -> String? {
        guard let pod = object as? Pod else { return nil }
        let required: Set<String> = Self.mandatory.intersection(names)
        guard !required.isEmpty else { return nil }
        var stated: Set<String> = []
        if let whole = pod.spec.resources {
            stated = Set(PodQuota.usage(requests: whole.requests, limits: whole.limits).keys)
        }
        var missing: [String: Set<String>] = [:]
        for container in pod.spec.containers + pod.spec.initContainers {
            let own: Set<String> = Set(
                PodQuota.usage(requests: container.resources.requests, limits: container.resources.limits).keys)
            for name in required.subtracting(own).subtracting(stated) {
                missing[name, default: []].insert(container.name)
            }
        }
        guard !missing.isEmpty else { return nil }
        let texts: [String] = missing.keys.sorted().map { name in
            "\(name) for: \(missing[name, default: []].sorted().joined(separator: ","))"
        }
        return "must specify " + texts.joined(separator: "; ")
    }
}
