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
        return Self.scale(of: try strategy.load(snapshot), mapping).jsonBytes
    }

    /// Writes `spec.replicas` through a Scale that the body is, or patches.
    func updateScale(_ call: WriteCall, isPatch: Bool) async throws(StatusError) -> [UInt8] {
        guard let mapping = strategy.scale else { throw .notFound(info.gvr, call.context.name) }
        let warnings: [String] = []
        let info: ResourceInfo = info
        let body: [UInt8] = call.body
        let validation: WriteOptions.FieldValidation = call.options.fieldValidation
        let contentType: String = call.contentType
        let kind: PatchKind? = isPatch ? try PatchKind(contentType: contentType) : nil
        let change = Change<Object>(
            make: { (old: Object) throws(StatusError) -> Object in
                let before: Scale = Self.scale(of: old, mapping)
                var json: [UInt8] = body
                var type: String = contentType
                if let kind {
                    json = try Self.patched(before, body, kind)
                    type = "application/json"
                }
                let scale: Scale = try BodyDecoder.decode(
                    Scale.self, as: Scale.gvk, body: json, contentType: type, validation: validation
                ).object
                try Self.check(scale, before, info)
                var object: Object = old
                mapping.setReplicas(&object, scale.spec.replicas)
                object.metadata.resourceVersion =
                    isPatch && scale.metadata.resourceVersion == before.metadata.resourceVersion
                    ? "" : scale.metadata.resourceVersion
                return object
            },
            retries: true, warnings: warnings)
        let result: WriteResult = try await apply(change, call)
        return Self.scale(of: try strategy.load(result.snapshot), mapping).jsonBytes
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

    private static func scale(of object: Object, _ mapping: ScaleMapping<Object>) -> Scale {
        Scale.with { scale in
            scale.metadata.name = object.metadata.name
            scale.metadata.namespace = object.metadata.namespace
            scale.metadata.uid = object.metadata.uid
            scale.metadata.resourceVersion = object.metadata.resourceVersion
            scale.metadata.creationTimestamp = object.metadata.creationTimestamp
            scale.spec.replicas = mapping.replicas(object)
            scale.status.replicas = mapping.statusReplicas(object)
            scale.status.selector = mapping.selector(object)
        }
    }
}
