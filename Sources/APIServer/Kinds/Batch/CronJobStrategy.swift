package import APIBatch
import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

package struct CronJobStrategy: KindStrategy {
    package let info = ResourceInfo(
        CronJob.gvk, resource: "cronjobs", shortNames: ["cj"], categories: ["all"], namespaced: true,
        subresources: [ResourceInfo.status(of: CronJob.gvk)])

    package init() {}

    package var parts: ObjectParts<CronJob> { ObjectParts(spec: \CronJob.spec, status: \CronJob.status) }
    package func setDefaults(_ object: inout CronJob) { object.setDefaults() }

    package func validateCreate(_ object: CronJob, context: RequestContext) -> FieldErrors {
        object.validateCreate()
    }

    package func validateUpdate(_ object: CronJob, old: CronJob, context: RequestContext) -> FieldErrors {
        object.validate()
    }

    package func warnings(_ object: CronJob, old: CronJob?, context: RequestContext) -> [String] {
        guard context.subresource.isEmpty else { return [] }
        return TemplateWarnings.of(
            object.spec.jobTemplate.spec.template, object.metadata, old: old?.metadata, context,
            at: FieldPath("spec").child("jobTemplate", "spec").child("template"))
    }

    package var table: TableDefinition<CronJob> {
        TableDefinition([
            .name, TableColumn("Schedule"), TableColumn("Timezone"), TableColumn("Suspend", type: "boolean"),
            TableColumn("Active", type: "integer"), TableColumn("Last Schedule"), .age,
            TableColumn("Containers", priority: 1), TableColumn("Images", priority: 1),
            TableColumn("Selector", priority: 1),
        ]) { object, now in
            let last: JSONValue =
                object.status.lastScheduleTime.map { TableCells.age($0, now: now) } ?? .string(CellText.none)
            let suspend: String = object.spec.suspend.map { $0 ? "True" : "False" } ?? CellText.unset
            let template: PodSpec = object.spec.jobTemplate.spec.template.spec
            return [
                .string(object.metadata.name), .string(object.spec.schedule),
                .string(object.spec.timeZone ?? CellText.none), .string(suspend),
                CellText.int(object.status.active.count), last, CellText.age(object.metadata, now),
                CellText.containerNames(template), CellText.images(template),
                CellText.selector(object.spec.jobTemplate.spec.selector),
            ]
        }
    }
}
