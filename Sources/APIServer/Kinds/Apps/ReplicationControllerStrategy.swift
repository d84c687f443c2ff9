package import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

package struct ReplicationControllerStrategy: KindStrategy {
    package let info = ResourceInfo(
        ReplicationController.gvk, resource: "replicationcontrollers", shortNames: ["rc"], categories: ["all"],
        namespaced: true,
        subresources: [ResourceInfo.scale, ResourceInfo.status(of: ReplicationController.gvk)])

    package init() {}

    package var parts: ObjectParts<ReplicationController> {
        ObjectParts(spec: \ReplicationController.spec, status: \ReplicationController.status)
    }

    package var defaultPropagation: DeletionRequest.Propagation { .orphan }
    package func setDefaults(_ object: inout ReplicationController) { object.setDefaults() }

    package func validateCreate(_ object: ReplicationController, context: RequestContext) -> FieldErrors {
        object.validate()
    }

    package func validateUpdate(_ object: ReplicationController, old: ReplicationController, context: RequestContext)
        -> FieldErrors
    {
        object.validate()
    }

    package func validateStatusUpdate(
        _ object: ReplicationController, old: ReplicationController, context: RequestContext
    ) -> FieldErrors {
        object.validateStatus()
    }

    package func warnings(_ object: ReplicationController, old: ReplicationController?, context: RequestContext)
        -> [String]
    {
        guard let template = object.spec.template else { return [] }
        return TemplateWarnings.of(template, object.metadata, old: old?.metadata, context)
    }

    package var scale: ScaleMapping<ReplicationController>? {
        ScaleMapping(
            replicas: { $0.spec.replicas ?? 0 }, setReplicas: { $0.spec.replicas = $1 },
            statusReplicas: { $0.status.replicas },
            selector: { LabelQuery(equal: $0.spec.selector).description })
    }

    package var selectableFields: [String] { ["status.replicas"] }
    package func selectableValues(_ object: ReplicationController) -> [String] { [String(object.status.replicas)] }

    package var table: TableDefinition<ReplicationController> {
        TableDefinition([
            .name, TableColumn("Desired", type: "integer"), TableColumn("Current", type: "integer"),
            TableColumn("Ready", type: "integer"), .age, TableColumn("Containers", priority: 1),
            TableColumn("Images", priority: 1), TableColumn("Selector", priority: 1),
        ]) { object, now in
            let spec: PodSpec = object.spec.template?.spec ?? PodSpec()
            return [
                .string(object.metadata.name), CellText.int(object.spec.replicas ?? 0),
                CellText.int(object.status.replicas), CellText.int(object.status.readyReplicas),
                CellText.age(object.metadata, now), CellText.containerNames(spec), CellText.images(spec),
                CellText.labels(object.spec.selector),
            ]
        }
    }
}

enum TemplateKinds {
    static let podTemplates = PlainStrategy<PodTemplate>(
        ResourceInfo(PodTemplate.gvk, resource: "podtemplates", namespaced: true), parts: parts,
        table: TableDefinition([
            .name, TableColumn("Containers"), TableColumn("Images"), TableColumn("Pod Labels"),
        ]) { object, _ in
            [
                .string(object.metadata.name), CellText.containerNames(object.template.spec),
                CellText.images(object.template.spec), CellText.labels(object.template.metadata.labels),
            ]
        }
    ) { strategy in
        strategy.returnsDeletedObject = true
        strategy.defaults = { $0.setDefaults() }
        strategy.check = { $0.template.validate(at: FieldPath("template")) }
        strategy.checkUpdate = { object, _ in object.template.validate(at: FieldPath("template")) }
    }

    private static var parts: ObjectParts<PodTemplate> {
        var parts = ObjectParts<PodTemplate>()
        parts.sameSpec = { $0.template == $1.template }
        return parts
    }
}
