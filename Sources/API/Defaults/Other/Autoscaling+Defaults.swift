package import APIAutoscaling
package import APIAutoscalingV2
import APIMachinery
import Codec

extension APIAutoscaling.HorizontalPodAutoscaler {
    /// The processor's share has no default here: only the annotations tell whether there are other metrics.
    package mutating func setDefaults() {
        if spec.minReplicas == nil { spec.minReplicas = 1 }
    }
}

extension APIAutoscalingV2.HorizontalPodAutoscaler {
    private static let processorShare = 80

    package mutating func setDefaults() {
        // What the older version says in annotations is said in fields here.
        for key in HPAAnnotation.allCases { metadata.annotations[key.rawValue] = nil }
        if spec.minReplicas == nil { spec.minReplicas = 1 }
        if spec.metrics.isEmpty { spec.metrics = [MetricSpec(processorShare: Self.processorShare)] }
        guard var behavior = spec.behavior else { return }
        behavior.scaleUp = Self.filled(
            behavior.scaleUp, window: 0, policies: [("Pods", 4, 15), ("Percent", 100, 15)])
        behavior.scaleDown = Self.filled(behavior.scaleDown, window: nil, policies: [("Percent", 100, 15)])
        spec.behavior = behavior
    }

    private static func filled(
        _ given: HPAScalingRules?, window: Int?, policies: [(type: String, value: Int, seconds: Int)]
    ) -> HPAScalingRules {
        var rules: HPAScalingRules = given ?? HPAScalingRules()
        if rules.stabilizationWindowSeconds == nil { rules.stabilizationWindowSeconds = window }
        if rules.selectPolicy == nil { rules.selectPolicy = "Max" }
        if rules.policies.isEmpty {
            rules.policies = policies.map { policy in
                HPAScalingPolicy.with {
                    $0.type = policy.type
                    $0.value = policy.value
                    $0.periodSeconds = policy.seconds
                }
            }
        }
        return rules
    }
}

extension MetricSpec {
    /// A target for the use of the processor, in percent of what pods request.
    package init(processorShare: Int) {
        self.init()
        type = "Resource"
        resource = ResourceMetricSource.with {
            $0.name = "cpu"
            $0.target.type = "Utilization"
            $0.target.averageUtilization = processorShare
        }
    }
}

/// Where autoscaling/v1 keeps what it has no fields for.
package enum HPAAnnotation: String, CaseIterable, Sendable {
    case metrics = "autoscaling.alpha.kubernetes.io/metrics"
    case currentMetrics = "autoscaling.alpha.kubernetes.io/current-metrics"
    case conditions = "autoscaling.alpha.kubernetes.io/conditions"
    case behavior = "autoscaling.alpha.kubernetes.io/behavior"
}
