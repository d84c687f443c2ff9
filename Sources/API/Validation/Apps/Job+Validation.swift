package import APIBatch
import APICore
package import APIMachinery
import Codec

extension Job {
    package func validate() -> FieldErrors {
        let errors: FieldErrors = spec.validate(at: FieldPath("spec"), hasSelector: true)
        guard spec.completionMode == "Indexed", let completions = spec.completions, completions > 0 else {
            return errors
        }
        // The name of the last pod must be good too.
        let last: String = "\(metadata.name)-\(completions - 1)"
        if NameRules.dns1123Label(last).isEmpty { return errors }
        let text: String = "will not able to create pod with invalid DNS label: \(last)"
        return errors + [.invalid(FieldPath("metadata").child("name"), metadata.name, text)]
    }

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
        var errors: FieldErrors = spec.validate(at: path, hasSelector: true)
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
    private static let longestManager = 63

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
        if let managedBy {
            errors += NameRules.domainPrefixedPath(managedBy, at: path.child("managedBy"))
            if managedBy.utf8.count > Self.longestManager {
                errors.append(.tooLong(path.child("managedBy"), limit: Self.longestManager))
            }
        }
        if let podFailurePolicy { errors += validateFailurePolicy(podFailurePolicy, path.child("podFailurePolicy")) }
        if let successPolicy { errors += validateSuccessPolicy(successPolicy, path.child("successPolicy")) }
        errors += Rule.optionalChoice(
            podReplacementPolicy, podFailurePolicy == nil ? ["Failed", "TerminatingOrFailed"] : ["Failed"],
            path.child("podReplacementPolicy"))
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
        var errors: FieldErrors = Rule.optionalChoice(
            completionMode, ["Indexed", "NonIndexed"], path.child("completionMode"))
        if maxFailedIndexes != nil, backoffLimitPerIndex == nil {
            errors.append(.required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"))
        }
        if completionMode == "Indexed" { return errors + validateIndexed(path) }
        let text: String = "requires indexed completion mode"
        if backoffLimitPerIndex != nil {
            errors.append(.invalid(path.child("backoffLimitPerIndex"), backoffLimitPerIndex, text))
        }
        if maxFailedIndexes != nil {
            errors.append(.invalid(path.child("maxFailedIndexes"), maxFailedIndexes, text))
        }
        return errors
    }

    private func validateIndexed(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let limit: Int = Self.indexedParallelismLimit
        if completions == nil {
            errors.append(.required(path.child("completions"), "when completion mode is Indexed"))
        }
        if let parallelism, parallelism > limit {
            let text: String = "must be less than or equal to \(limit) when completion mode is Indexed"
            errors.append(.invalid(path.child("parallelism"), parallelism, text))
        }
        let failures: FieldPath = path.child("maxFailedIndexes")
        if let completions, let maxFailedIndexes, maxFailedIndexes > completions {
            errors.append(.invalid(failures, maxFailedIndexes, "must be less than or equal to completions"))
        }
        if let maxFailedIndexes, maxFailedIndexes > limit {
            errors.append(.invalid(failures, maxFailedIndexes, "must be less than or equal to \(limit)"))
        }
        // The status of so many indexes must fit into one object.
        guard let completions, completions > limit, backoffLimitPerIndex != nil else { return errors }
        let fewer: Int = limit / 10
        let text: String =
            "must be less than or equal to \(fewer) when completions are above \(limit) and used with backoff limit per "
            + "index"
        guard let maxFailedIndexes else {
            return errors + [.required(failures, "must be specified when completions is above \(limit)")]
        }
        if let parallelism, parallelism > fewer {
            errors.append(.invalid(path.child("parallelism"), parallelism, text))
        }
        if maxFailedIndexes > fewer { errors.append(.invalid(failures, maxFailedIndexes, text)) }
        return errors
    }
}
