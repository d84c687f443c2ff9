package import APIApps
import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

package struct ReplicaSetStrategy: KindStrategy {
    package let info = ResourceInfo(
        ReplicaSet.gvk, resource: "replicasets", shortNames: ["rs"], categories: ["all"], namespaced: true,
        subresources: [ResourceInfo.scale, ResourceInfo.status(of: ReplicaSet.gvk)])

    package init() {}

    package var parts: ObjectParts<ReplicaSet> { ObjectParts(spec: \ReplicaSet.spec, status: \ReplicaSet.status) }
    package func setDefaults(_ object: inout ReplicaSet) { object.setDefaults() }

    package func validateCreate(_ object: ReplicaSet, context: RequestContext) -> FieldErrors { object.validate() }

    package func validateUpdate(_ object: ReplicaSet, old: ReplicaSet, context: RequestContext) -> FieldErrors {
        object.validateUpdate(of: old)
    }

    package func validateStatusUpdate(_ object: ReplicaSet, old: ReplicaSet, context: RequestContext) -> FieldErrors {
        object.validateStatus()
    }

    package func warnings(_ object: ReplicaSet, old: ReplicaSet?, context: RequestContext) -> [String] {
        TemplateWarnings.of(object.spec.template, object.metadata, old: old?.metadata, context)
    }

    package var scale: ScaleMapping<ReplicaSet>? {
        ScaleMapping(
            replicas: { $0.spec.replicas ?? 0 }, setReplicas: { $0.spec.replicas = $1 },
            statusReplicas: { $0.status.replicas }, selector: { ScaleText.selector($0.spec.selector) })
    }

    package var selectableFields: [String] { ["status.replicas"] }
    package func selectableValues(_ object: ReplicaSet) -> [String] { [String(object.status.replicas)] }

    package var table: TableDefinition<ReplicaSet> {
        TableDefinition([
            .name, TableColumn("Desired", type: "integer"), TableColumn("Current", type: "integer"),
            TableColumn("Ready", type: "integer"), .age, TableColumn("Containers", priority: 1),
            TableColumn("Images", priority: 1), TableColumn("Selector", priority: 1),
        ]) { object, now in
            [
                .string(object.metadata.name), CellText.int(object.spec.replicas ?? 0),
                CellText.int(object.status.replicas), CellText.int(object.status.readyReplicas),
                CellText.age(object.metadata, now), CellText.containerNames(object.spec.template.spec),
                CellText.images(object.spec.template.spec), CellText.selector(object.spec.selector),
            ]
        }
    }
}
