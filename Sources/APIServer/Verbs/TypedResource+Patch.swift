import APIMachinery
import Codec
import Synchronization

/// The kinds of patches, by their media types.
enum PatchKind {
    case json, merge, strategic
    /// Server-side apply, which is no patch: see `serverSideApply`.
    case apply

    static let accepted: [String] = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ]

    init(contentType: String) throws(StatusError) {
        switch MediaType.bare(contentType) {
        case "application/json-patch+json": self = .json
        case "application/merge-patch+json": self = .merge
        case "application/strategic-merge-patch+json": self = .strategic
        case "application/apply-patch+yaml": self = .apply
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
            case .apply: preconditionFailure("an apply merges by ownership")
            }
        } catch {
            throw error.statusError
        }
    }
}

/// What a patch made of the object that it was applied to last.
private final class PatchFindings: Sendable {
    private let texts = Mutex<[String]>([])

    var warnings: [String] {
        get { texts.withLock { $0 } }
        set { texts.withLock { $0 = newValue } }
    }
}

extension TypedResource {
    func patch(_ call: WriteCall) async throws(StatusError) -> WriteResult {
        let kind = try PatchKind(contentType: call.contentType)
        if case .apply = kind { return try await serverSideApply(call) }
        let body: [UInt8] = call.body
        let gvk: GroupVersionKind = info.gvk
        let validation: WriteOptions.FieldValidation = call.options.fieldValidation
        let name: String = call.context.name
        let namespace: String = info.namespaced ? call.context.namespace : ""
        let duplicates: [String] = validation == .ignore ? [] : Self.duplicates(body, kind)
        let findings = PatchFindings()
        // They are half of the object, and few patches are about them.
        let concernsOwners: Bool = body.contains(text: "managedFields")
        let change = Change<Object>(
            make: { (old: Object) throws(StatusError) -> Object in
                let document: JSONValue = try Self.document(old, withOwners: concernsOwners)
                let patched: JSONValue = try kind.apply(body, to: document, schema: Object.schema)
                let decoded: BodyDecoder.Decoded<Object>
                do throws(StatusError) {
                    decoded = try BodyDecoder.decode(
                        Object.self, as: gvk, json: patched.jsonBytes,
                        validation: validation == .ignore ? .ignore : .warn)
                } catch {
                    // Upstream tells only what the decoder said.
                    let prefix: String = BodyDecoder.cannotHandle(gvk, "").message
                    let why: Substring =
                        error.message.hasPrefix(prefix) ? error.message.dropFirst(prefix.count) : error.message[...]
                    throw Self.unfit(kind, body, patched, String(why))
                }
                let problems: [String] = duplicates + decoded.warnings
                if validation == .strict, !problems.isEmpty {
                    throw Self.unfit(
                        kind, body, patched, "strict decoding error: " + problems.joined(separator: ", "))
                }
                findings.warnings = problems
                var object: Object = decoded.object
                if !concernsOwners {
                    object.metadata.managedFields = old.metadata.managedFields
                } else if patched["metadata"]?["managedFields"] == [] {
                    object.metadata.managedFields = [ManagedFieldsEntry()]
                }
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
            retries: true)
        var result: WriteResult = try await apply(change, call)
        result.warnings = findings.warnings + result.warnings
        return result
    }

    /// A patch whose result is not of the kind: the value shown is the patch itself if it is strategic, else the
    /// patched document, as upstream has it.
    private static func unfit(_ kind: PatchKind, _ body: [UInt8], _ patched: JSONValue, _ why: String) -> StatusError {
        let shown: String
        if kind == .strategic, let patch = try? JSONValue(parsing: body) {
            shown = GoText.value(patch)
        } else {
            shown = String(decoding: patched.jsonBytes, as: UTF8.self)
        }
        return .invalid(
            GroupVersionKind(group: "", version: "", kind: ""), "", [.invalid(FieldPath("patch"), shown, why)])
    }

    private static func document(_ object: Object, withOwners: Bool) throws(StatusError) -> JSONValue {
        var object: Object = object
        if !withOwners { object.metadata.managedFields = [] }
        do throws(JSONError) {
            return try JSONValue(parsing: object.jsonBytes)
        } catch {
            throw .internalError("failed to read what was written: \(error.message)")
        }
    }

    /// Fields that a patch says twice. What cannot be read at all is reported when the patch is applied.
    private static func duplicates(_ body: [UInt8], _ kind: PatchKind) -> [String] {
        if kind == .json { return [] }
        var problems: [FieldProblem] = []
        _ = try? JSONReader.decode(
            Object.self, from: body, options: JSONReader.Options(strict: true), problems: &problems)
        return problems.filter { $0.kind == .duplicate }.map { $0.message }
    }
}
