package import APIApply
package import APIMachinery
import Codec

extension ResourceStrategy {
    package var parts: ObjectParts<Object> { ObjectParts() }
    package var nameRule: NameRule { .dns1123Subdomain }
    package func setDefaults(_ object: inout Object) {}

    package func prepareForCreate(_ object: inout Object, context: RequestContext) {
        applyCreateRules(&object)
    }

    /// The default of `prepareForCreate`, for strategies that add to it.
    package func applyCreateRules(_ object: inout Object) {
        let parts: ObjectParts<Object> = parts
        parts.clearStatus?(&object)
        object.metadata.generation = parts.sameSpec == nil ? 0 : 1
    }

    package func validateCreate(_ object: Object, context: RequestContext) -> FieldErrors { FieldErrors() }

    package func prepareForUpdate(_ object: inout Object, old: Object, context: RequestContext) {
        applyUpdateRules(&object, old: old)
    }

    /// The default of `prepareForUpdate`, for strategies that add to it.
    package func applyUpdateRules(_ object: inout Object, old: Object) {
        let parts: ObjectParts<Object> = parts
        parts.copyStatus?(&object, old)
        object.metadata.generation = old.metadata.generation
        if let sameSpec = parts.sameSpec, !sameSpec(object, old) { object.metadata.generation += 1 }
    }

    package func validateUpdate(_ object: Object, old: Object, context: RequestContext) -> FieldErrors { FieldErrors() }

    package func prepareForStatusUpdate(_ object: inout Object, old: Object, context: RequestContext) {
        applyStatusRules(&object, old: old)
    }

    /// The default of `prepareForStatusUpdate`: everything but the status, annotations, finalizers and managed
    /// fields stays as it was.
    package func applyStatusRules(_ object: inout Object, old: Object) {
        parts.copySpec?(&object, old)
        object.metadata.labels = old.metadata.labels
        object.metadata.ownerReferences = old.metadata.ownerReferences
        object.metadata.generation = old.metadata.generation
    }

    package func validateStatusUpdate(_ object: Object, old: Object, context: RequestContext) -> FieldErrors {
        FieldErrors()
    }

    package func prepareForUpdate(_ object: inout Object, old: Object, subresource: String, context: RequestContext) {
        let metadata: ObjectMeta = object.metadata
        object = old
        object.metadata.annotations = metadata.annotations
        object.metadata.finalizers = metadata.finalizers
        object.metadata.resourceVersion = metadata.resourceVersion
    }

    package func validateUpdate(_ object: Object, old: Object, subresource: String, context: RequestContext)
        -> FieldErrors
    {
        FieldErrors()
    }

    package func resetFields(subresource: String) -> ResetFields {
        let parts: ObjectParts<Object> = parts
        switch subresource {
        case "": return ResetFields(excluding: parts.clearStatus == nil ? [] : [[.field("status")]])
        case "status": return ResetFields(excluding: parts.copySpec == nil ? [] : [[.field("spec")]])
        default: return .none
        }
    }

    package func isHeldBack(_ object: Object) -> Bool { false }
    package var timeToLive: Int? { nil }
    package var returnsDeletedObject: Bool { false }
    package func warnings(_ object: Object, old: Object?, context: RequestContext) -> [String] { [] }
    package var selectableFields: [String] { [] }
    package func selectableValues(_ object: Object) -> [String] { [] }
    package var table: TableDefinition<Object> { .nameAndAge() }
    package var allowsUnconditionalUpdate: Bool { true }
    package var allowsCreateOnUpdate: Bool { false }
    package func gracefulDeletion(_ object: Object, options: DeletionRequest) -> GracefulDeletion { .immediate }
    package func markDeleted(_ object: inout Object) {}
    package var defaultPropagation: DeletionRequest.Propagation { .background }
    package var scale: ScaleMapping<Object>? { nil }

    package func allocate(_ object: inout Object, old: Object?, context: RequestContext) throws(StatusError)
        -> (any Allocation)?
    {
        nil
    }

    package func afterDelete(_ object: Object, context: RequestContext) {}
    package var isStorageVersion: Bool { true }

    package func load(_ snapshot: Snapshot) throws(StatusError) -> Object {
        do throws(JSONError) {
            return try snapshot.decode(Object.self)
        } catch {
            throw StatusError.internalError("failed to decode \(info.gvr.resource) \(snapshot.name): \(error.message)")
        }
    }

    package func store(_ object: Object) -> [UInt8] {
        SnapshotCoding.encode(object)
    }
}
