import APIAutoscalingV2
import APIMachinery
import Codec

/// Metrics in the form of the annotations of autoscaling/v1, which is that of the API before autoscaling/v2.
enum MetricAnnotations {
    static func tree(_ value: some APIMessage) -> JSONValue? {
        try? JSONReader.decode(JSONValue.self, from: value.jsonBytes)
    }

    /// An object of those members that have a value.
    private static func object(_ members: [(key: String, value: JSONValue?)]) -> JSONValue {
        var object = JSONObject()
        for (key, value) in members {
            if let value { object[key] = value }
        }
        return .object(object)
    }

    private static func text(_ quantity: Quantity?) -> JSONValue? { quantity.map { .string($0.description) } }
    private static func number(_ value: Int?) -> JSONValue? { value.map { .int(Int64($0)) } }
    private static let zero: JSONValue = "0"

    // MARK: - Writing

    static func older(_ metric: MetricSpec) -> JSONValue {
        var members: [(key: String, value: JSONValue?)] = [("type", .string(metric.type))]
        if let source = metric.object {
            members.append(
                (
                    "object",
                    object([
                        ("target", tree(source.describedObject)), ("metricName", .string(source.metric.name)),
                        ("targetValue", text(source.target.value) ?? zero),
                        ("selector", source.metric.selector.flatMap { tree($0) }),
                        ("averageValue", text(source.target.averageValue)),
                    ])
                ))
        }
        if let source = metric.pods {
            members.append(
                (
                    "pods",
                    object([
                        ("metricName", .string(source.metric.name)),
                        ("targetAverageValue", text(source.target.averageValue) ?? zero),
                        ("selector", source.metric.selector.flatMap { tree($0) }),
                    ])
                ))
        }
        if let source = metric.resource { members.append(("resource", resource(source.name, nil, source.target))) }
        if let source = metric.containerResource {
            members.append(("containerResource", resource(source.name, source.container, source.target)))
        }
        if let source = metric.external {
            members.append(
                (
                    "external",
                    object([
                        ("metricName", .string(source.metric.name)),
                        ("metricSelector", source.metric.selector.flatMap { tree($0) }),
                        ("targetValue", text(source.target.value)),
                        ("targetAverageValue", text(source.target.averageValue)),
                    ])
                ))
        }
        return object(members)
    }

    private static func resource(_ name: String, _ container: String?, _ target: MetricTarget) -> JSONValue {
        object([
            ("name", .string(name)), ("targetAverageUtilization", number(target.averageUtilization)),
            ("targetAverageValue", text(target.averageValue)), ("container", container.map { .string($0) }),
        ])
    }

    static func older(_ status: MetricStatus) -> JSONValue {
        var members: [(key: String, value: JSONValue?)] = [("type", .string(status.type))]
        if let source = status.object {
            members.append(
                (
                    "object",
                    object([
                        ("target", tree(source.describedObject)), ("metricName", .string(source.metric.name)),
                        ("currentValue", text(source.current.value) ?? zero),
                        ("selector", source.metric.selector.flatMap { tree($0) }),
                        ("averageValue", text(source.current.averageValue)),
                    ])
                ))
        }
        if let source = status.pods {
            members.append(
                (
                    "pods",
                    object([
                        ("metricName", .string(source.metric.name)),
                        ("currentAverageValue", text(source.current.averageValue) ?? zero),
                        ("selector", source.metric.selector.flatMap { tree($0) }),
                    ])
                ))
        }
        if let source = status.resource { members.append(("resource", resource(source.name, nil, source.current))) }
        if let source = status.containerResource {
            members.append(("containerResource", resource(source.name, source.container, source.current)))
        }
        if let source = status.external {
            members.append(
                (
                    "external",
                    object([
                        ("metricName", .string(source.metric.name)),
                        ("metricSelector", source.metric.selector.flatMap { tree($0) }),
                        ("currentValue", text(source.current.value) ?? zero),
                        ("currentAverageValue", text(source.current.averageValue)),
                    ])
                ))
        }
        return object(members)
    }

    private static func resource(_ name: String, _ container: String?, _ current: MetricValueStatus) -> JSONValue {
        object([
            ("name", .string(name)), ("currentAverageUtilization", number(current.averageUtilization)),
            ("currentAverageValue", text(current.averageValue) ?? zero), ("container", container.map { .string($0) }),
        ])
    }

    // MARK: - Reading

    private static func decode<Value: APIMessage>(_ value: JSONValue?) -> Value? {
        value.flatMap { try? JSONReader.decode(Value.self, from: $0.jsonBytes) }
    }

