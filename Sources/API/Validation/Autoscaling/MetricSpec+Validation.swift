import APIAutoscalingV2
import APIMachinery
import Codec

extension MetricSpec {
    private static let types = ["ContainerResource", "External", "Object", "Pods", "Resource"]

    func validate(_ path: FieldPath) -> FieldErrors {
        if type.isEmpty { return [.required(path.child("type"), "must specify a metric source type")] }
        var errors: FieldErrors = Rule.oneOf(type, Self.types, path.child("type"))
        let present: [String] = sources.map { $0.name }
        // Of several sources only the first is looked at: the others must go anyway.
        if let first = sources.first { errors += first.validate(path.child(first.name)) }
        let wanted: String = type.prefix(1).lowercased() + type.dropFirst()
        if Self.types.contains(type), !present.contains(wanted) {
            let text: String = "must populate information for the given metric source"
            errors.append(.required(path.child(wanted), text))
        }
        if present.count != 1 {
            for name in present where name != wanted {
                errors.append(.forbidden(path.child(name), "must populate the given metric source only"))
            }
        }
        return errors
    }

    private typealias Source = (name: String, validate: (FieldPath) -> FieldErrors)

    /// Those that are given, in the order in which upstream looks at them.
    private var sources: [Source] {
        var sources: [Source] = []
        if let object { sources.append(("object", { object.validate($0) })) }
        if let external { sources.append(("external", { external.validate($0) })) }
        if let pods { sources.append(("pods", { pods.validate($0) })) }
        if let resource { sources.append(("resource", { resource.validate($0) })) }
        if let containerResource { sources.append(("containerResource", { containerResource.validate($0) })) }
        return sources
    }
}

extension ObjectMetricSource {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = describedObject.validate(path.child("describedObject"))
        errors += metric.validate(path.child("metric"))
        errors += target.validate(path.child("target"))
        if target.value == nil, target.averageValue == nil {
            let text: String = "must set either a target value for metric or a per-pod target"
            errors.append(.required(path.child("target").child("averageValue"), text))
        }
        return errors
    }
}

extension ExternalMetricSource {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = metric.validate(path.child("metric"))
        errors += target.validate(path.child("target"))
        if target.value == nil, target.averageValue == nil {
            let text: String = "must set either a target value for metric or a per-pod target"
            errors.append(.required(path.child("target").child("averageValue"), text))
        }
        if target.value != nil, target.averageValue != nil {
            let text: String = "may not set both a target value for metric and a per-pod target"
            errors.append(.forbidden(path.child("target").child("value"), text))
        }
        return errors
    }
}

extension PodsMetricSource {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = metric.validate(path.child("metric"))
        errors += target.validate(path.child("target"))
        if (target.averageValue?.sign ?? 0) <= 0 {
            let text: String = "must specify a positive target averageValue"
            errors.append(.required(path.child("target").child("averageValue"), text))
        }
        return errors
    }
}

extension ResourceMetricSource {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(name, path.child("name"), "must specify a resource name")
        errors += target.validateResource(path.child("target"))
        return errors
    }
}

extension ContainerResourceMetricSource {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(name, path.child("name"), "must specify a resource name")
        errors += Rule.required(container, path.child("container"), "must specify a container")
        errors += target.validateResource(path.child("target"))
        return errors
    }
}

extension MetricIdentifier {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        if name.isEmpty { return [.required(path.child("name"), "must specify a metric name")] }
        return Rule.messages(NameRules.pathSegment(name), name, path.child("name"))
    }
}

extension MetricTarget {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(type, path.child("type"), "must specify a metric target type")
        if !["Utilization", "Value", "AverageValue"].contains(type) {
            errors.append(.invalid(path.child("type"), type, "must be either Utilization, Value, or AverageValue"))
        }
        if let value, value.sign <= 0 {
            errors.append(.invalid(path.child("value"), value.description, "must be positive"))
        }
        if let averageValue, averageValue.sign <= 0 {
            errors.append(.invalid(path.child("averageValue"), averageValue.description, "must be positive"))
        }
        if let averageUtilization, averageUtilization < 1 {
            errors.append(.invalid(path.child("averageUtilization"), averageUtilization, "must be greater than 0"))
        }
        return errors
    }

    fileprivate func validateResource(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = validate(path)
        if averageUtilization == nil, averageValue == nil {
            let text: String = "must set either a target raw value or a target utilization"
            errors.append(.required(path.child("averageUtilization"), text))
        }
        if averageUtilization != nil, averageValue != nil {
            let text: String = "may not set both a target raw value and a target utilization"
            errors.append(.forbidden(path.child("averageValue"), text))
        }
        return errors
    }
}
