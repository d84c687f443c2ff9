import APICore
import APIDefaults
import APIMachinery
import Codec

/// Pods: their number, and what they request and may use.
struct PodUsage: QuotaUsage {
    private static let plainNames: Set<String> = [
        "count/pods", "pods", "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage",
    ]
    /// What every container must state if a quota restricts it.
    private static let mandatory: Set<String> = [
        "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
    ]

    var countsUpdates: Bool { true }

    func isAbout(_ name: String) -> Bool {
        if Self.plainNames.contains(name) || name.hasPrefix("hugepages-") || name.hasPrefix("requests.hugepages-") {
            return true
        }
        guard name.hasPrefix("requests.") else { return false }
        return Self.isExtended(String(name.dropFirst("requests.".count)))
    }

    /// With a domain that is not upstream's own.
    private static func isExtended(_ name: String) -> Bool {
        name.contains("/") && !name.contains("kubernetes.io/") && !name.hasPrefix("requests.")
    }

    func usage(of object: any APIObject) -> StringMap<Quantity> {
        guard let pod = object as? Pod else { return [:] }
        var usage: StringMap<Quantity> = ["count/pods": Quantity(1)]
        // What has ended uses nothing any more, though it is still there.
        if pod.status.phase == "Succeeded" || pod.status.phase == "Failed" { return usage }
        usage["pods"] = Quantity(1)
        let amounts = PodAmounts(pod.spec, withOverhead: true)
        usage.merge(Self.usage(requests: amounts.requests, limits: amounts.limits))
        return usage
    }

    private static func usage(requests: StringMap<Quantity>, limits: StringMap<Quantity>) -> StringMap<Quantity> {
        var usage: StringMap<Quantity> = [:]
        for name in ["cpu", "memory", "ephemeral-storage"] {
            if let request = requests[name] {
                usage[name] = request
                usage["requests." + name] = request
            }
            if let limit = limits[name] { usage["limits." + name] = limit }
        }
        for (name, amount) in requests {
            if name.hasPrefix("hugepages-") {
                usage[name] = amount
                usage["requests." + name] = amount
            } else if isExtended(name) {
                usage["requests." + name] = amount
            }
        }
        return usage
    }

    // MARK: - What must be stated

    func omission(in object: any APIObject, restricting names: [String]) -> String? {
        guard let pod = object as? Pod else { return nil }
        let required: Set<String> = Self.mandatory.intersection(names)
        guard !required.isEmpty else { return nil }
        var stated: Set<String> = []
        if let whole = pod.spec.resources {
            stated = Set(Self.usage(requests: whole.requests, limits: whole.limits).keys)
        }
        var missing: [String: Set<String>] = [:]
        for container in pod.spec.containers + pod.spec.initContainers {
            let own: Set<String> = Set(
                Self.usage(requests: container.resources.requests, limits: container.resources.limits).keys)
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

    // MARK: - Scopes

    func matches(_ scope: ScopedResourceSelectorRequirement, _ object: any APIObject) -> Bool {
        guard let pod = object as? Pod else { return false }
        switch scope.scopeName {
        case "Terminating": return (pod.spec.activeDeadlineSeconds ?? -1) >= 0
        case "NotTerminating": return (pod.spec.activeDeadlineSeconds ?? -1) < 0
        case "BestEffort": return pod.qosClass == "BestEffort"
        case "NotBestEffort": return pod.qosClass != "BestEffort"
        case "PriorityClass": return Self.matches(priorityClass: pod.spec.priorityClassName, scope)
        case "CrossNamespacePodAffinity": return Self.looksIntoOtherNamespaces(pod.spec)
        default: return false
        }
    }

    private static func matches(priorityClass name: String, _ scope: ScopedResourceSelectorRequirement) -> Bool {
        switch scope.operator {
        case "Exists": return !name.isEmpty
        case "DoesNotExist": return name.isEmpty
        case "In": return !name.isEmpty && scope.values.contains(name)
        case "NotIn": return !scope.values.contains(name)
        default: return false
        }
    }

    private static func looksIntoOtherNamespaces(_ spec: PodSpec) -> Bool {
        guard let affinity = spec.affinity else { return false }
        var terms: [PodAffinityTerm] = []
        if let near = affinity.podAffinity {
            terms += near.requiredDuringSchedulingIgnoredDuringExecution
            terms += near.preferredDuringSchedulingIgnoredDuringExecution.map { $0.podAffinityTerm }
        }
        if let far = affinity.podAntiAffinity {
            terms += far.requiredDuringSchedulingIgnoredDuringExecution
            terms += far.preferredDuringSchedulingIgnoredDuringExecution.map { $0.podAffinityTerm }
        }
        return terms.contains { !$0.namespaces.isEmpty || $0.namespaceSelector != nil }
    }
}
