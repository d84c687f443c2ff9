import API
import APIMachinery
import Codec

/// What a pod uses up of a quota.
enum PodQuotaUsage {
    /// The names that are about pods.
    static func isAbout(_ name: String) -> Bool {
        switch name {
        case "count/pods", "pods", "cpu", "memory", "ephemeral-storage": true
        case _ where name.hasPrefix("hugepages-"): true
        case "requests.storage": false
        case _ where name.hasPrefix("requests."), _ where name.hasPrefix("limits."): true
        default: false
        }
    }

    static func of(_ pod: Pod, now: Time) -> StringMap<Quantity> {
        var usage: StringMap<Quantity> = ["count/pods": Quantity(1)]
        guard counts(pod, now: now) else { return usage }
        usage["pods"] = Quantity(1)
        for (name, amount) in total(pod.spec, { $0.requests }) {
            usage["requests." + name] = amount
            let isPlain: Bool = name == "cpu" || name == "memory" || name == "ephemeral-storage"
            if isPlain || name.hasPrefix("hugepages-") { usage[name] = amount }
        }
        for (name, amount) in total(pod.spec, { $0.limits }) { usage["limits." + name] = amount }
        return usage
    }

    /// Ended pods use nothing, nor do those that should have ended by now.
    private static func counts(_ pod: Pod, now: Time) -> Bool {
        if pod.hasEnded { return false }
        guard let deleted = pod.metadata.deletionTimestamp, let grace = pod.metadata.deletionGracePeriodSeconds else {
            return true
        }
        return deleted.adding(seconds: grace) >= now
    }

    /// Containers add up, also init containers that stay; others run alone, beside those that stay: the largest moment.
    private static func total(
        _ spec: PodSpec, _ amounts: (ResourceRequirements) -> StringMap<Quantity>
    ) -> StringMap<Quantity> {
        var sum: StringMap<Quantity> = [:]
        for container in spec.containers { sum.merge(amounts(container.resources), +) }
        var staying: StringMap<Quantity> = [:]
        var peak: StringMap<Quantity> = [:]
        for container in spec.initContainers {
            var moment: StringMap<Quantity> = staying
            moment.merge(amounts(container.resources), +)
            peak.merge(moment, max)
            guard container.restartPolicy == "Always" else { continue }
            staying = moment
            sum.merge(amounts(container.resources), +)
        }
        sum.merge(peak, max)
        if let whole = spec.resources { sum.merge(amounts(whole)) { $1 } }
        for (name, amount) in spec.overhead where sum[name] != nil { sum[name, default: Quantity()] += amount }
        return sum
    }

    static func matches(_ scope: ScopedResourceSelectorRequirement, _ pod: Pod) -> Bool {
        switch scope.scopeName {
        case "Terminating": return pod.spec.activeDeadlineSeconds.map { $0 >= 0 } ?? false
        case "NotTerminating": return pod.spec.activeDeadlineSeconds.map { $0 < 0 } ?? true
        case "BestEffort": return isBestEffort(pod)
        case "NotBestEffort": return !isBestEffort(pod)
        case "PriorityClass": return matches(priorityClass: pod.spec.priorityClassName, scope)
        case "CrossNamespacePodAffinity": return looksIntoOtherNamespaces(pod.spec.affinity)
        default: return false
        }
    }

    private static func isBestEffort(_ pod: Pod) -> Bool {
        if !pod.status.qosClass.isEmpty { return pod.status.qosClass == "BestEffort" }
        let all: [String] = total(pod.spec) { $0.requests }.map(\.key) + total(pod.spec) { $0.limits }.map(\.key)
        return !all.contains("cpu") && !all.contains("memory")
    }

    private static func matches(priorityClass name: String, _ scope: ScopedResourceSelectorRequirement) -> Bool {
        switch scope.operator {
        case "Exists": !name.isEmpty
        case "DoesNotExist": name.isEmpty
        case "In": !name.isEmpty && scope.values.contains(name)
        case "NotIn": !scope.values.contains(name)
        default: false
        }
    }

    private static func looksIntoOtherNamespaces(_ affinity: Affinity?) -> Bool {
        var terms: [PodAffinityTerm] = affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
        terms += affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
        terms +=
            affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution.map(\.podAffinityTerm) ?? []
        terms +=
            affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution.map(\.podAffinityTerm) ?? []
        return terms.contains { !$0.namespaces.isEmpty || $0.namespaceSelector != nil }
    }
}

extension StringMap<Quantity> {
    /// Takes in other amounts; of names in both, what `combine` makes of them.
    mutating func merge(_ other: StringMap<Quantity>, _ combine: (Quantity, Quantity) -> Quantity) {
        for (name, amount) in other { self[name] = self[name].map { combine($0, amount) } ?? amount }
    }
}
