import APIAutoscalingV2
import APIMachinery
import Codec

/// The columns of autoscalers, the same for both versions.
enum AutoscalerTable {
    /// So many metrics are shown.
    private static let shown = 2
    private static let unknown = "<unknown>"

    static func definition<Object: APIObject>(_ convert: @escaping @Sendable (Object) -> HorizontalPodAutoscaler)
        -> TableDefinition<Object>
    {
        TableDefinition([
            .name, TableColumn("Reference"), TableColumn("Targets"), TableColumn("MinPods"), TableColumn("MaxPods"),
            TableColumn("Replicas"), .age,
        ]) { object, now in
            let autoscaler: HorizontalPodAutoscaler = convert(object)
            let reference: CrossVersionObjectReference = autoscaler.spec.scaleTargetRef
            return [
                .string(autoscaler.metadata.name), .string(reference.kind + "/" + reference.name),
                .string(targets(autoscaler)),
                .string(autoscaler.spec.minReplicas.map { String($0) } ?? CellText.unset),
                CellText.int(autoscaler.spec.maxReplicas), CellText.int(autoscaler.status.currentReplicas),
                CellText.age(autoscaler.metadata, now),
            ]
        }
    }

    private static func targets(_ autoscaler: HorizontalPodAutoscaler) -> String {
        let metrics: [MetricSpec] = autoscaler.spec.metrics
        if metrics.isEmpty { return CellText.none }
        let current: [MetricStatus] = autoscaler.status.currentMetrics
        let texts: [String] = metrics.enumerated().map { index, metric in
            cell(metric, index < current.count ? current[index] : nil)
        }
        let text: String = texts.prefix(shown).joined(separator: ", ")
        return texts.count > shown ? "\(text) + \(texts.count - shown) more..." : text
    }

    private static func cell(_ metric: MetricSpec, _ status: MetricStatus?) -> String {
        switch metric.type {
        case "External": plain(metric.external?.target, status?.external?.current)
        case "Object": plain(metric.object?.target, status?.object?.current)
        case "Pods":
            "\(amount(status?.pods?.current.averageValue))/\(amount(metric.pods?.target.averageValue))"
        case "Resource":
            (metric.resource?.name ?? "") + ": " + share(metric.resource?.target, status?.resource?.current)
        case "ContainerResource":
            (metric.containerResource?.name ?? "") + ": "
                + share(metric.containerResource?.target, status?.containerResource?.current)
        default: "<unknown type>"
        }
    }

    private static func plain(_ target: MetricTarget?, _ current: MetricValueStatus?) -> String {
        if let wanted = target?.averageValue { return "\(amount(current?.averageValue))/\(wanted) (avg)" }
        return "\(amount(current?.value))/\(amount(target?.value))"
    }

    private static func share(_ target: MetricTarget?, _ current: MetricValueStatus?) -> String {
        if let wanted = target?.averageValue { return "\(amount(current?.averageValue))/\(wanted)" }
        let now: String = current?.averageUtilization.map { "\($0)%" } ?? unknown
        return now + "/" + (target?.averageUtilization.map { "\($0)%" } ?? "<auto>")
    }

    private static func amount(_ quantity: Quantity?) -> String { quantity?.description ?? unknown }
}
