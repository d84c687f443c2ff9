package import APIBatch
import APICore
package import APIMachinery
import Codec

extension Job {
    package func validate() -> FieldErrors { spec.validate(at: FieldPath("spec"), hasSelector: true) }

    /// A selector that was not made by hand is made of the uid.
    package func validateGeneratedSelector() -> FieldErrors {
        if spec.manualSelector == true { return [] }
        let path = FieldPath("spec")
        var errors = FieldErrors()
        let labels: StringMap<String> = spec.template.metadata.labels
        let field: FieldPath = path.child("template", "metadata").child("labels")
        let wanted: [(String, String)] = [
            ("controller-uid", metadata.uid), ("job-name", metadata.name),
            ("batch.kubernetes.io/controller-uid", metadata.uid), ("batch.kubernetes.io/job-name", metadata.name),
        ]
        for (key, value) in wanted where labels[key] != value {
            errors.append(.invalid(field.key(key), labels[key] ?? "", "must be '\(value)'"))
        }
        let expected = LabelSelector.with { $0.matchLabels["batch.kubernetes.io/controller-uid"] = metadata.uid }
        let legacy = LabelSelector.with { $0.matchLabels["controller-uid"] = metadata.uid }
        if spec.selector != expected, spec.selector != legacy {
            errors.append(.invalid(path.child("selector"), spec.selector, "`selector` not auto-generated"))
        }
        return errors
    }

    package func validateUpdate(of old: Job) -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validate()
        let immutable: String = ObjectMeta.immutableMessage
        let scales: Bool =
            spec.completionMode == "Indexed" && spec.completions != nil && old.spec.completions != nil
            && spec.completions == spec.parallelism
        if spec.completions != old.spec.completions, !scales {
            errors.append(.invalid(path.child("completions"), spec.completions, immutable))
        }
        errors += TemplateRules.immutable(spec.selector, old.spec.selector, path.child("selector"))
        if spec.completionMode != old.spec.completionMode {
            errors.append(.invalid(path.child("completionMode"), spec.completionMode, immutable))
        }
        if allowedTemplate(replacing: old) != old.spec.template {
            errors.append(.invalid(path.child("template"), spec.template, immutable))
        }
        if spec.podFailurePolicy != old.spec.podFailurePolicy {
            errors.append(.invalid(path.child("podFailurePolicy"), spec.podFailurePolicy, immutable))
        }
        if spec.successPolicy != old.spec.successPolicy {
            errors.append(.invalid(path.child("successPolicy"), spec.successPolicy, immutable))
        }
        if spec.backoffLimitPerIndex != old.spec.backoffLimitPerIndex {
            errors.append(.invalid(path.child("backoffLimitPerIndex"), spec.backoffLimitPerIndex, immutable))
        }
        if spec.managedBy != old.spec.managedBy {
            errors.append(.invalid(path.child("managedBy"), spec.managedBy, immutable))
        }
        return errors
    }

    /// The template with what a suspended job that never started may still change put back.
    private func allowedTemplate(replacing old: Job) -> PodTemplateSpec {
        var template: PodTemplateSpec = spec.template
        guard old.spec.suspend == true, old.status.startTime == nil else { return template }
        template.metadata.labels = old.spec.template.metadata.labels
        template.metadata.annotations = old.spec.template.metadata.annotations
        template.spec.nodeSelector = old.spec.template.spec.nodeSelector
        template.spec.tolerations = old.spec.template.spec.tolerations
        template.spec.schedulingGates = old.spec.template.spec.schedulingGates
        if let before = old.spec.template.spec.affinity {
            template.spec.affinity?.nodeAffinity = before.nodeAffinity
        } else if let affinity = template.spec.affinity, affinity.podAffinity == nil, affinity.podAntiAffinity == nil {
            template.spec.affinity = nil
        }
        return template
    }

    package func validateStatusUpdate(of old: Job) -> FieldErrors {
        let path = FieldPath("status")
        var errors: FieldErrors = Rule.nonNegative(status.active, path.child("active"))
        errors += Rule.nonNegative(status.succeeded, path.child("succeeded"))
        errors += Rule.nonNegative(status.failed, path.child("failed"))
        errors += Rule.nonNegative(status.ready, path.child("ready"))
        errors += Rule.nonNegative(status.terminating, path.child("terminating"))
        func has(_ job: Job, _ type: String) -> Bool {
            job.status.conditions.contains { $0.type == type && $0.status == "True" }
        }
        for type in ["Complete", "Failed"] where has(old, type) && !has(self, type) {
            let text: String = "cannot disable the terminal \(type) condition"
            errors.append(.invalid(path.child("conditions"), status.conditions, text))
        }
        if has(self, "Complete"), has(self, "Failed") {
            let text: String = "cannot set Complete=True and Failed=true conditions"
            errors.append(.invalid(path.child("conditions"), status.conditions, text))
        }
        if let completion = status.completionTime, let start = status.startTime, completion < start {
            let text: String = "completionTime cannot be set before startTime"
            errors.append(.invalid(path.child("completionTime"), completion, text))
        }
        return errors
    }

    package var warnings: [String] {
        guard spec.completionMode == "Indexed", spec.completions ?? 0 > 100_000, spec.parallelism ?? 0 > 10_000 else {
            return []
        }
        return [
            "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
                + "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        ]
    }
}

