import APIApply
import APIMachinery
import Codec
import Store

/// What an update does to the object that is there.
struct Change<Object: APIObject>: Sendable {
    /// The new object from the old one; the same old one gives the same new one.
    var make: @Sendable (Object) throws(StatusError) -> Object
    /// Whether the change may be made again when somebody else was faster.
    var retries: Bool
    /// Texts found while decoding; the same for each try.
    var warnings: [String] = []
    /// A change by the server itself, which passes neither the strategy's preparation nor admission.
    var isInternal: Bool = false
    /// Who owns what was changed.
    var ownership: OwnershipRule = .update
    /// The client says that nobody owns anything.
    var forgetsOwners: Bool = false
}

extension TypedResource {
    func update(_ call: WriteCall) async throws(StatusError) -> WriteResult {
        let decoded: BodyDecoder.Decoded<Object> = try BodyDecoder.decode(
            Object.self, as: info.gvk, body: call.body, contentType: call.contentType,
            validation: call.options.fieldValidation)
        var object: Object = decoded.object
        guard !object.metadata.name.isEmpty else {
            throw .badRequest(
                "the name of the object (\(call.context.name) based on URL) was undeterminable: name must be provided")
        }
        try checkNames(&object, call.context)
        let given: Object = object
        let isConditional: Bool = !given.metadata.resourceVersion.isEmpty
        // Only an object that exists asks for its version.
        let lacksVersion: Bool = !isConditional && !strategy.allowsUnconditionalUpdate
        let gvk: GroupVersionKind = info.gvk
        let change = Change<Object>(
            make: { (_: Object) throws(StatusError) -> Object in
                guard lacksVersion else { return given }
                let path: FieldPath = FieldPath("metadata").child("resourceVersion")
                throw .invalid(
                    gvk, given.metadata.name, [.invalid(path, 0, "must be specified for an update")])
            },
            retries: !isConditional, warnings: decoded.warnings,
            forgetsOwners: given.metadata.managedFields.isEmpty && BodyDecoder.hasEmptyOwners(call))
        do throws(StatusError) {
            return try await apply(change, call)
        } catch {
            guard error.code == 404, strategy.allowsCreateOnUpdate, call.context.subresource.isEmpty,
                given.metadata.uid.isEmpty, !isConditional
            else { throw error }
            return try await create(given, call)
        }
    }

    func modify<Other: APIObject>(
        _ type: Other.Type, _ call: WriteCall,
        _ body: @escaping @Sendable (inout Other) throws(StatusError) -> Void
    ) async throws(StatusError) -> WriteResult {
        let info: ResourceInfo = info
        let change = Change<Object>(
            make: { (old: Object) throws(StatusError) -> Object in
                guard var other: Other = old as? Other else {
                    throw .internalError("\(info.gvr.resource) are not of the kind to be changed")
                }
                try body(&other)
                return other as? Object ?? old
            },
            retries: true, isInternal: true, ownership: .keep)
        return try await apply(change, call)
    }

    func apply(_ change: Change<Object>, _ call: WriteCall) async throws(StatusError) -> WriteResult {
        let key: [UInt8] = info.key(namespace: call.context.namespace, name: call.context.name)
        return try await settle(key, call) {
            (snapshot: Snapshot) async throws(StatusError) -> WriteAttempt<WriteResult> in
            try await attempt(change, on: snapshot, key, call)
        }
    }

    private func attempt(_ change: Change<Object>, on snapshot: Snapshot, _ key: [UInt8], _ call: WriteCall)
        async throws(StatusError) -> WriteAttempt<WriteResult>
    {
        let services: ServerServices = call.services
        let old: Object = try strategy.load(snapshot)
        var object: Object = try change.make(old)
        try checkPreconditions(object.metadata, old.metadata)
        let given: [ManagedFieldsEntry] = object.metadata.managedFields
        keepSystemFields(&object, old, snapshot)
        var warnings: [String] = change.warnings
        if change.isInternal {
            let errors: FieldErrors = object.metadata.validateUpdate(of: old.metadata)
            guard errors.isEmpty else { throw .invalid(info.gvk, object.metadata.name, errors) }
        } else {
            strategy.setDefaults(&object)
            switch change.ownership {
            case .keep: prepare(&object, old, call.context)
            case .given:
                prepare(&object, old, call.context)
                object.metadata.managedFields = given
            case .update:
                let owners: [ManagedFieldsEntry] = ownersAfterUpdate(
                    object, given: change.forgetsOwners ? nil : given, old: old, snapshot, call)
                prepare(&object, old, call.context)
                object.metadata.managedFields = owners
            }
            let attributes: AdmissionAttributes = attributes(
                .update, call, name: call.context.name, object: object, old: old)
            try await admit(&object, attributes, services)
            strategy.setDefaults(&object)
            try validate(object, old, call)
            warnings += attributes.warnings + strategy.warnings(object, old: old, context: call.context)
            if !services.admission.isEmpty {
                attributes.object = object
                attributes.warnings = []
                try await services.validate(attributes)
                warnings += attributes.warnings
            }
        }
        if isDone(object) { return try await remove(object, snapshot, key, call, warnings) }
        return try await replace(object, old, snapshot, key, call, warnings)
    }

