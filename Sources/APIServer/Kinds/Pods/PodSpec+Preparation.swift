import APICore
import APIMachinery
import Codec

extension PodSpec {
    /// `matchLabelKeys` become requirements of the selectors, with the values that the pod has when it is created.
    mutating func resolveMatchLabelKeys(labels: StringMap<String>) {
        for index in topologySpreadConstraints.indices {
            let keys: [String] = topologySpreadConstraints[index].matchLabelKeys
            guard !keys.isEmpty else { continue }
            topologySpreadConstraints[index].labelSelector?.require(keys, of: labels, "In")
        }
        guard var affinity else { return }
        if affinity.podAffinity != nil { affinity.podAffinity?.resolve(labels) }
        if affinity.podAntiAffinity != nil { affinity.podAntiAffinity?.resolve(labels) }
        if affinity != self.affinity { self.affinity = affinity }
    }

    /// What the resize endpoint may change: the resources and resize policies of containers.
    mutating func takeResources(of new: PodSpec) {
        if containers.count == new.containers.count {
            for index in containers.indices where containers[index].name == new.containers[index].name {
                containers[index].resources = new.containers[index].resources
                containers[index].resizePolicy = new.containers[index].resizePolicy
            }
        }
        if initContainers.count == new.initContainers.count {
            for index in initContainers.indices where initContainers[index].name == new.initContainers[index].name {
                initContainers[index].resources = new.initContainers[index].resources
                initContainers[index].resizePolicy = new.initContainers[index].resizePolicy
            }
        }
    }

    /// A limit that comes without a request brings one along, as for new pods.
    mutating func fillResizedRequests() {
        for index in containers.indices {
            for (name, limit) in containers[index].resources.limits
            where containers[index].resources.requests[name] == nil {
                containers[index].resources.requests[name] = limit
            }
        }
    }
}

extension LabelSelector {
    fileprivate mutating func require(_ keys: [String], of labels: StringMap<String>, _ operator: String) {
        for key in keys {
            guard let value = labels[key] else { continue }
            let requirement = LabelSelectorRequirement.with {
                $0.key = key
                $0.operator = `operator`
                $0.values = [value]
            }
            if !matchExpressions.contains(requirement) { matchExpressions.append(requirement) }
        }
    }
}

extension PodAffinityTerm {
    fileprivate mutating func resolve(_ labels: StringMap<String>) {
        guard labelSelector != nil else { return }
        labelSelector?.require(matchLabelKeys, of: labels, "In")
        labelSelector?.require(mismatchLabelKeys, of: labels, "NotIn")
    }
}

extension PodAffinity {
    fileprivate mutating func resolve(_ labels: StringMap<String>) {
        for index in requiredDuringSchedulingIgnoredDuringExecution.indices {
            requiredDuringSchedulingIgnoredDuringExecution[index].resolve(labels)
        }
        for index in preferredDuringSchedulingIgnoredDuringExecution.indices {
            preferredDuringSchedulingIgnoredDuringExecution[index].podAffinityTerm.resolve(labels)
        }
    }
}

extension PodAntiAffinity {
    fileprivate mutating func resolve(_ labels: StringMap<String>) {
        for index in requiredDuringSchedulingIgnoredDuringExecution.indices {
            requiredDuringSchedulingIgnoredDuringExecution[index].resolve(labels)
        }
        for index in preferredDuringSchedulingIgnoredDuringExecution.indices {
            preferredDuringSchedulingIgnoredDuringExecution[index].podAffinityTerm.resolve(labels)
        }
    }
}
