package import APIAutoscaling
package import APIAutoscalingV2
import APIDefaults
import APIMachinery
import Codec

extension APIAutoscaling.HorizontalPodAutoscaler {
    /// The same autoscaler, as the older API has it.
    package init(_ current: APIAutoscalingV2.HorizontalPodAutoscaler) {
        self.init()
        metadata = current.metadata
        for key in HPAAnnotation.allCases { metadata.annotations[key.rawValue] = nil }
        spec.scaleTargetRef.kind = current.spec.scaleTargetRef.kind
        spec.scaleTargetRef.name = current.spec.scaleTargetRef.name
        spec.scaleTargetRef.apiVersion = current.spec.scaleTargetRef.apiVersion
        spec.minReplicas = current.spec.minReplicas
        spec.maxReplicas = current.spec.maxReplicas
        spec.targetCPUUtilizationPercentage =
            current.spec.metrics.first { $0.isProcessorShare }?.resource?.target.averageUtilization
        status.observedGeneration = current.status.observedGeneration
        status.lastScaleTime = current.status.lastScaleTime
        status.currentReplicas = current.status.currentReplicas
        status.desiredReplicas = current.status.desiredReplicas
        status.currentCPUUtilizationPercentage =
            current.status.currentMetrics.first {
                $0.type == "Resource" && $0.resource?.name == "cpu" && $0.resource?.current.averageUtilization != nil
            }?.resource?.current.averageUtilization
        let others: [MetricSpec] = current.spec.metrics.filter { !$0.isProcessorShare }
        annotate(.metrics, others.map { MetricAnnotations.older($0) })
        annotate(.currentMetrics, current.status.currentMetrics.map { MetricAnnotations.older($0) })
        annotate(.conditions, current.status.conditions.compactMap { MetricAnnotations.tree($0) })
        if let behavior = current.spec.behavior {
            metadata.annotations[HPAAnnotation.behavior.rawValue] = String(decoding: behavior.jsonBytes, as: UTF8.self)
        }
    }

    private mutating func annotate(_ key: HPAAnnotation, _ values: [JSONValue]) {
        guard !values.isEmpty else { return }
        metadata.annotations[key.rawValue] = String(decoding: JSONValue.array(values).jsonBytes, as: UTF8.self)
    }
}

extension MetricSpec {
    /// What the older API has a field for.
    fileprivate var isProcessorShare: Bool {
        type == "Resource" && resource?.name == "cpu" && resource?.target.averageUtilization != nil
    }
}

extension APIAutoscalingV2.HorizontalPodAutoscaler {
    /// The same autoscaler, as the newer API has it. Annotations that cannot be read are ignored, as upstream does.
    package init(_ older: APIAutoscaling.HorizontalPodAutoscaler) {
        self.init()
        metadata = older.metadata
        for key in HPAAnnotation.allCases { metadata.annotations[key.rawValue] = nil }
        spec.scaleTargetRef.kind = older.spec.scaleTargetRef.kind
        spec.scaleTargetRef.name = older.spec.scaleTargetRef.name
        spec.scaleTargetRef.apiVersion = older.spec.scaleTargetRef.apiVersion
        spec.minReplicas = older.spec.minReplicas
        spec.maxReplicas = older.spec.maxReplicas
        spec.metrics = (Self.list(older, .metrics) ?? []).map { MetricAnnotations.metric($0) }
        if let share = older.spec.targetCPUUtilizationPercentage {
            spec.metrics.append(MetricSpec(processorShare: share))
        }
        if let text = older.metadata.annotations[HPAAnnotation.behavior.rawValue] {
            spec.behavior = try? JSONReader.decode(HorizontalPodAutoscalerBehavior.self, from: Array(text.utf8))
        }
        setStatus(older)
    }

    private mutating func setStatus(_ older: APIAutoscaling.HorizontalPodAutoscaler) {
        status.observedGeneration = older.status.observedGeneration
        status.lastScaleTime = older.status.lastScaleTime
        status.currentReplicas = older.status.currentReplicas
        status.desiredReplicas = older.status.desiredReplicas
        if let known = Self.list(older, .currentMetrics) {
            status.currentMetrics = known.map { MetricAnnotations.status($0) }
        } else if let share = older.status.currentCPUUtilizationPercentage {
            status.currentMetrics = [
                MetricStatus.with { status in
                    status.type = "Resource"
                    status.resource = ResourceMetricStatus.with {
                        $0.name = "cpu"
                        $0.current.averageUtilization = share
                    }
                }
            ]
        }
        status.conditions = (Self.list(older, .conditions) ?? []).compactMap {
            try? JSONReader.decode(HorizontalPodAutoscalerCondition.self, from: $0.jsonBytes)
        }
    }

    private static func list(_ older: APIAutoscaling.HorizontalPodAutoscaler, _ key: HPAAnnotation) -> [JSONValue]? {
        guard let text = older.metadata.annotations[key.rawValue],
            let value = try? JSONReader.decode(JSONValue.self, from: Array(text.utf8)), let list = value.array,
            !list.isEmpty
        else { return nil }
        return list
    }
}
