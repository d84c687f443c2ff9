package import API
import APIMachinery
import Codec

/// How well a pod is protected when memory runs short, by upstream's rule.
package enum QualityOfService: String, Sendable {
    /// Every container limits CPU and memory, and requests just that.
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    /// No container requests or limits CPU or memory.
    case bestEffort = "BestEffort"

    package init(of pod: Pod) {
        var isAnySet: Bool = false
        var isGuaranteed: Bool = true
        for container in pod.spec.initContainers + pod.spec.containers {
            for resource in ["cpu", "memory"] {
                let limit: Quantity? = container.resources.limits[resource].flatMap(Self.nonZero)
                let request: Quantity? = container.resources.requests[resource].flatMap(Self.nonZero) ?? limit
                if limit != nil || request != nil { isAnySet = true }
                if limit == nil || request != limit { isGuaranteed = false }
            }
        }
        self = !isAnySet ? .bestEffort : isGuaranteed ? .guaranteed : .burstable
    }

    private static func nonZero(_ quantity: Quantity) -> Quantity? {
        quantity.milliValue == 0 ? nil : quantity
    }
}
