import APIMachinery
import Codec

/// The kinds of patches, by their media types.
enum PatchKind {
    case json, merge, strategic

    static let accepted: [String] = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
    ]

    init(contentType: String) throws(StatusError) {
        switch MediaType.bare(contentType) {
        case "application/json-patch+json": self = .json
        case "application/merge-patch+json": self = .merge
        case "application/strategic-merge-patch+json": self = .strategic
        case "application/apply-patch+yaml", "application/apply-patch+cbor":
            throw StatusError(
                .unsupportedMediaType,
                "server-side apply is not supported by this server yet - accepted media types include: "
                    + Self.accepted.joined(separator: ", "))
        default: throw .unsupportedMediaType(Self.accepted)
        }
    }

    /// The patched document.
    func apply(_ patch: [UInt8], to document: JSONValue, schema: Schema) throws(StatusError) -> JSONValue {
        do throws(PatchError) {
            switch self {
            case .json: return try JSONPatch(parsing: patch).apply(to: document)
            case .merge: return try MergePatch.apply(patch, to: document)
            case .strategic: return try StrategicMergePatch.apply(patch, to: document, schema: schema)
            }
        } catch {
            throw error.statusError
        }
    }
}

extension TypedResource {
    func patch(_ call: WriteCall) async throws(StatusError) -> WriteResult {
        let kind = try PatchKind(contentType: call.contentType)
        let body: [UInt8] = call.body
        let gvk: GroupVersionKind = info.gvk
        let validation: WriteOptions.FieldValidation = call.options.fieldValidation
        let name: String = call.context.name
        let namespace: String = info.namespaced ? call.context.namespace : ""
        let change = Change<Object>(
            make: { (old: Object) throws(StatusError) -> Object in
                let document: JSONValue = try Self.document(old, gvk)
                let patched: JSONValue = try kind.apply(body, to: document, schema: Object.schema)
                var object: Object = try BodyDecoder.decode(
                    Object.self, as: gvk, json: patched.jsonBytes, validation: validation == .strict ? .strict : .ignore
                ).object
                guard object.metadata.name == name else {
                    throw .badRequest(
                        "the name of the object (\(object.metadata.name)) does not match the name on the URL (\(name))")
                }
                guard object.metadata.namespace == namespace else {
                    throw .badRequest(
                        "the namespace of the object (\(object.metadata.namespace)) does not match the namespace on "
                            + "the URL (\(namespace))")
                }
                // A version that the patch itself names is a precondition; the one it was applied to is none.
                if object.metadata.resourceVersion == old.metadata.resourceVersion {
                    object.metadata.resourceVersion = ""
                }
                return object
            },
            retries: true, warnings: validation == .warn ? try unknownFields(call, kind) : [])
        return try await apply(change, call)
    }

    private static func document(_ object: Object, _ gvk: GroupVersionKind) throws(StatusError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue(parsing: object.jsonBytes)
        } catch {
            throw .internalError("failed to read what was written: \(error.message)")
        }
    }

    /// What `fieldValidation=Warn` warns about: fields in a merge patch that the kind does not have.
    private func unknownFields(_ call: WriteCall, _ kind: PatchKind) throws(StatusError) -> [String] {
        if kind == .json { return [] }
        var problems: [FieldProblem] = []
        let options = JSONReader.Options(strict: true)
        // What cannot be read is reported when the patch is applied.
        _ = try? JSONReader.decode(Object.self, from: call.body, options: options, problems: &problems)
        return problems.map { $0.message }.filter { !$0.contains("\"$") && !$0.contains(".$") }
    }
}
