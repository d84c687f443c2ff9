import APIMachinery
import Store

extension TypedResource {
    /// How often a new name is tried when the generated one is taken; upstream's number.
    private static var nameAttempts: Int { 8 }

    func create(_ call: WriteCall) async throws(StatusError) -> WriteResult {
        let decoded: BodyDecoder.Decoded<Object> = try BodyDecoder.decode(
            Object.self, as: info.gvk, body: call.body, contentType: call.contentType,
            validation: call.options.fieldValidation)
        var result: WriteResult = try await create(decoded.object, call)
        result.warnings.insert(contentsOf: decoded.warnings, at: 0)
        return result
    }

    func create(_ given: Object, _ call: WriteCall, ownership: OwnershipRule = .update)
        async throws(StatusError) -> WriteResult
    {
        var object: Object = given
        try checkNames(&object, call.context)
        guard object.metadata.resourceVersion.isEmpty else {
            throw .badRequest("resourceVersion should not be set on objects to be created")
        }
        let generates: Bool = object.metadata.name.isEmpty && !object.metadata.generateName.isEmpty
        for attempt in 1...Self.nameAttempts {
            if generates {
                object.metadata.name = call.services.environment.name(base: object.metadata.generateName)
            }
            if let result = try await tryCreate(object, call, ownership) { return result }
            guard generates else { throw .alreadyExists(info.gvr, object.metadata.name) }
            if attempt == Self.nameAttempts { throw .generatedNameExists(info.gvr, object.metadata.name) }
        }
        throw .alreadyExists(info.gvr, object.metadata.name)
    }

    /// Nil: the name is taken.
    private func tryCreate(_ given: Object, _ call: WriteCall, _ ownership: OwnershipRule)
        async throws(StatusError) -> WriteResult?
    {
        let services: ServerServices = call.services
        var object: Object = given
        setNewMetadata(&object, call)
        strategy.setDefaults(&object)
        if case .update = ownership { object.metadata.managedFields = ownersOfNew(object, call) }
        strategy.prepareForCreate(&object, context: call.context)
        let attributes: AdmissionAttributes = attributes(
            .create, call, name: object.metadata.name, object: object, old: nil)
        try await admit(&object, attributes, services)
        strategy.setDefaults(&object)
        try validateNew(object, call)
        try call.authorizeCreate?()
        var warnings: [String] = attributes.warnings + strategy.warnings(object, old: nil, context: call.context)
        if !services.admission.isEmpty {
            attributes.object = object
            attributes.warnings = []
            try await services.validate(attributes)
            warnings += attributes.warnings
        }
        return try await commitNew(object, call, warnings)
    }

    private func commitNew(_ given: Object, _ call: WriteCall, _ warnings: [String])
        async throws(StatusError) -> WriteResult?
    {
        let services: ServerServices = call.services
        var object: Object = given
        let key: [UInt8] = info.key(namespace: object.metadata.namespace, name: object.metadata.name)
        let allocation: (any Allocation)? = try strategy.allocate(&object, old: nil, context: call.context)
        let value: [UInt8] = strategy.store(object)
        if call.context.dryRun {
            allocation?.rollback()
            if try await current(key, fresh: true, services) != nil { return nil }
            return WriteResult(snapshot: snapshot(value, of: object, revision: 0), created: true, warnings: warnings)
        }
        let committed: Committed
        do throws(StatusError) {
            let write: Transaction.Write = .put(key, value: value, lease: try await lease(services))
            committed = try await commit(Transaction(compares: [.modRevision(key, 0)], writes: [write]), services)
        } catch {
            allocation?.rollback()
            throw error
        }
        guard case .done(let revision) = committed else {
            allocation?.rollback()
            return nil
        }
        allocation?.commit()
        services.record("created", call.context, info, name: object.metadata.name, revision: revision)
        return WriteResult(
            snapshot: snapshot(value, of: object, revision: revision), created: true, warnings: warnings)
    }

    private func setNewMetadata(_ object: inout Object, _ call: WriteCall) {
        object.metadata.uid = call.services.environment.uuid()
        object.metadata.creationTimestamp = call.context.now
        object.metadata.deletionTimestamp = nil
        object.metadata.deletionGracePeriodSeconds = nil
        object.metadata.selfLink = ""
        object.metadata.generation = 0
    }

    private func validateNew(_ object: Object, _ call: WriteCall) throws(StatusError) {
        var errors: FieldErrors = object.metadata.validate(isNamespaced: info.namespaced) { nameMessages($0) }
        errors += strategy.validateCreate(object, context: call.context)
        guard errors.isEmpty else {
            let name: String = object.metadata.name.isEmpty ? object.metadata.generateName : object.metadata.name
            throw .invalid(info.gvk, name, errors)
        }
    }
}
