import APICore
package import APIMachinery
import APIRules
import Codec

/// Fills in what containers ask for, and refuses what lies outside a namespace's limit ranges.
package struct LimitRanger: AdmissionPlugin {
    private static let annotation = "kubernetes.io/limit-ranger"

    package let name = "LimitRanger"

    package init() {}

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        let resource: String = attributes.info.gvr.resource
        guard attributes.info.gvr.group.isEmpty else { return false }
        switch attributes.operation {
        case .create: return attributes.subresource.isEmpty && ["pods", "persistentvolumeclaims"].contains(resource)
        case .update:
            if resource == "pods" { return attributes.subresource == "resize" }
            return resource == "persistentvolumeclaims" && attributes.subresource.isEmpty
        case .delete, .connect: return false
        }
    }

    private func ranges(_ attributes: AdmissionAttributes) -> [LimitRange] {
        // What is on its way out may change as it must.
        if attributes.oldObject?.metadata.deletionTimestamp != nil { return [] }
        return attributes.caches.list(LimitRange.self, namespace: attributes.namespace)
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard attributes.info.gvr.resource == "pods" else { return }
        let ranges: [LimitRange] = ranges(attributes)
        guard !ranges.isEmpty else { return }
        try attributes.mutate(Pod.self) { (pod: inout Pod) throws(StatusError) -> Void in
            for range in ranges { Self.fill(&pod, from: range) }
            // The class was found out before; what has been filled in may have changed it.
            if attributes.operation == .create { pod.status.qosClass = pod.qosClass }
        }
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        for range in ranges(attributes) {
            var problems: [String] = []
            if let pod = attributes.object(as: Pod.self) {
                problems = Self.problems(of: pod, range)
            } else if let claim = attributes.object(as: PersistentVolumeClaim.self) {
                problems = Self.problems(of: claim, range)
            }
            guard !problems.isEmpty else { continue }
            throw attributes.forbidden(
                problems.count == 1 ? problems[0] : "[" + problems.joined(separator: ", ") + "]")
        }
    }

    // MARK: - Defaults

    private static func fill(_ pod: inout Pod, from range: LimitRange) {
        var requests: StringMap<Quantity> = [:]
        var limits: StringMap<Quantity> = [:]
        for item in range.spec.limits where item.type == "Container" {
            requests.merge(item.defaultRequest)
            limits.merge(item.default)
        }
        if requests.isEmpty, limits.isEmpty { return }
        var notes: [String] = []
        for index in pod.spec.containers.indices {
            fill(&pod.spec.containers[index], requests, limits, "container", &notes)
        }
        for index in pod.spec.initContainers.indices {
            fill(&pod.spec.initContainers[index], requests, limits, "init container", &notes)
        }
        if !notes.isEmpty {
            pod.metadata.annotations[annotation] = "LimitRanger plugin set: " + notes.joined(separator: "; ")
        }
    }

    private static func fill(
        _ container: inout Container, _ requests: StringMap<Quantity>, _ limits: StringMap<Quantity>, _ what: String,
        _ notes: inout [String]
    ) {
        let setRequests: [String] = add(requests, to: &container.resources.requests)
        let setLimits: [String] = add(limits, to: &container.resources.limits)
        if !setRequests.isEmpty {
            notes.append("\(setRequests.joined(separator: ", ")) request for \(what) \(container.name)")
        }
        if !setLimits.isEmpty {
            notes.append("\(setLimits.joined(separator: ", ")) limit for \(what) \(container.name)")
        }
    }

    /// The names of what was missing.
    private static func add(_ defaults: StringMap<Quantity>, to amounts: inout StringMap<Quantity>) -> [String] {
        var names: [String] = []
        for (name, amount) in defaults where amounts[name] == nil {
            amounts[name] = amount
            names.append(name)
        }
        return names
    }

    // MARK: - Checks

    private static func problems(of pod: Pod, _ range: LimitRange) -> [String] {
        var problems: [String] = []
        for item in range.spec.limits {
            switch item.type {
            case "Container":
                for container in pod.spec.containers + pod.spec.initContainers {
                    let check = LimitCheck(
                        type: item.type, requests: container.resources.requests, limits: container.resources.limits)
                    problems += check.problems(item)
                }
            case "Pod":
                let amounts = PodAmounts(pod.spec, withOverhead: false)
                problems += LimitCheck(type: item.type, requests: amounts.requests, limits: amounts.limits)
                    .problems(item)
            default: break
            }
        }
        return problems
    }

    private static func problems(of claim: PersistentVolumeClaim, _ range: LimitRange) -> [String] {
        var problems: [String] = []
        for item in range.spec.limits where item.type == "PersistentVolumeClaim" {
            let check = LimitCheck(type: item.type, requests: claim.spec.resources.requests, limits: [:])
            for (name, minimum) in item.min { problems += check.belowMinimum(name, minimum) }
            for (name, maximum) in item.max { problems += check.requestAboveMaximum(name, maximum) }
        }
        return problems
    }
}
