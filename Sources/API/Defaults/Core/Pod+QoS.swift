package import APICore
import APIMachinery
import Codec

extension Pod {
    /// How well the pod is protected when its node runs short: `Guaranteed` if every container limits CPU and memory
    /// to what it requests, `BestEffort` if none asks for either, else `Burstable`. Pod-level amounts take precedence.
    package var qosClass: String {
        if let resources = spec.resources, !resources.requests.isEmpty || !resources.limits.isEmpty {
            return QoS.classify([resources])
        }
        return QoS.classify((spec.initContainers + spec.containers).map { $0.resources })
    }
}

private enum QoS {
    static let resources: [String] = ["cpu", "memory"]

    static func classify(_ containers: [ResourceRequirements]) -> String {
        var asksForSomething: Bool = false
        var isGuaranteed: Bool = true
        for container in containers {
            for resource in resources {
                let limit: Quantity? = container.limits[resource].flatMap { $0.isZero ? nil : $0 }
                let request: Quantity? = container.requests[resource].flatMap { $0.isZero ? nil : $0 }
                if limit != nil || request != nil { asksForSomething = true }
                if limit == nil { isGuaranteed = false }
                if let request, request != limit { isGuaranteed = false }
            }
        }
        guard asksForSomething else { return "BestEffort" }
        return isGuaranteed ? "Guaranteed" : "Burstable"
    }
}
