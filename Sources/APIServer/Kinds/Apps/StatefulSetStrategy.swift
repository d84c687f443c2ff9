package import APIApps
import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

package struct StatefulSetStrategy: KindStrategy {
    package let info = ResourceInfo(
        StatefulSet.gvk, resource: "statefulsets", shortNames: ["sts"], categories: ["all"], namespaced: true,
        subresources: [ResourceInfo.scale, ResourceInfo.status(of: StatefulSet.gvk)])

    package init() {}

    package var parts: ObjectParts<StatefulSet> { ObjectParts(spec: \StatefulSet.spec, status: \StatefulSet.status) }
    package func setDefaults(_ object: inout StatefulSet) { object.setDefaults() }

    package func validateCreate(_ object: StatefulSet, context: RequestContext) -> FieldErrors { object.validate() }

    package func validateUpdate(_ object: StatefulSet, old: StatefulSet, context: RequestContext) -> FieldErrors {
        object.validateUpdate(of: old)
    }

    package func validateStatusUpdate(_ object: StatefulSet, old: StatefulSet, context: RequestContext) -> FieldErrors {
        object.validateStatus()
    }

    package func warnings(_ object: StatefulSet, old: StatefulSet?, context: RequestContext) -> [String] {
        var warnings: [String] = TemplateWarnings.of(object.spec.template, object.metadata, old: old?.metadata, context)
        if context.subresource.isEmpty, let limit = object.spec.revisionHistoryLimit, limit < 0 {
            warnings.append(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; "
                    + "a value >= 0 is recommended")
        }
        return warnings
    }

    package var scale: ScaleMapping<StatefulSet>? {
        ScaleMapping(
            replicas: { $0.spec.replicas ?? 0 }, setReplicas: { $0.spec.replicas = $1 },
            statusReplicas: { $0.status.replicas }, selector: { ScaleText.selector($0.spec.selector) })
    }

    package var table: TableDefinition<StatefulSet> {
        TableDefinition([
            .name, TableColumn("Ready"), .age, TableColumn("Containers", priority: 1),
            TableColumn("Images", priority: 1),
        ]) { object, now in
            [
                .string(object.metadata.name), .string("\(object.status.readyReplicas)/\(object.spec.replicas ?? 0)"),
                CellText.age(object.metadata, now), CellText.containerNames(object.spec.template.spec),
                CellText.images(object.spec.template.spec),
            ]
        }
    }
}