    private static func quantity(_ value: JSONValue?) -> Quantity? {
        guard let value, !value.isNull else { return nil }
        return try? JSONReader.decode(Quantity.self, from: value.jsonBytes)
    }

    private static func identifier(_ source: JSONValue, selector: String) -> MetricIdentifier {
        MetricIdentifier.with {
            $0.name = source["metricName"]?.string ?? ""
            $0.selector = decode(source[selector])
        }
    }

    /// Zero stands for none where the older form had to say something.
    private static func nonZero(_ quantity: Quantity?) -> Quantity? {
        guard let quantity, quantity.sign != 0 else { return nil }
        return quantity
    }

    private static func target(average: Quantity?, value: Quantity?, share: Int? = nil) -> MetricTarget {
        MetricTarget.with {
            $0.averageUtilization = share
            $0.averageValue = average
            $0.value = value
            $0.type = share != nil ? "Utilization" : value != nil ? "Value" : "AverageValue"
        }
    }

    static func metric(_ older: JSONValue) -> MetricSpec {
        var metric = MetricSpec()
        metric.type = older["type"]?.string ?? ""
        metric.object = older["object"].map { source in
            ObjectMetricSource.with {
                $0.describedObject = decode(source["target"]) ?? CrossVersionObjectReference()
                $0.metric = identifier(source, selector: "selector")
                let average: Quantity? = quantity(source["averageValue"])
                $0.target = target(
                    average: average, value: average == nil ? quantity(source["targetValue"]) : nil)
            }
        }
        metric.pods = older["pods"].map { source in
            PodsMetricSource.with {
                $0.metric = identifier(source, selector: "selector")
                $0.target = target(average: quantity(source["targetAverageValue"]), value: nil)
            }
        }
        metric.resource = older["resource"].map { source in
            ResourceMetricSource.with {
                $0.name = source["name"]?.string ?? ""
                $0.target = resourceTarget(source)
            }
        }
        metric.containerResource = older["containerResource"].map { source in
            ContainerResourceMetricSource.with {
                $0.name = source["name"]?.string ?? ""
                $0.container = source["container"]?.string ?? ""
                $0.target = resourceTarget(source)
            }
        }
        metric.external = older["external"].map { source in
            ExternalMetricSource.with {
                $0.metric = identifier(source, selector: "metricSelector")
                $0.target = target(
                    average: quantity(source["targetAverageValue"]), value: quantity(source["targetValue"]))
            }
        }
        return metric
    }

    private static func resourceTarget(_ source: JSONValue) -> MetricTarget {
        target(
            average: quantity(source["targetAverageValue"]), value: nil,
            share: source["targetAverageUtilization"]?.int)
    }

    static func status(_ older: JSONValue) -> MetricStatus {
        var status = MetricStatus()
        status.type = older["type"]?.string ?? ""
        status.object = older["object"].map { source in
            ObjectMetricStatus.with {
                $0.describedObject = decode(source["target"]) ?? CrossVersionObjectReference()
                $0.metric = identifier(source, selector: "selector")
                $0.current.value = nonZero(quantity(source["currentValue"]))
                $0.current.averageValue = quantity(source["averageValue"])
            }
        }
        status.pods = older["pods"].map { source in
            PodsMetricStatus.with {
                $0.metric = identifier(source, selector: "selector")
                $0.current.averageValue = quantity(source["currentAverageValue"])
            }
        }
        status.resource = older["resource"].map { source in
            ResourceMetricStatus.with {
                $0.name = source["name"]?.string ?? ""
                $0.current = resourceValue(source)
            }
        }
        status.containerResource = older["containerResource"].map { source in
            ContainerResourceMetricStatus.with {
                $0.name = source["name"]?.string ?? ""
                $0.container = source["container"]?.string ?? ""
                $0.current = resourceValue(source)
            }
        }
        status.external = older["external"].map { source in
            ExternalMetricStatus.with {
                $0.metric = identifier(source, selector: "metricSelector")
                $0.current.value = nonZero(quantity(source["currentValue"]))
                $0.current.averageValue = quantity(source["currentAverageValue"])
            }
        }
        return status
    }

    private static func resourceValue(_ source: JSONValue) -> MetricValueStatus {
        MetricValueStatus.with {
            $0.averageUtilization = source["currentAverageUtilization"]?.int
            $0.averageValue = nonZero(quantity(source["currentAverageValue"]))
        }
    }
}
