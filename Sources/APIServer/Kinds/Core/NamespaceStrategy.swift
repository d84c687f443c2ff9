package import APICore
import APIDefaults
package import APIMachinery
import APIValidation
import Codec

/// Namespaces: held back by `spec.finalizers` until a controller has emptied them.
package struct NamespaceStrategy: KindStrategy {
    package let info = ResourceInfo(
        Namespace.gvk, resource: "namespaces", shortNames: ["ns"], namespaced: false,
        verbs: [.create, .delete, .get, .list, .patch, .update, .watch],
        subresources: [
            ResourceInfo.Subresource("finalize", gvk: Namespace.gvk, verbs: ["update"]),
            ResourceInfo.status(of: Namespace.gvk),
        ])

    package static let finalizer = "kubernetes"

    package init() {}

    package var parts: ObjectParts<Namespace> { ObjectParts(uncounted: \Namespace.spec, status: \Namespace.status) }
    package var nameRule: NameRule { .dns1123Label }
    package func setDefaults(_ namespace: inout Namespace) { namespace.setDefaults() }

    package func prepareForCreate(_ namespace: inout Namespace, context: RequestContext) {
        namespace.status = NamespaceStatus.with { $0.phase = "Active" }
        if !namespace.spec.finalizers.contains(Self.finalizer) { namespace.spec.finalizers.append(Self.finalizer) }
    }

    package func validateCreate(_ namespace: Namespace, context: RequestContext) -> FieldErrors {
        namespace.validate()
    }

    package func prepareForUpdate(_ namespace: inout Namespace, old: Namespace, context: RequestContext) {
        namespace.spec.finalizers = old.spec.finalizers
        namespace.status = old.status
    }

    package func prepareForUpdate(
        _ namespace: inout Namespace, old: Namespace, subresource: String, context: RequestContext
    ) {
        namespace.status = old.status
    }

    package func validateUpdate(_ namespace: Namespace, old: Namespace, context: RequestContext) -> FieldErrors { [] }

    package func validateUpdate(
        _ namespace: Namespace, old: Namespace, subresource: String, context: RequestContext
    ) -> FieldErrors {
        namespace.validateFinalizers()
    }

    package func validateStatusUpdate(_ namespace: Namespace, old: Namespace, context: RequestContext) -> FieldErrors {
        namespace.validateStatus()
    }

    package func isHeldBack(_ namespace: Namespace) -> Bool { !namespace.spec.finalizers.isEmpty }
    package func markDeleted(_ namespace: inout Namespace) { namespace.status.phase = "Terminating" }

    package var selectableFields: [String] { ["status.phase", "name"] }
    package func selectableValues(_ namespace: Namespace) -> [String] {
        [namespace.status.phase, namespace.metadata.name]
    }

    package var table: TableDefinition<Namespace> {
        TableDefinition([.name, TableColumn("Status"), .age]) { namespace, now in
            [
                .string(namespace.metadata.name), .string(namespace.status.phase),
                CellText.age(namespace.metadata, now),
            ]
        }
    }
}