extension JobSpec {
    private static let indexedParallelismLimit = 100_000

    /// `hasSelector`: of a job; not of a template for jobs, which must leave it out.
    func validate(at path: FieldPath, hasSelector: Bool) -> FieldErrors {
        var errors: FieldErrors = Rule.nonNegative(parallelism, path.child("parallelism"))
        errors += Rule.nonNegative(completions, path.child("completions"))
        errors += Rule.nonNegative(activeDeadlineSeconds, path.child("activeDeadlineSeconds"))
        errors += Rule.nonNegative(backoffLimit, path.child("backoffLimit"))
        errors += Rule.nonNegative(ttlSecondsAfterFinished, path.child("ttlSecondsAfterFinished"))
        errors += Rule.nonNegative(backoffLimitPerIndex, path.child("backoffLimitPerIndex"))
        errors += Rule.nonNegative(maxFailedIndexes, path.child("maxFailedIndexes"))
        errors += validateCompletionMode(path)
        if let managedBy { errors += NameRules.domainPrefixedPath(managedBy, at: path.child("managedBy")) }
        if let podFailurePolicy { errors += validateFailurePolicy(podFailurePolicy, path.child("podFailurePolicy")) }
        errors += Rule.optionalChoice(
            podReplacementPolicy, ["Failed", "TerminatingOrFailed"], path.child("podReplacementPolicy"))
        errors += template.validate(at: path.child("template"))
        let restart: FieldPath = path.child("template", "spec").child("restartPolicy")
        if template.spec.restartPolicy == "Always" {
            errors.append(.required(restart, "valid values: \"OnFailure\", \"Never\""))
        }
        if podFailurePolicy != nil, template.spec.restartPolicy != "Never" {
            let text: String = "only \"Never\" is supported when podFailurePolicy is specified"
            errors.append(.invalid(restart, template.spec.restartPolicy, text))
        }
        guard hasSelector else {
            if manualSelector == true {
                errors.append(.notSupported(path.child("manualSelector"), manualSelector ?? true, ["nil", "false"]))
            }
            return errors
        }
        if let selector {
            errors += Validation.labelSelector(selector, at: path.child("selector"))
            errors += TemplateRules.matches(template, selector, path.child("template"))
        } else {
            errors.append(.required(path.child("selector")))
        }
        return errors
    }

    private func validateCompletionMode(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        guard let mode = completionMode else { return [] }
        errors += Rule.oneOf(mode, ["Indexed", "NonIndexed"], path.child("completionMode"))
        if mode == "Indexed" {
            if completions == nil {
                errors.append(.required(path.child("completions"), "when completion mode is Indexed"))
            }
            if let parallelism, parallelism > Self.indexedParallelismLimit {
                let text: String =
                    "must be less than or equal to \(Self.indexedParallelismLimit) when completion mode is Indexed"
                errors.append(.invalid(path.child("parallelism"), parallelism, text))
            }
            return errors
        }
        if backoffLimitPerIndex != nil {
            let text: String = "requires indexed completion mode"
            errors.append(.invalid(path.child("backoffLimitPerIndex"), backoffLimitPerIndex, text))
        }
        if successPolicy != nil {
            errors.append(.invalid(path.child("successPolicy"), successPolicy, "requires indexed completion mode"))
        }
        return errors
    }

    private func validateFailurePolicy(_ policy: PodFailurePolicy, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let rules: FieldPath = path.child("rules")
        if policy.rules.count > 20 { errors.append(.tooMany(rules, actual: policy.rules.count, limit: 20)) }
        let names: Set<String> = Set((template.spec.containers + template.spec.initContainers).map { $0.name })
        for (index, rule) in policy.rules.enumerated() {
            let place: FieldPath = rules.index(index)
            errors += Rule.choice(rule.action, ["Count", "FailIndex", "FailJob", "Ignore"], place.child("action"))
            if let codes = rule.onExitCodes {
                let field: FieldPath = place.child("onExitCodes")
                errors += Rule.choice(codes.operator, ["In", "NotIn"], field.child("operator"))
                if let name = codes.containerName, !names.contains(name) {
                    errors.append(
                        .invalid(
                            field.child("containerName"), name,
                            "must be one of the container or initContainer names in the pod template"))
                }
                if codes.values.isEmpty {
                    errors.append(.invalid(field.child("values"), codes.values, "at least one value is required"))
                } else if codes.values.count > 255 {
                    errors.append(.tooMany(field.child("values"), actual: codes.values.count, limit: 255))
                }
                if codes.operator == "In", codes.values.contains(0) {
                    let text: String = "must not be 0 for the In operator"
                    errors.append(.invalid(field.child("values"), 0, text))
                }
            }
            if rule.onExitCodes != nil, !rule.onPodConditions.isEmpty {
                let text: String = "specifying both OnExitCodes and OnPodConditions is not supported"
                errors.append(.invalid(place, rule, text))
            } else if rule.onExitCodes == nil, rule.onPodConditions.isEmpty {
                errors.append(.invalid(place, rule, "specifying one of OnExitCodes and OnPodConditions is required"))
            }
        }
        return errors
    }
}
