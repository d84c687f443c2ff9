package import APIApps
package import APICore
package import APIMachinery
import Codec

extension DaemonSet {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = TemplateRules.selector(spec.selector, kind: "daemonset", path.child("selector"))
        errors += TemplateRules.template(
            spec.template, matching: spec.selector, kind: "DaemonSet", path.child("template"))
        errors += Rule.nonNegative(spec.minReadySeconds, path.child("minReadySeconds"))
        errors += validateStrategy(path.child("updateStrategy"))
        errors += Rule.nonNegative(spec.revisionHistoryLimit, path.child("revisionHistoryLimit"))
        return errors
    }

    private func validateStrategy(_ path: FieldPath) -> FieldErrors {
        switch spec.updateStrategy.type {
        case "OnDelete": return []
        case "RollingUpdate":
            guard let rolling = spec.updateStrategy.rollingUpdate else {
                return [.required(path.child("rollingUpdate"))]
            }
            let field: FieldPath = path.child("rollingUpdate")
            var errors: FieldErrors = TemplateRules.amount(rolling.maxUnavailable, field.child("maxUnavailable"))
            errors += TemplateRules.amount(rolling.maxSurge, field.child("maxSurge"))
            let hasUnavailable: Bool = !TemplateRules.isZero(rolling.maxUnavailable)
            let hasSurge: Bool = !TemplateRules.isZero(rolling.maxSurge)
            if hasUnavailable, hasSurge {
                let text: String = "may not be set when maxUnavailable is non-zero"
                errors.append(.invalid(field.child("maxSurge"), rolling.maxSurge, text))
            } else if !hasUnavailable, !hasSurge {
                let text: String = "cannot be 0 when maxUnavailable is 0"
                errors.append(.required(field.child("maxUnavailable"), text))
            }
            errors += TemplateRules.notMoreThanAll(rolling.maxUnavailable, field.child("maxUnavailable"))
            errors += TemplateRules.notMoreThanAll(rolling.maxSurge, field.child("maxSurge"))
            return errors
        default:
            return [.notSupported(path, spec.updateStrategy.type, ["RollingUpdate", "OnDelete"])]
        }
    }

    package func validateUpdate(of old: DaemonSet) -> FieldErrors {
        var errors: FieldErrors = validate()
        errors += TemplateRules.immutable(spec.selector, old.spec.selector, FieldPath("spec").child("selector"))
        return errors
    }

    package func validateStatus(replacing old: DaemonSet) -> FieldErrors {
        let path = FieldPath("status")
        var errors = FieldErrors()
        let counts: [(String, Int)] = [
            ("currentNumberScheduled", status.currentNumberScheduled),
            ("numberMisscheduled", status.numberMisscheduled),
            ("desiredNumberScheduled", status.desiredNumberScheduled), ("numberReady", status.numberReady),
            ("updatedNumberScheduled", status.updatedNumberScheduled), ("numberAvailable", status.numberAvailable),
            ("numberUnavailable", status.numberUnavailable),
        ]
        for (name, count) in counts { errors += Rule.nonNegative(count, path.child(name)) }
        errors += Rule.nonNegative(status.observedGeneration, path.child("observedGeneration"))
        errors += Rule.nonNegative(status.collisionCount, path.child("collisionCount"))
        if let before = old.status.collisionCount, (status.collisionCount ?? 0) < before {
            let text: String = "cannot be decremented"
            errors.append(.invalid(path.child("collisionCount"), status.collisionCount ?? 0, text))
        }
        return errors
    }
}

extension ReplicationController {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = Rule.nonNegative(spec.minReadySeconds, path.child("minReadySeconds"))
        if spec.selector.isEmpty { errors.append(.required(path.child("selector"))) }
        errors += Validation.labels(spec.selector, at: path.child("selector"))
        errors += Rule.nonNegative(spec.replicas, path.child("replicas"))
        guard let template = spec.template else {
            errors.append(.required(path.child("template")))
            return errors
        }
        let selector = LabelSelector.with { $0.matchLabels = spec.selector }
        errors += TemplateRules.template(
            template, matching: selector, kind: "ReplicationController", path.child("template"))
        return errors
    }

    package func validateStatus() -> FieldErrors {
        let path = FieldPath("status")
        var errors: FieldErrors = Rule.nonNegative(status.replicas, path.child("replicas"))
        let counts: [(String, Int)] = [
            ("fullyLabeledReplicas", status.fullyLabeledReplicas), ("readyReplicas", status.readyReplicas),
            ("availableReplicas", status.availableReplicas),
        ]
        for (name, count) in counts {
            errors += Rule.nonNegative(count, path.child(name))
            if count > status.replicas {
                errors.append(.invalid(path.child(name), count, "cannot be greater than status.replicas"))
            }
        }
        return errors
    }
}