    private func replace(
        _ given: Object, _ old: Object, _ snapshot: Snapshot, _ key: [UInt8], _ call: WriteCall, _ warnings: [String]
    ) async throws(StatusError) -> WriteAttempt<WriteResult> {
        let services: ServerServices = call.services
        var object: Object = given
        if differsInTimesOnly(object, old) {
            return .unchanged(WriteResult(snapshot: try presented(snapshot), created: false, warnings: warnings))
        }
        let allocation: (any Allocation)? = try strategy.allocate(&object, old: old, context: call.context)
        let value: [UInt8] = strategy.store(object)
        if value == snapshot.bytes, try await !isStale(key, at: snapshot.revision, services) {
            allocation?.rollback()
            return .unchanged(
                WriteResult(snapshot: try presented(snapshot), created: false, warnings: warnings))
        }
        if call.context.dryRun {
            allocation?.rollback()
            let shown: Snapshot = self.snapshot(value, of: object, revision: snapshot.revision)
            return .done(WriteResult(snapshot: shown, created: false, warnings: warnings))
        }
        do throws(StatusError) {
            let transaction = Transaction(
                compares: [.modRevision(key, snapshot.revision)],
                writes: [.put(key, value: value, lease: try await lease(services))])
            switch try await commit(transaction, services) {
            case .conflict(let now):
                allocation?.rollback()
                return .conflict(now)
            case .done(let revision):
                allocation?.commit()
                let what: String =
                    call.context.subresource.isEmpty ? "updated" : "updated \(call.context.subresource)"
                services.record(what, call.context, info, name: object.metadata.name, revision: revision)
                let shown: Snapshot = self.snapshot(value, of: object, revision: revision)
                return .done(WriteResult(snapshot: shown, created: false, warnings: warnings))
            }
        } catch {
            allocation?.rollback()
            throw error
        }
    }

    /// Whether the write changed nothing but the times at which its owner wrote.
    private func differsInTimesOnly(_ object: Object, _ old: Object) -> Bool {
        let (new, known) = (object.metadata.managedFields, old.metadata.managedFields)
        guard new != known, new.isSame(butForTimes: known) else { return false }
        var same: Object = object
        same.metadata.managedFields = known
        same.metadata.resourceVersion = old.metadata.resourceVersion
        return same == old
    }

    /// An update that took away the last thing that kept a deleted object.
    private func remove(
        _ object: Object, _ snapshot: Snapshot, _ key: [UInt8], _ call: WriteCall, _ warnings: [String]
    ) async throws(StatusError) -> WriteAttempt<WriteResult> {
        let value: [UInt8] = strategy.store(object)
        if call.context.dryRun {
            let shown: Snapshot = self.snapshot(value, of: object, revision: snapshot.revision)
            return .done(WriteResult(snapshot: shown, created: false, warnings: warnings))
        }
        let transaction = Transaction(compares: [.modRevision(key, snapshot.revision)], writes: [.delete(key)])
        switch try await commit(transaction, call.services) {
        case .conflict(let now): return .conflict(now)
        case .done(let revision):
            strategy.afterDelete(object, context: call.context)
            call.services.record("deleted", call.context, info, name: object.metadata.name, revision: revision)
            let shown: Snapshot = self.snapshot(value, of: object, revision: revision)
            return .done(WriteResult(snapshot: shown, created: false, warnings: warnings))
        }
    }

    // MARK: - Rules

    private func checkPreconditions(_ new: ObjectMeta, _ old: ObjectMeta) throws(StatusError) {
        if !new.uid.isEmpty, new.uid != old.uid {
            throw .conflict(
                info.gvr, old.name,
                "Precondition failed: UID in precondition: \(new.uid), UID in object meta: \(old.uid)")
        }
        if !new.resourceVersion.isEmpty, new.resourceVersion != old.resourceVersion {
            throw .conflict(info.gvr, old.name)
        }
    }

    /// What clients may leave out or cannot change is taken from the object that is there.
    private func keepSystemFields(_ object: inout Object, _ old: Object, _ snapshot: Snapshot) {
        object.metadata.uid = old.metadata.uid
        object.metadata.resourceVersion = String(snapshot.revision)
        object.metadata.creationTimestamp = old.metadata.creationTimestamp
        object.metadata.deletionTimestamp = old.metadata.deletionTimestamp
        object.metadata.deletionGracePeriodSeconds = old.metadata.deletionGracePeriodSeconds
        object.metadata.generateName = old.metadata.generateName
        object.metadata.generation = old.metadata.generation
        object.metadata.selfLink = ""
        object.metadata.managedFields = old.metadata.managedFields
    }

    private func prepare(_ object: inout Object, _ old: Object, _ context: RequestContext) {
        switch context.subresource {
        case "", "scale": strategy.prepareForUpdate(&object, old: old, context: context)
        case "status": strategy.prepareForStatusUpdate(&object, old: old, context: context)
        default: strategy.prepareForUpdate(&object, old: old, subresource: context.subresource, context: context)
        }
    }

    private func validate(_ object: Object, _ old: Object, _ call: WriteCall) throws(StatusError) {
        var errors: FieldErrors = object.metadata.validateUpdate(of: old.metadata)
        switch call.context.subresource {
        case "", "scale": errors += strategy.validateUpdate(object, old: old, context: call.context)
        case "status": errors += strategy.validateStatusUpdate(object, old: old, context: call.context)
        default:
            errors += strategy.validateUpdate(
                object, old: old, subresource: call.context.subresource, context: call.context)
        }
        guard errors.isEmpty else { throw .invalid(info.gvk, object.metadata.name, errors) }
    }

    /// Marked as deleted, and nothing keeps it.
    func isDone(_ object: Object) -> Bool {
        guard object.metadata.deletionTimestamp != nil, object.metadata.finalizers.isEmpty else { return false }
        return (object.metadata.deletionGracePeriodSeconds ?? 0) == 0 && !strategy.isHeldBack(object)
    }
}
