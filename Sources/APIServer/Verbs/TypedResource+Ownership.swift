import APIApply
import APIMachinery
import Codec

/// What a write makes of `metadata.managedFields`.
enum OwnershipRule: Sendable {
    /// The writer takes what it changes.
    case update
    /// The change set them itself.
    case given
    /// They stay: the server writes for itself.
    case keep
}

extension WriteCall {
    /// Whom the write makes an owner of fields.
    func writer(_ operation: FieldOwner.Operation, apiVersion: String) -> FieldOwner {
        FieldOwner(
            context.fieldManager, operation, apiVersion: apiVersion, subresource: context.subresource)
    }
}

extension TypedResource {
    func resetFields(_ subresource: String) -> ResetFields {
        switch subresource {
        case "": mainReset
        case "status": statusReset
        default: strategy.resetFields(subresource: subresource)
        }
    }

    /// The owners of an object that is about to be created, before the server adds anything to it but defaults.
    func ownersOfNew(_ object: Object, _ call: WriteCall) -> [ManagedFieldsEntry] {
        var given: [ManagedFieldsEntry] = object.metadata.managedFields
        if given.isReset || (try? Ownership(given)) == nil { given = [] }
        var bare: Object = object
        bare.metadata.managedFields = []
        let written = WrittenObject(
            schema: Object.schema, apiVersion: info.gvk.apiVersion, old: emptyObject,
            new: ObjectBytes(bare.jsonBytes), convert: converter(call.services))
        return Ownership.afterUpdate(
            of: given, by: call.writer(.update, apiVersion: info.gvk.apiVersion), at: call.context.now, written,
            reset: resetFields("")) ?? given
    }

    /// The owners after an update or patch. `given` are the managed fields that the client sent, or got and sent back.
    func ownersAfterUpdate(
        _ object: Object, given: [ManagedFieldsEntry]?, old: Object, _ snapshot: Snapshot, _ call: WriteCall
    ) -> [ManagedFieldsEntry] {
        let known: [ManagedFieldsEntry] = owners(given, known: old.metadata.managedFields, call)
        // An object whose owners were never written down, or have been forgotten, stays like that until an apply.
        if known.isEmpty { return [] }
        var bare: Object = object
        bare.metadata.managedFields = []
        let before: ObjectBytes =
            isStorageVersion ? ObjectBytes(snapshot.bytes, from: snapshot.start) : ObjectBytes(old.jsonBytes)
        let written = WrittenObject(
            schema: Object.schema, apiVersion: info.gvk.apiVersion, old: before, new: ObjectBytes(bare.jsonBytes),
            convert: converter(call.services))
        let subresource: String = call.context.subresource
        return Ownership.afterUpdate(
            of: known, by: call.writer(.update, apiVersion: info.gvk.apiVersion), at: call.context.now, written,
            reset: resetFields(subresource)) ?? known
    }

    /// Clients may set the owners, but only by writing the object itself, and only to what can be understood; whoever
    /// sends none does not mean to delete them. Nil: the client says that there shall be none.
    private func owners(_ given: [ManagedFieldsEntry]?, known: [ManagedFieldsEntry], _ call: WriteCall)
        -> [ManagedFieldsEntry]
    {
        guard call.context.subresource.isEmpty else { return known }
        guard let given, !given.isReset else { return [] }
        if given.isEmpty || given == known { return known }
        guard let ownership = try? Ownership(given) else { return known }
        return ownership.withoutEmpty.entries
    }

    // MARK: - Versions

    /// Brings objects of this resource from one version to another.
    func converter(_ services: ServerServices) -> VersionConverter {
        let prefix: String = info.storagePrefix
        return { (object: JSONValue, from: String, to: String) -> TypedValue? in
            guard let source = services.versions.resource(prefix, apiVersion: from),
                let target = services.versions.resource(prefix, apiVersion: to), let stored = source.stored(object)
            else { return nil }
            return target.tree(stored)
        }
    }

    /// The stored form of an object that is given as JSON; nil if it is none of this kind.
    func stored(_ value: JSONValue) -> Snapshot? {
        guard let object = try? JSONReader.decode(Object.self, from: value.jsonBytes) else { return nil }
        return SnapshotCoding.snapshot(strategy.store(object), namespace: "", name: "", revision: 0)
    }

    /// A stored object as JSON, in this version.
    func tree(_ snapshot: Snapshot) -> TypedValue? {
        guard var object: Object = try? strategy.load(snapshot) else { return nil }
        object.metadata.managedFields = []
        return (try? JSONValue(parsing: object.jsonBytes)).map { TypedValue($0, Object.schema) }
    }
}

/// The versions in which stored resources are served.
package struct ResourceVersions: Sendable {
    private let resources: [any ServedResource]

    init(_ registry: ResourceRegistry) {
        resources = registry.resources
    }

    func resource(_ storagePrefix: String, apiVersion: String) -> (any ServedResource)? {
        resources.first { $0.info.storagePrefix == storagePrefix && $0.info.gvk.apiVersion == apiVersion }
    }
}
