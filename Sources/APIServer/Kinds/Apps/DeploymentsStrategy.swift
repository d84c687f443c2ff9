package import APIApply
package import APIApps
import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

/// Named in the plural because the API has a `DeploymentStrategy` of its own.
package struct DeploymentsStrategy: KindStrategy {
    package let info = ResourceInfo(
        Deployment.gvk, resource: "deployments", shortNames: ["deploy"], categories: ["all"], namespaced: true,
        subresources: [ResourceInfo.scale, ResourceInfo.status(of: Deployment.gvk)])

    package init() {}

    package var parts: ObjectParts<Deployment> { ObjectParts(spec: \Deployment.spec, status: \Deployment.status) }
    package var keepsLabelsOfStatus: Bool { true }

    package func resetFields(subresource: String) -> ResetFields {
        switch subresource {
        case "": ResetFields(excluding: [[.field("status")]])
        case "status": ResetFields(excluding: [[.field("spec")], [.field("metadata"), .field("labels")]])
        default: .none
        }
    }
    package func setDefaults(_ object: inout Deployment) { object.setDefaults() }

    package func validateCreate(_ object: Deployment, context: RequestContext) -> FieldErrors { object.validate() }

    /// The controller acts on annotations, too, so that they count as a new generation.
    package func prepareForUpdate(_ object: inout Deployment, old: Deployment, context: RequestContext) {
        applyUpdateRules(&object, old: old)
        if object.metadata.generation == old.metadata.generation,
            object.metadata.annotations != old.metadata.annotations
        {
            object.metadata.generation += 1
        }
    }

    package func validateUpdate(_ object: Deployment, old: Deployment, context: RequestContext) -> FieldErrors {
        object.validateUpdate(of: old)
    }

    package func validateStatusUpdate(_ object: Deployment, old: Deployment, context: RequestContext) -> FieldErrors {
        object.validateStatus(replacing: old)
    }

    package func warnings(_ object: Deployment, old: Deployment?, context: RequestContext) -> [String] {
        TemplateWarnings.of(object.spec.template, object.metadata, old: old?.metadata, context)
    }

    package var scale: ScaleMapping<Deployment>? {
        ScaleMapping(
            replicas: { $0.spec.replicas ?? 0 }, setReplicas: { $0.spec.replicas = $1 },
            statusReplicas: { $0.status.replicas }, selector: { ScaleText.selector($0.spec.selector) })
    }

    package var table: TableDefinition<Deployment> {
        TableDefinition([
            .name, TableColumn("Ready"), TableColumn("Up-to-date"), TableColumn("Available"), .age,
            TableColumn("Containers", priority: 1), TableColumn("Images", priority: 1),
            TableColumn("Selector", priority: 1),
        ]) { object, now in
            [
                .string(object.metadata.name), .string("\(object.status.readyReplicas)/\(object.spec.replicas ?? 0)"),
                CellText.int(object.status.updatedReplicas), CellText.int(object.status.availableReplicas),
                CellText.age(object.metadata, now), CellText.containerNames(object.spec.template.spec),
                CellText.images(object.spec.template.spec), .string(ScaleText.selector(object.spec.selector)),
            ]
        }
    }
}

/// A selector as `Scale` shows it.
enum ScaleText {
    static func selector(_ selector: LabelSelector?) -> String {
        guard let selector else { return "" }
        guard let query = try? LabelQuery(selector) else { return "<invalid>" }
        return query.description
    }
}
