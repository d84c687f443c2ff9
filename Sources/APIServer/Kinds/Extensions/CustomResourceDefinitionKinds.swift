import APIDefaults
import APIExtensions
import APIMachinery
import APIValidation

/// Definitions of custom resources, as objects. What they define is not served yet.
enum CustomResourceDefinitionKinds {
    static let definitions = PlainStrategy<CustomResourceDefinition>(
        ResourceInfo(
            CustomResourceDefinition.gvk, resource: "customresourcedefinitions", shortNames: ["crd", "crds"],
            categories: ["api-extensions"], namespaced: false,
            subresources: [ResourceInfo.status(of: CustomResourceDefinition.gvk)]),
        parts: ObjectParts(spec: \CustomResourceDefinition.spec, status: \CustomResourceDefinition.status),
        table: .nameAndAge()
    ) { strategy in
        strategy.allowsUnconditionalUpdate = false
        strategy.defaults = { $0.setDefaults() }
        strategy.onCreate = { definition, _ in noteStorage(&definition) }
        strategy.onUpdate = { definition, _, _ in noteStorage(&definition) }
        strategy.onStatus = { definition, old, _ in definition.keepMetadata(of: old) }
        strategy.check = { $0.validate() }
        strategy.checkUpdate = { $0.validateUpdate(of: $1) }
        strategy.checkStatus = { definition, _ in definition.validateStatus() }
    }

    /// Remembers each version in which objects may have been stored.
    private static func noteStorage(_ definition: inout CustomResourceDefinition) {
        for version in definition.spec.versions where version.storage {
            if !definition.status.storedVersions.contains(version.name) {
                definition.status.storedVersions.append(version.name)
            }
        }
    }
}

extension APIObject {
    /// For kinds whose status endpoint leaves all of the metadata alone that clients can set.
    mutating func keepMetadata(of old: Self) {
        metadata.labels = old.metadata.labels
        metadata.annotations = old.metadata.annotations
        metadata.finalizers = old.metadata.finalizers
        metadata.ownerReferences = old.metadata.ownerReferences
    }
}
