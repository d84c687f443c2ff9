package import APIBatch
import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

/// Jobs: their selector is made of their uid, so that it can match nobody else's pods.
package struct JobStrategy: KindStrategy {
    package let info = ResourceInfo(
        Job.gvk, resource: "jobs", categories: ["all"], namespaced: true,
        subresources: [ResourceInfo.status(of: Job.gvk)])

    private static let uidLabels: [String] = ["batch.kubernetes.io/controller-uid", "controller-uid"]
    private static let nameLabels: [String] = ["batch.kubernetes.io/job-name", "job-name"]

    package init() {}

    package var parts: ObjectParts<Job> { ObjectParts(spec: \Job.spec, status: \Job.status) }
    package var defaultPropagation: DeletionRequest.Propagation { .orphan }
    package func setDefaults(_ job: inout Job) { job.setDefaults() }

    package func prepareForCreate(_ job: inout Job, context: RequestContext) {
        applyCreateRules(&job)
        if job.spec.manualSelector != true { Self.makeSelector(&job) }
    }

    /// Adds the labels that are missing; what is there and wrong is for the validation to say.
    private static func makeSelector(_ job: inout Job) {
        // Labels that were taken over from the template stay those of the template.
        let sharesLabels: Bool =
            !job.metadata.labels.isEmpty && job.metadata.labels == job.spec.template.metadata.labels
        for label in uidLabels where job.spec.template.metadata.labels[label] == nil {
            job.spec.template.metadata.labels[label] = job.metadata.uid
        }
        for label in nameLabels where job.spec.template.metadata.labels[label] == nil {
            job.spec.template.metadata.labels[label] = job.metadata.name
        }
        if sharesLabels { job.metadata.labels = job.spec.template.metadata.labels }
        var selector: LabelSelector = job.spec.selector ?? LabelSelector()
        if selector.matchLabels[uidLabels[0]] == nil { selector.matchLabels[uidLabels[0]] = job.metadata.uid }
        job.spec.selector = selector
    }

    package func validateCreate(_ job: Job, context: RequestContext) -> FieldErrors {
        var errors: FieldErrors = job.validateGeneratedSelector()
        errors += job.validate()
        return errors
    }

    package func validateUpdate(_ job: Job, old: Job, context: RequestContext) -> FieldErrors {
        job.validateUpdate(of: old)
    }

    package func validateStatusUpdate(_ job: Job, old: Job, context: RequestContext) -> FieldErrors {
        job.validateStatusUpdate(of: old)
    }

    package func warnings(_ job: Job, old: Job?, context: RequestContext) -> [String] {
        guard context.subresource.isEmpty else { return [] }
        var warnings: [String] = job.warnings
        warnings += TemplateWarnings.of(job.spec.template, job.metadata, old: old?.metadata, context)
        return warnings
    }

    package var selectableFields: [String] { ["status.successful"] }
    package func selectableValues(_ job: Job) -> [String] { [String(job.status.succeeded)] }

    package var table: TableDefinition<Job> {
        TableDefinition([
            .name, TableColumn("Status"), TableColumn("Completions"), TableColumn("Duration"), .age,
            TableColumn("Containers", priority: 1), TableColumn("Images", priority: 1),
            TableColumn("Selector", priority: 1),
        ]) { job, now in
            [
                .string(job.metadata.name), .string(job.statusText), .string(job.completionsText),
                .string(job.durationText(now)), CellText.age(job.metadata, now),
                CellText.containerNames(job.spec.template.spec), CellText.images(job.spec.template.spec),
                CellText.selector(job.spec.selector),
            ]
        }
    }
}

extension Job {
    fileprivate var statusText: String {
        func has(_ type: String) -> Bool { status.conditions.contains { $0.type == type && $0.status == "True" } }
        if has("Complete") { return "Complete" }
        if has("Failed") { return "Failed" }
        if metadata.deletionTimestamp != nil { return "Terminating" }
        for type in ["Suspended", "FailureTarget", "SuccessCriteriaMet"] where has(type) { return type }
        return "Running"
    }

    fileprivate var completionsText: String {
        if let completions = spec.completions { return "\(status.succeeded)/\(completions)" }
        let parallelism: Int = spec.parallelism ?? 0
        return parallelism > 1 ? "\(status.succeeded)/1 of \(parallelism)" : "\(status.succeeded)/1"
    }

    fileprivate func durationText(_ now: Time) -> String {
        guard let start = status.startTime else { return "" }
        return TableCells.duration((status.completionTime ?? now).secondsSince(start))
    }
}
