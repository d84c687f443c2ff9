package import APIApps
import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

package struct DaemonSetStrategy: KindStrategy {
    package let info = ResourceInfo(
        DaemonSet.gvk, resource: "daemonsets", shortNames: ["ds"], categories: ["all"], namespaced: true,
        subresources: [ResourceInfo.status(of: DaemonSet.gvk)])

    package init() {}

    package var parts: ObjectParts<DaemonSet> { ObjectParts(spec: \DaemonSet.spec, status: \DaemonSet.status) }
    package func setDefaults(_ object: inout DaemonSet) { object.setDefaults() }

    package func validateCreate(_ object: DaemonSet, context: RequestContext) -> FieldErrors { object.validate() }

    package func validateUpdate(_ object: DaemonSet, old: DaemonSet, context: RequestContext) -> FieldErrors {
        object.validateUpdate(of: old)
    }

    package func validateStatusUpdate(_ object: DaemonSet, old: DaemonSet, context: RequestContext) -> FieldErrors {
        object.validateStatus(replacing: old)
    }

    package func warnings(_ object: DaemonSet, old: DaemonSet?, context: RequestContext) -> [String] {
        TemplateWarnings.of(object.spec.template, object.metadata, old: old?.metadata, context, warnsOfName: false)
    }

    package var table: TableDefinition<DaemonSet> {
        TableDefinition([
            .name, TableColumn("Desired", type: "integer"), TableColumn("Current", type: "integer"),
            TableColumn("Ready", type: "integer"), TableColumn("Up-to-date", type: "integer"),
            TableColumn("Available", type: "integer"), TableColumn("Node Selector"), .age,
            TableColumn("Containers", priority: 1), TableColumn("Images", priority: 1),
            TableColumn("Selector", priority: 1),
        ]) { object, now in
            let status: DaemonSetStatus = object.status
            return [
                .string(object.metadata.name), CellText.int(status.desiredNumberScheduled),
                CellText.int(status.currentNumberScheduled), CellText.int(status.numberReady),
                CellText.int(status.updatedNumberScheduled), CellText.int(status.numberAvailable),
                CellText.labels(object.spec.template.spec.nodeSelector), CellText.age(object.metadata, now),
                CellText.containerNames(object.spec.template.spec), CellText.images(object.spec.template.spec),
                CellText.selector(object.spec.selector),
            ]
        }
    }
}

enum RevisionKinds {
    static let controllerRevisions = PlainStrategy<ControllerRevision>(
        ResourceInfo(ControllerRevision.gvk, resource: "controllerrevisions", namespaced: true),
        table: TableDefinition([.name, TableColumn("Controller"), TableColumn("Revision"), .age]) { object, now in
            [
                .string(object.metadata.name), .string(controller(object.metadata)), CellText.int(object.revision),
                CellText.age(object.metadata, now),
            ]
        }
    ) { strategy in
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
    }

    /// `statefulset.apps/web`
    private static func controller(_ metadata: ObjectMeta) -> String {
        guard let owner = metadata.ownerReferences.first(where: { $0.controller == true }) else { return CellText.none }
        let gvk = GroupVersionKind(apiVersion: owner.apiVersion, kind: owner.kind)
        let kind: String = gvk.kind.lowercased()
        return (gvk.group.isEmpty ? kind : kind + "." + gvk.group) + "/" + owner.name
    }
}
