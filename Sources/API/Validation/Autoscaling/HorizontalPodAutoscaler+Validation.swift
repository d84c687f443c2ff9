package import APIAutoscalingV2
package import APIMachinery
import Codec

extension HorizontalPodAutoscaler {
    package func validate() -> FieldErrors { validate(fewest: 1) }

    package func validateUpdate(of old: HorizontalPodAutoscaler) -> FieldErrors {
        validate(fewest: old.spec.minReplicas == 0 ? 0 : 1)
    }

    private func validate(fewest: Int) -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if let least = spec.minReplicas, least < fewest {
            errors.append(.invalid(path.child("minReplicas"), least, "must be greater than or equal to \(fewest)"))
        }
        if spec.maxReplicas < 1 {
            errors.append(.invalid(path.child("maxReplicas"), spec.maxReplicas, "must be greater than 0"))
        }
        if let least = spec.minReplicas, spec.maxReplicas < least {
            let text: String = "must be greater than or equal to `minReplicas`"
            errors.append(.invalid(path.child("maxReplicas"), spec.maxReplicas, text))
        }
        errors += spec.scaleTargetRef.validate(path.child("scaleTargetRef"))
        for (index, metric) in spec.metrics.enumerated() {
            errors += metric.validate(path.child("metrics").index(index))
        }
        if spec.minReplicas == 0, !spec.metrics.contains(where: { $0.type == "Object" || $0.type == "External" }) {
            let text: String = "must specify at least one Object or External metric to support scaling to zero replicas"
            errors.append(.forbidden(path.child("metrics"), text))
        }
        if let behavior = spec.behavior {
            let field: FieldPath = path.child("behavior")
            if let rules = behavior.scaleUp { errors += rules.validate(field.child("scaleUp")) }
            if let rules = behavior.scaleDown { errors += rules.validate(field.child("scaleDown")) }
        }
        return errors
    }

    package func validateStatus() -> FieldErrors {
        let path = FieldPath("status")
        var errors: FieldErrors = Rule.nonNegative(status.currentReplicas, path.child("currentReplicas"))
        errors += Rule.nonNegative(status.desiredReplicas, path.child("desiredReplicas"))
        return errors
    }
}

extension CrossVersionObjectReference {
    func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (name, value) in [("kind", kind), ("name", name)] {
            let field: FieldPath = path.child(name)
            errors += value.isEmpty ? [.required(field)] : Rule.messages(NameRules.pathSegment(value), value, field)
        }
        if apiVersion.utf8.count(where: { $0 == UInt8(ascii: "/") }) > 1 {
            let text: String = "unexpected GroupVersion string: \(apiVersion)"
            errors.append(.invalid(path.child("apiVersion"), apiVersion, text))
        }
        return errors
    }
}

extension HPAScalingRules {
    private static let longestWindow = 3_600

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if let window = stabilizationWindowSeconds {
            let field: FieldPath = path.child("stabilizationWindowSeconds")
            if window < 0 { errors.append(.invalid(field, window, "must be greater than or equal to zero")) }
            if window > Self.longestWindow {
                errors.append(.invalid(field, window, "must be less than or equal to \(Self.longestWindow)"))
            }
        }
        errors += Rule.optionalChoice(selectPolicy, ["Disabled", "Max", "Min"], path.child("selectPolicy"))
        if policies.isEmpty { errors.append(.required(path.child("policies"), "must specify at least one Policy")) }
        for (index, policy) in policies.enumerated() { errors += policy.validate(path.child("policies").index(index)) }
        if let tolerance { errors += ResourceRules.nonNegative(tolerance, path.child("tolerance")) }
        return errors
    }
}

extension HPAScalingPolicy {
    private static let longestPeriod = 1_800

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.oneOf(type, ["Percent", "Pods"], path.child("type"))
        if value <= 0 { errors.append(.invalid(path.child("value"), value, "must be greater than zero")) }
        let field: FieldPath = path.child("periodSeconds")
        if periodSeconds <= 0 { errors.append(.invalid(field, periodSeconds, "must be greater than zero")) }
        if periodSeconds > Self.longestPeriod {
            errors.append(.invalid(field, periodSeconds, "must be less than or equal to \(Self.longestPeriod)"))
        }
        return errors
    }
}
