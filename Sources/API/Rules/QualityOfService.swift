package import APICore
import APIMachinery
import Codec

/// How well a pod is protected when its node runs short, by upstream's rule.
package enum QualityOfService: String, Sendable {
    /// Every container limits CPU and memory to what it requests.
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    /// No container asks for CPU or memory, or limits it.
    case bestEffort = "BestEffort"

    private static let resources: [String] = ["cpu", "memory"]

    /// Amounts for the pod as a whole take precedence over those of its containers.
    package init(of pod: Pod) {
        if let whole = pod.spec.resources, !whole.requests.isEmpty || !whole.limits.isEmpty {
            self.init(of: [whole])
        } else {
            self.init(of: (pod.spec.initContainers + pod.spec.containers).map { $0.resources })
        }
    }

    private init(of containers: [ResourceRequirements]) {
        var asksForSomething: Bool = false
        var isGuaranteed: Bool = true
        for container in containers {
            for resource in Self.resources {
                let limit: Quantity? = container.limits[resource].flatMap { $0.isZero ? nil : $0 }
                let request: Quantity? = container.requests[resource].flatMap { $0.isZero ? nil : $0 }
                if limit != nil || request != nil { asksForSomething = true }
                if limit == nil { isGuaranteed = false }
                if let request, request != limit { isGuaranteed = false }
            }
        }
        self = !asksForSomething ? .bestEffort : isGuaranteed ? .guaranteed : .burstable
    }
}

extension Pod {
    /// As `status.qosClass` shows it.
    package var qosClass: String { QualityOfService(of: self).rawValue }
}
