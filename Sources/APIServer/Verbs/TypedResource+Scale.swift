import APIApply
import APIAutoscaling
import APIMachinery
import Codec

extension TypedResource {
    func getScale(_ call: WriteCall) async throws(StatusError) -> [UInt8] {
        guard let mapping = strategy.scale else { throw .notFound(info.gvr, call.context.name) }
        let key: [UInt8] = info.key(namespace: call.context.namespace, name: call.context.name)
        guard let snapshot = try await current(key, fresh: false, call.services) else {
            throw .notFound(info.gvr, call.context.name)
        }
        return scale(of: try strategy.load(snapshot), mapping, call.services).jsonBytes
    }

    /// Writes `spec.replicas` through a Scale that the body is, patches or applies.
    func updateScale(_ call: WriteCall, isPatch: Bool) async throws(StatusError) -> [UInt8] {
        guard let mapping = strategy.scale else { throw .notFound(info.gvr, call.context.name) }
        let kind: PatchKind? = isPatch ? try PatchKind(contentType: call.contentType) : nil
        var configuration: ApplyConfiguration?
        if case .apply = kind { configuration = try ApplyConfiguration(call) }
        let applied: ApplyConfiguration? = configuration
        let change = Change<Object>(
            make: { (old: Object) throws(StatusError) -> Object in
                let before: Scale = self.scale(of: old, mapping, call.services)
                var scale: Scale
                if let applied {
                    scale = try Self.applied(applied, to: before, call)
                } else {
                    scale = try Self.written(before, call, kind)
                    scale.metadata.managedFields = Self.owners(scale, before, call)
                }
                try Self.check(scale, before, self.info)
                var object: Object = old
                mapping.setReplicas(&object, scale.spec.replicas)
                object.metadata.resourceVersion =
                    isPatch && scale.metadata.resourceVersion == before.metadata.resourceVersion
                    ? "" : scale.metadata.resourceVersion
                object.metadata.managedFields = self.owners(after: scale, old, call.services)
                return object
            },
            retries: true, ownership: .given)
        let result: WriteResult = try await apply(change, call)
        return scale(of: try strategy.load(result.snapshot), mapping, call.services).jsonBytes
    }

    // MARK: - Who owns the number

    private func ownership(_ object: Object, _ services: ServerServices) -> ScaleOwnership? {
        let entries: [ManagedFieldsEntry] = object.metadata.managedFields
        guard !entries.isEmpty, let parent = try? Ownership(entries) else { return nil }
        let prefix: String = info.storagePrefix
        return ScaleOwnership(parent: parent, apiVersion: info.gvk.apiVersion) {
            services.versions.resource(prefix, apiVersion: $0) != nil
        }
    }

    /// The object's owners after its Scale got new ones.
    private func owners(after scale: Scale, _ old: Object, _ services: ServerServices) -> [ManagedFieldsEntry] {
        guard let ownership = try? Ownership(scale.metadata.managedFields) else { return old.metadata.managedFields }
        let mapping: ScaleOwnership =
            self.ownership(old, services)
            ?? ScaleOwnership(parent: Ownership(), apiVersion: info.gvk.apiVersion) { _ in true }
        return mapping.parent(after: ownership).entries
    }

    /// The Scale's owners after an update or patch.
    private static func owners(_ scale: Scale, _ before: Scale, _ call: WriteCall) -> [ManagedFieldsEntry] {
        let known: [ManagedFieldsEntry] = before.metadata.managedFields
        if known.isEmpty { return [] }
        let written = WrittenObject(
            schema: Scale.schema, apiVersion: Scale.gvk.apiVersion, old: ObjectBytes(before.jsonBytes),
            new: ObjectBytes(scale.jsonBytes))
        return Ownership.afterUpdate(
            of: known, by: call.writer(.update, apiVersion: Scale.gvk.apiVersion), at: call.context.now, written,
            reset: .none) ?? known
    }

    private static func applied(_ configuration: ApplyConfiguration, to before: Scale, _ call: WriteCall)
        throws(StatusError) -> Scale
    {
        var bare: Scale = before
        bare.metadata.managedFields = []
        let live: JSONValue
        do throws(JSONError) {
            live = try JSONValue(parsing: bare.jsonBytes)
        } catch {
            throw .internalError("failed to read what was written: \(error.message)")
        }
        let (merged, managed, _) = try configuration.apply(
            to: TypedValue(live, Scale.schema), empty: ObjectBytes(Scale().jsonBytes),
            managed: before.metadata.managedFields, call, apiVersion: Scale.gvk.apiVersion, reset: .none,
            convert: { _, _, _ in nil })
        try configuration.checkDuplicates(call)
        var scale: Scale = try configuration.decode(merged, as: Scale.self)
        scale.metadata.managedFields = managed
        return scale
    }

    // MARK: - Its number

    /// What an update or patch makes of the Scale.
    private static func written(_ before: Scale, _ call: WriteCall, _ kind: PatchKind?) throws(StatusError) -> Scale {
        let json: [UInt8] =
            try kind.map { (kind: PatchKind) throws(StatusError) -> [UInt8] in
                try patched(before, call.body, kind)
            } ?? call.body
        return try BodyDecoder.decode(
            Scale.self, as: Scale.gvk, body: json, contentType: kind == nil ? call.contentType : "application/json",
            validation: call.options.fieldValidation
        ).object
    }

    private static func patched(_ scale: Scale, _ patch: [UInt8], _ kind: PatchKind) throws(StatusError) -> [UInt8] {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(parsing: scale.jsonBytes)
        } catch {
            throw .internalError("failed to read what was written: \(error.message)")
        }
        return try kind.apply(patch, to: document, schema: Scale.schema).jsonBytes
    }

    private static func check(_ scale: Scale, _ before: Scale, _ info: ResourceInfo) throws(StatusError) {
        if !scale.metadata.name.isEmpty, scale.metadata.name != before.metadata.name {
            throw .badRequest(
                "the name of the object (\(scale.metadata.name)) does not match the name on the URL "
                    + "(\(before.metadata.name))")
        }
        if !scale.metadata.uid.isEmpty, scale.metadata.uid != before.metadata.uid {
            throw .conflict(
                info.gvr, before.metadata.name,
                "Precondition failed: UID in precondition: \(scale.metadata.uid), UID in object meta: "
                    + before.metadata.uid)
        }
        if scale.spec.replicas < 0 {
            let path: FieldPath = FieldPath("spec").child("replicas")
            throw .invalid(
                Scale.gvk, before.metadata.name,
                [.invalid(path, scale.spec.replicas, "must be greater than or equal to 0")])
        }
    }

    private func scale(of object: Object, _ mapping: ScaleMapping<Object>, _ services: ServerServices) -> Scale {
        let owners: [ManagedFieldsEntry] = ownership(object, services)?.scale.entries ?? []
        return Scale.with { scale in
            scale.metadata.name = object.metadata.name
            scale.metadata.namespace = object.metadata.namespace
            scale.metadata.uid = object.metadata.uid
            scale.metadata.resourceVersion = object.metadata.resourceVersion
            scale.metadata.creationTimestamp = object.metadata.creationTimestamp
            scale.metadata.managedFields = owners
            scale.spec.replicas = mapping.replicas(object)
            scale.status.replicas = mapping.statusReplicas(object)
            scale.status.selector = mapping.selector(object)
        }
    }
}
