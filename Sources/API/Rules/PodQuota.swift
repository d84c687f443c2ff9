package import APICore
package import APIMachinery
package import Codec

/// What pods use up of a quota, and which quotas are about them: the same when a pod is let in and when all are counted.
package enum PodQuota {
    private static let plainNames: Set<String> = [
        "count/pods", "pods", "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage",
    ]

    /// Whether a quota's name is about pods.
    package static func isAbout(_ name: String) -> Bool {
        if plainNames.contains(name) || name.hasPrefix("hugepages-") || name.hasPrefix("requests.hugepages-") {
            return true
        }
        guard name.hasPrefix("requests.") else { return false }
        return isExtended(String(name.dropFirst("requests.".count)))
    }

    /// With a domain that is not upstream's own.
    private static func isExtended(_ name: String) -> Bool {
        name.contains("/") && !name.contains("kubernetes.io/") && !name.hasPrefix("requests.")
    }

    // MARK: - Usage

    /// By the names that a quota gives them.
    ///
    /// - Parameter now: pods that should be gone by now count no more; nil where a pod is only about to come.
    package static func usage(of pod: Pod, now: Time? = nil) -> StringMap<Quantity> {
        var usage: StringMap<Quantity> = ["count/pods": Quantity(1)]
        guard counts(pod, now: now) else { return usage }
        usage["pods"] = Quantity(1)
        let amounts = PodAmounts(pod.spec, withOverhead: true)
        usage.merge(Self.usage(requests: amounts.requests, limits: amounts.limits))
        return usage
    }

    /// What has ended uses nothing any more, though it is still there.
    private static func counts(_ pod: Pod, now: Time?) -> Bool {
        if pod.status.phase == "Succeeded" || pod.status.phase == "Failed" { return false }
        guard let now, let deleted = pod.metadata.deletionTimestamp,
            let grace = pod.metadata.deletionGracePeriodSeconds
        else { return true }
        return deleted.adding(seconds: grace) >= now
    }

    package static func usage(
        requests: StringMap<Quantity>, limits: StringMap<Quantity>
    ) -> StringMap<Quantity> {
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

    // MARK: - Scopes

    /// Whether a pod lies in a quota's scope.
    package static func matches(_ scope: ScopedResourceSelectorRequirement, _ pod: Pod) -> Bool {
        switch scope.scopeName {
        case "Terminating": return (pod.spec.activeDeadlineSeconds ?? -1) >= 0
        case "NotTerminating": return (pod.spec.activeDeadlineSeconds ?? -1) < 0
        case "BestEffort": return QualityOfService(of: pod) == .bestEffort
        case "NotBestEffort": return QualityOfService(of: pod) != .bestEffort
        case "PriorityClass": return matches(priorityClass: pod.spec.priorityClassName, scope)
        case "CrossNamespacePodAffinity": return looksIntoOtherNamespaces(pod.spec)
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
