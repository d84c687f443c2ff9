import APIApply
import APIMachinery
import Codec

/// The body of a server-side apply: YAML, or JSON, which is YAML.
struct ApplyConfiguration: Sendable {
    var value: JSONValue
    /// Members that the body has twice.
    var duplicates: [String]

    init(_ call: WriteCall) throws(StatusError) {
        if let (value, duplicates) = Self.json(call.body) {
            self.value = value
            self.duplicates = call.options.fieldValidation == .ignore ? [] : duplicates
        } else {
            value = try Self.yaml(call.body)
            duplicates = []
        }
        guard value.object != nil else {
            throw .badRequest("error decoding YAML: the configuration must be an object, found \(value.kindName)")
        }
    }

    private static func json(_ body: [UInt8]) -> (JSONValue, [String])? {
        guard body.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else { return nil }
        var problems: [FieldProblem] = []
        guard
            let value = try? JSONReader.decode(
                JSONValue.self, from: body, options: JSONReader.Options(strict: true), problems: &problems)
        else { return nil }
        return (value, problems.filter { $0.kind == .duplicate }.map { $0.message })
    }

    private static func yaml(_ body: [UInt8]) throws(StatusError) -> JSONValue {
        do throws(YAMLError) {
            return try YAML.decode(body).first ?? .null
        } catch {
            throw .badRequest("error decoding YAML: \(error)")
        }
    }

    var gvk: GroupVersionKind {
        GroupVersionKind(apiVersion: value["apiVersion"]?.string ?? "", kind: value["kind"]?.string ?? "")
    }

    var name: String { value["metadata"]?["name"]?.string ?? "" }
    var namespace: String { value["metadata"]?["namespace"]?.string ?? "" }
    var uid: String { value["metadata"]?["uid"]?.string ?? "" }
    var resourceVersion: String { value["metadata"]?["resourceVersion"]?.string ?? "" }

    /// As upstream names it in messages: `default/web; apps/v1, Kind=Deployment`.
    private var text: String {
        "\(namespace)/\(name); \(Self.text(gvk))"
    }

    private static func text(_ gvk: GroupVersionKind) -> String { "\(gvk.group)/\(gvk.version), Kind=\(gvk.kind)" }

    /// What a configuration must be before anything is done with it.
    func check(_ gvk: GroupVersionKind, _ schema: Schema) throws(StatusError) -> TypedValue {
        guard self.gvk == gvk else { throw .badRequest("invalid object type: \(Self.text(self.gvk))") }
        if let managed = value["metadata"]?["managedFields"], !managed.isNull {
            throw .badRequest("metadata.managedFields must be nil")
        }
        let typed = TypedValue(value, schema)
        let problems: [TypeProblem] = typed.problems()
        guard problems.isEmpty else {
            throw Self.failure("failed to create typed patch object (\(text)): \(TypeProblem.text(problems))")
        }
        return typed
    }

    /// The merged object as one of its kind.
    func decode<Object: APIObject>(_ merged: JSONValue, as type: Object.Type) throws(StatusError) -> Object {
        do throws(JSONError) {
            return try JSONReader.decode(type, from: merged.jsonBytes)
        } catch {
            throw Self.failure("failed to convert new object (\(text)) to proper version: \(error.message)")
        }
    }

    /// Duplicates, where they are not only worth a warning.
    func checkDuplicates(_ call: WriteCall) throws(StatusError) {
        if call.options.fieldValidation == .strict, !duplicates.isEmpty {
            throw .badRequest("error strict decoding YAML: " + duplicates.joined(separator: ", "))
        }
    }

    /// Upstream's errors that have no reason.
    static func failure(_ message: String) -> StatusError {
        StatusError(
            Status.with { status in
                status.status = "Failure"
                status.code = 500
                status.message = message
            })
    }
}

extension ApplyConfiguration {
    /// Brings the configuration to an object, of which `managed` are the owners so far.
    ///
    /// Where nobody owns anything yet, all that is there is written down as older than the first apply.
    func apply(
        to live: TypedValue, empty: ObjectBytes, managed: [ManagedFieldsEntry], _ call: WriteCall,
        apiVersion: String, reset: ResetFields, convert: @escaping VersionConverter
    ) throws(StatusError) -> (object: JSONValue, managed: [ManagedFieldsEntry], isChanged: Bool) {
        let configuration: TypedValue = try check(
            live.schema.gvk ?? GroupVersionKind(group: "", version: "", kind: ""), live.schema)
        var managed: [ManagedFieldsEntry] = managed
        if managed.isEmpty {
            let before = FieldOwner(
                "before-first-apply", .update, apiVersion: apiVersion, subresource: call.context.subresource)
            let written = WrittenObject(
                schema: live.schema, apiVersion: apiVersion, old: empty, new: ObjectBytes(live.value.jsonBytes),
                convert: convert)
            managed = Ownership.afterUpdate(of: [], by: before, at: call.context.now, written, reset: reset) ?? []
        }
        let ownership: Ownership
        do throws(ManagedFieldsProblem) {
            ownership = try Ownership(managed)
        } catch {
            throw Self.failure("failed to decode managed fields: \(error.text)")
        }
        let application = Application(
            live: live, configuration: configuration, applier: call.writer(.apply, apiVersion: apiVersion),
            force: call.options.force, now: call.context.now, reset: reset, convert: convert)
        let result: Application.Result
        do throws(ApplyConflict) {
            result = try application.applyUpgrading(ownership)
        } catch {
            throw error.statusError
        }
        var object: JSONValue = result.object
        if call.context.fieldManager == LastApplied.manager {
            object = LastApplied.update(object, with: value)
        }
        return (object, result.ownership.entries, result.isChanged)
    }
}
