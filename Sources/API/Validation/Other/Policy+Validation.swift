import APICore
package import APIMachinery
package import APINode
package import APIPolicy
package import APIScheduling
import Codec

extension PodDisruptionBudget {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if spec.minAvailable != nil, spec.maxUnavailable != nil {
            errors.append(.invalid(path, spec, "minAvailable and maxUnavailable cannot be both set"))
        }
        errors += TemplateRules.amount(spec.minAvailable, path.child("minAvailable"))
        errors += TemplateRules.notMoreThanAll(spec.minAvailable, path.child("minAvailable"))
        errors += TemplateRules.amount(spec.maxUnavailable, path.child("maxUnavailable"))
        errors += TemplateRules.notMoreThanAll(spec.maxUnavailable, path.child("maxUnavailable"))
        errors += Validation.labelSelector(spec.selector, at: path.child("selector"))
        errors += Rule.optionalChoice(
            spec.unhealthyPodEvictionPolicy, ["AlwaysAllow", "IfHealthyBudget"],
            path.child("unhealthyPodEvictionPolicy"))
        return errors
    }

    package func validateStatus() -> FieldErrors {
        let path = FieldPath("status")
        var errors: FieldErrors = Validation.conditions(status.conditions, at: path.child("conditions"))
        errors += Rule.nonNegative(status.disruptionsAllowed, path.child("disruptionsAllowed"))
        errors += Rule.nonNegative(status.currentHealthy, path.child("currentHealthy"))
        errors += Rule.nonNegative(status.desiredHealthy, path.child("desiredHealthy"))
        errors += Rule.nonNegative(status.expectedPods, path.child("expectedPods"))
        return errors
    }
}

extension PriorityClass {
    /// The classes that the system itself needs, with their values.
    private static let system: [String: Int] = [
        "system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000,
    ]
    private static let highest = 1_000_000_000

    package func validate() -> FieldErrors {
        var errors = FieldErrors()
        if metadata.name.hasPrefix("system-") {
            if Self.system[metadata.name] != value || globalDefault {
                let text: String =
                    "priority class names with 'system-' prefix are reserved for system use only. error: "
                    + "\(metadata.name) is not a known system priority class"
                errors.append(.forbidden(FieldPath("metadata").child("name"), text))
            }
        } else if value > Self.highest {
            let text: String = "maximum allowed value of a user defined priority is \(Self.highest)"
            errors.append(.forbidden(FieldPath("value"), text))
        }
        errors += Rule.optionalChoice(
            preemptionPolicy, ["Never", "PreemptLowerPriority"], FieldPath("preemptionPolicy"))
        return errors
    }

    package func validateUpdate(of old: PriorityClass) -> FieldErrors {
        var errors = FieldErrors()
        if value != old.value { errors.append(.forbidden(FieldPath("value"), "may not be changed in an update.")) }
        if preemptionPolicy != old.preemptionPolicy {
            errors.append(.invalid(FieldPath("preemptionPolicy"), preemptionPolicy, ObjectMeta.immutableMessage))
        }
        return errors
    }
}

extension RuntimeClass {
    package func validate() -> FieldErrors {
        var errors: FieldErrors = Rule.label(handler, FieldPath("handler"))
        if let overhead {
            for (name, amount) in overhead.podFixed {
                let path: FieldPath = FieldPath("overhead").child("podFixed").key(name)
                errors += ResourceRules.containerName(name, path)
                errors += ResourceRules.amount(amount, of: name, path)
            }
        }
        if let scheduling {
            let path = FieldPath("scheduling")
            errors += Validation.labels(scheduling.nodeSelector, at: path.child("nodeSelector"))
            errors += SchedulingRules.tolerations(scheduling.tolerations, path.child("tolerations"))
        }
        return errors
    }

    package func validateUpdate(of old: RuntimeClass) -> FieldErrors {
        Validation.immutable(handler, old.handler, at: FieldPath("handler"))
    }
}
