package import APIApps
import APICore
package import APIMachinery
import Codec

extension Deployment {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = Rule.nonNegative(spec.replicas, path.child("replicas"))
        errors += TemplateRules.selector(spec.selector, kind: "deployment", path.child("selector"))
        errors += TemplateRules.template(
            spec.template, matching: spec.selector, kind: "ReplicaSet", path.child("template"))
        errors += validateStrategy(path.child("strategy"))
        errors += Rule.nonNegative(spec.minReadySeconds, path.child("minReadySeconds"))
        errors += Rule.nonNegative(spec.revisionHistoryLimit, path.child("revisionHistoryLimit"))
        if let deadline = spec.progressDeadlineSeconds {
            errors += Rule.nonNegative(deadline, path.child("progressDeadlineSeconds"))
            if deadline <= spec.minReadySeconds {
                let text: String = "must be greater than minReadySeconds"
                errors.append(.invalid(path.child("progressDeadlineSeconds"), deadline, text))
            }
        }
        return errors
    }

    private func validateStrategy(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        switch spec.strategy.type {
        case "Recreate":
            if spec.strategy.rollingUpdate != nil {
                let text: String = "may not be specified when strategy `type` is 'Recreate'"
                errors.append(.forbidden(path.child("rollingUpdate"), text))
            }
        case "RollingUpdate":
            guard let rolling = spec.strategy.rollingUpdate else {
                return [.required(path.child("rollingUpdate"), "this should be defaulted and never be nil")]
            }
            let unavailable: FieldPath = path.child("rollingUpdate", "maxUnavailable")
            errors += TemplateRules.amount(rolling.maxUnavailable, unavailable)
            errors += TemplateRules.amount(rolling.maxSurge, path.child("rollingUpdate", "maxSurge"))
            if TemplateRules.isZero(rolling.maxUnavailable), TemplateRules.isZero(rolling.maxSurge) {
                errors.append(.invalid(unavailable, rolling.maxUnavailable, "may not be 0 when `maxSurge` is 0"))
            }
            errors += TemplateRules.notMoreThanAll(rolling.maxUnavailable, unavailable)
        default:
            errors.append(.notSupported(path.child("type"), spec.strategy.type, ["Recreate", "RollingUpdate"]))
        }
        return errors
    }

    package func validateUpdate(of old: Deployment) -> FieldErrors {
        var errors: FieldErrors = validate()
        errors += TemplateRules.immutable(spec.selector, old.spec.selector, FieldPath("spec").child("selector"))
        return errors
    }

    package func validateStatus(replacing old: Deployment) -> FieldErrors {
        let path = FieldPath("status")
        var errors: FieldErrors = Rule.nonNegative(status.observedGeneration, path.child("observedGeneration"))
        errors += Rule.nonNegative(status.replicas, path.child("replicas"))
        errors += Rule.nonNegative(status.updatedReplicas, path.child("updatedReplicas"))
        errors += Rule.nonNegative(status.readyReplicas, path.child("readyReplicas"))
        errors += Rule.nonNegative(status.availableReplicas, path.child("availableReplicas"))
        errors += Rule.nonNegative(status.unavailableReplicas, path.child("unavailableReplicas"))
        errors += Rule.nonNegative(status.terminatingReplicas, path.child("terminatingReplicas"))
        errors += Rule.nonNegative(status.collisionCount, path.child("collisionCount"))
        let all: String = "cannot be greater than status.replicas"
        if status.updatedReplicas > status.replicas {
            errors.append(.invalid(path.child("updatedReplicas"), status.updatedReplicas, all))
        }
        if status.readyReplicas > status.replicas {
            errors.append(.invalid(path.child("readyReplicas"), status.readyReplicas, all))
        }
        if status.availableReplicas > status.replicas {
            errors.append(.invalid(path.child("availableReplicas"), status.availableReplicas, all))
        }
        if status.availableReplicas > status.readyReplicas {
            let text: String = "cannot be greater than readyReplicas"
            errors.append(.invalid(path.child("availableReplicas"), status.availableReplicas, text))
        }
        if let before = old.status.collisionCount, (status.collisionCount ?? 0) < before {
            let text: String = "cannot be decremented"
            errors.append(.invalid(path.child("collisionCount"), status.collisionCount ?? 0, text))
        }
        return errors
    }
}

extension ReplicaSet {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = Rule.nonNegative(spec.replicas, path.child("replicas"))
        errors += Rule.nonNegative(spec.minReadySeconds, path.child("minReadySeconds"))
        errors += TemplateRules.selector(spec.selector, kind: "replicaset", path.child("selector"))
        errors += TemplateRules.template(
            spec.template, matching: spec.selector, kind: "ReplicaSet", path.child("template"))
        return errors
    }

    package func validateUpdate(of old: ReplicaSet) -> FieldErrors {
        var errors: FieldErrors = validate()
        errors += TemplateRules.immutable(spec.selector, old.spec.selector, FieldPath("spec").child("selector"))
        return errors
    }

    package func validateStatus() -> FieldErrors {
        let path = FieldPath("status")
        var errors: FieldErrors = Rule.nonNegative(status.replicas, path.child("replicas"))
        errors += Rule.nonNegative(status.fullyLabeledReplicas, path.child("fullyLabeledReplicas"))
        errors += Rule.nonNegative(status.readyReplicas, path.child("readyReplicas"))
        errors += Rule.nonNegative(status.availableReplicas, path.child("availableReplicas"))
        errors += Rule.nonNegative(status.observedGeneration, path.child("observedGeneration"))
        let all: String = "cannot be greater than status.replicas"
        if status.fullyLabeledReplicas > status.replicas {
            errors.append(.invalid(path.child("fullyLabeledReplicas"), status.fullyLabeledReplicas, all))
        }
        if status.readyReplicas > status.replicas {
            errors.append(.invalid(path.child("readyReplicas"), status.readyReplicas, all))
        }
        if status.availableReplicas > status.replicas {
            errors.append(.invalid(path.child("availableReplicas"), status.availableReplicas, all))
        }
        if status.availableReplicas > status.readyReplicas {
            let text: String = "cannot be greater than readyReplicas"
            errors.append(.invalid(path.child("availableReplicas"), status.availableReplicas, text))
        }
        return errors
    }
}
