package import APIApps
import APICore
package import APIMachinery
import Codec

extension StatefulSet {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        let management: FieldPath = path.child("podManagementPolicy")
        if spec.podManagementPolicy.isEmpty {
            errors.append(.required(management))
        } else if !["OrderedReady", "Parallel"].contains(spec.podManagementPolicy) {
            let text: String = "must be 'OrderedReady' or 'Parallel'"
            errors.append(.invalid(management, spec.podManagementPolicy, text))
        }
        errors += validateStrategy(path.child("updateStrategy"))
        if let policy = spec.persistentVolumeClaimRetentionPolicy {
            let field: FieldPath = path.child("persistentVolumeClaimRetentionPolicy")
            errors += Rule.oneOf(policy.whenDeleted, ["Delete", "Retain"], field.child("whenDeleted"))
            errors += Rule.oneOf(policy.whenScaled, ["Delete", "Retain"], field.child("whenScaled"))
        }
        errors += Rule.nonNegative(spec.replicas, path.child("replicas"))
        errors += Rule.nonNegative(spec.minReadySeconds, path.child("minReadySeconds"))
        errors += Rule.nonNegative(spec.ordinals?.start, path.child("ordinals", "start"))
        errors += TemplateRules.selector(spec.selector, kind: "statefulset", path.child("selector"))
        if !spec.serviceName.isEmpty { errors += Rule.subdomain(spec.serviceName, path.child("serviceName")) }
        errors += validateTemplate(path.child("template"))
        return errors
    }

    /// Claims of the set are mounted like volumes of the template.
    private func validateTemplate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = TemplateRules.matches(spec.template, spec.selector, path)
        var template: PodTemplateSpec = spec.template
        let own: Set<String> = Set(template.spec.volumes.map { $0.name })
        for claim in spec.volumeClaimTemplates where !own.contains(claim.metadata.name) {
            template.spec.volumes.append(
                Volume.with { volume in
                    volume.name = claim.metadata.name
                    volume.persistentVolumeClaim = PersistentVolumeClaimVolumeSource.with {
                        $0.claimName = claim.metadata.name
                    }
                })
        }
        errors += template.validate(at: path)
        if template.spec.restartPolicy != "Always" {
            let field: FieldPath = path.child("spec", "restartPolicy")
            errors.append(.notSupported(field, template.spec.restartPolicy, ["Always"]))
        }
        if template.spec.activeDeadlineSeconds != nil {
            let text: String = "activeDeadlineSeconds in StatefulSet is not Supported"
            errors.append(.forbidden(path.child("spec", "activeDeadlineSeconds"), text))
        }
        return errors
    }

    private func validateStrategy(_ path: FieldPath) -> FieldErrors {
        let strategy: StatefulSetUpdateStrategy = spec.updateStrategy
        switch strategy.type {
        case "": return [.required(path)]
        case "OnDelete":
            if strategy.rollingUpdate == nil { return [] }
            let text: String = "only allowed for updateStrategy 'RollingUpdate'"
            return [.invalid(path.child("rollingUpdate"), strategy.rollingUpdate, text)]
        case "RollingUpdate":
            let field: FieldPath = path.child("rollingUpdate")
            var errors: FieldErrors = Rule.nonNegative(strategy.rollingUpdate?.partition, field.child("partition"))
            if let amount = strategy.rollingUpdate?.maxUnavailable {
                errors += TemplateRules.amount(amount, field.child("maxUnavailable"))
                if TemplateRules.isZero(amount) {
                    errors.append(.invalid(field.child("maxUnavailable"), amount, "cannot be 0"))
                }
                errors += TemplateRules.notMoreThanAll(amount, field.child("maxUnavailable"))
            }
            return errors
        default: return [.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")]
        }
    }

    package func validateUpdate(of old: StatefulSet) -> FieldErrors {
        var errors: FieldErrors = validate()
        var munged: StatefulSetSpec = spec
        munged.replicas = old.spec.replicas
        munged.template = old.spec.template
        munged.updateStrategy = old.spec.updateStrategy
        munged.minReadySeconds = old.spec.minReadySeconds
        munged.ordinals = old.spec.ordinals
        munged.revisionHistoryLimit = old.spec.revisionHistoryLimit
        munged.persistentVolumeClaimRetentionPolicy = old.spec.persistentVolumeClaimRetentionPolicy
        if munged != old.spec {
            let text: String =
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                + "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                + "'minReadySeconds' are forbidden"
            errors.append(.forbidden(FieldPath("spec"), text))
        }
        return errors
    }

    package func validateStatus() -> FieldErrors {
        let path = FieldPath("status")
        var errors: FieldErrors = Rule.nonNegative(status.replicas, path.child("replicas"))
        errors += Rule.nonNegative(status.readyReplicas, path.child("readyReplicas"))
        errors += Rule.nonNegative(status.currentReplicas, path.child("currentReplicas"))
        errors += Rule.nonNegative(status.updatedReplicas, path.child("updatedReplicas"))
        errors += Rule.nonNegative(status.availableReplicas, path.child("availableReplicas"))
        errors += Rule.nonNegative(status.observedGeneration, path.child("observedGeneration"))
        errors += Rule.nonNegative(status.collisionCount, path.child("collisionCount"))
        let all: String = "cannot be greater than status.replicas"
        let counts: [(String, Int)] = [
            ("readyReplicas", status.readyReplicas), ("currentReplicas", status.currentReplicas),
            ("updatedReplicas", status.updatedReplicas), ("availableReplicas", status.availableReplicas),
        ]
        for (name, count) in counts where count > status.replicas {
            errors.append(.invalid(path.child(name), count, all))
        }
        if status.availableReplicas > status.readyReplicas {
            let text: String = "cannot be greater than status.readyReplicas"
            errors.append(.invalid(path.child("availableReplicas"), status.availableReplicas, text))
        }
        return errors
    }
}

extension ControllerRevision {
    package func validate() -> FieldErrors {
        var errors = FieldErrors()
        if data == nil { errors.append(.required(FieldPath("data"), "data is mandatory")) }
        errors += Rule.nonNegative(revision, FieldPath("revision"))
        return errors
    }

    package func validateUpdate(of old: ControllerRevision) -> FieldErrors {
        var errors: FieldErrors = Rule.nonNegative(revision, FieldPath("revision"))
        if data != old.data { errors.append(.invalid(FieldPath("data"), data, ObjectMeta.immutableMessage)) }
        return errors
    }
}
