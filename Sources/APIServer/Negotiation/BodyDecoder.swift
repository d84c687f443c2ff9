import APIMachinery
import Codec
import Glibc

extension [UInt8] {
    /// Whether the text is anywhere in it.
    func contains(text: StaticString) -> Bool {
        let length: Int = text.utf8CodeUnitCount
        return withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, length > 0 else { return false }
            var at: Int = 0
            while bytes.count - at >= length,
                let hit = memchr(base + at, Int32(text.utf8Start[0]), bytes.count - at - length + 1)
            {
                if memcmp(hit, text.utf8Start, length) == 0 { return true }
                at = UnsafeRawPointer(hit) - base + 1
            }
            return false
        }
    }
}

/// Reads request bodies: JSON, YAML and protobuf.
enum BodyDecoder {
    static let accepted: [String] = [
        "application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
    ]

    enum Format {
        case json, yaml, protobuf
    }

    /// Parameters (`; charset=utf-8`) do not count. An absent type is JSON.
    static func format(_ contentType: String) throws(StatusError) -> Format {
        switch MediaType.bare(contentType) {
        case "", "application/json": return .json
        case "application/yaml", "application/x-yaml", "text/yaml": return .yaml
        case "application/vnd.kubernetes.protobuf": return .protobuf
        default: throw .unsupportedMediaType(accepted)
        }
    }

    struct Decoded<Object: APIObject> {
        var object: Object
        /// Unknown and duplicate fields, when they only warn.
        var warnings: [String]
    }

    /// Reads an object that must be of the kind given.
    static func decode<Object: APIObject>(
        _ type: Object.Type, as gvk: GroupVersionKind, body: [UInt8], contentType: String,
        validation: WriteOptions.FieldValidation
    ) throws(StatusError) -> Decoded<Object> {
        switch try format(contentType) {
        case .json: return try decode(type, as: gvk, json: body, validation: validation)
        case .yaml: return try decode(type, as: gvk, json: try json(fromYAML: body), validation: validation)
        case .protobuf: return Decoded(object: try decode(type, as: gvk, protobuf: body), warnings: [])
        }
    }

    /// Whether the body gives an empty list of managed fields, which is not the same as none.
    static func hasEmptyOwners(_ call: WriteCall) -> Bool {
        guard call.body.contains(text: "managedFields"), let format = try? format(call.contentType) else {
            return false
        }
        switch format {
        case .protobuf: return false
        case .json: return (try? JSONValue(parsing: call.body))?["metadata"]?["managedFields"] == []
        case .yaml: return (try? YAML.decode(call.body))?.first?["metadata"]?["managedFields"] == []
        }
    }

    static func json(fromYAML body: [UInt8]) throws(StatusError) -> [UInt8] {
        let documents: [JSONValue]
        do throws(YAMLError) {
            documents = try YAML.decode(body)
        } catch {
            throw .badRequest("error converting YAML to JSON: \(error)")
        }
        guard documents.count == 1, let document = documents.first else {
            throw .badRequest("the body must be one YAML document, found \(documents.count)")
        }
        return document.jsonBytes
    }

    static func decode<Object: APIObject>(
        _ type: Object.Type, as gvk: GroupVersionKind, json: [UInt8], validation: WriteOptions.FieldValidation
    ) throws(StatusError) -> Decoded<Object> {
        try checkType(of: json, gvk)
        var problems: [FieldProblem] = []
        let object: Object
        do throws(JSONError) {
            object = try JSONReader.decode(
                type, from: json, options: JSONReader.Options(strict: validation != .ignore), problems: &problems)
        } catch {
            throw cannotHandle(gvk, GoTypeError.message(error, of: Object.schema, in: json) ?? error.message)
        }
        guard !problems.isEmpty else { return Decoded(object: object, warnings: []) }
        let texts: [String] = problems.map { $0.message }
        if validation == .strict {
            throw cannotHandle(gvk, "strict decoding error: " + texts.joined(separator: ", "))
        }
        return Decoded(object: object, warnings: texts)
    }

    static func cannotHandle(_ gvk: GroupVersionKind, _ why: String) -> StatusError {
        .badRequest("\(gvk.kind) in version \"\(gvk.version)\" cannot be handled as a \(gvk.kind): \(why)")
    }

    private static func checkType(of json: [UInt8], _ gvk: GroupVersionKind) throws(StatusError) {
        let found: PartialObject
        do throws(JSONError) {
            found = try PartialObject.type(of: json)
        } catch {
            throw .badRequest(
                "couldn't get version/kind; json parse error: \(error.message)")
        }
        try check(GroupVersionKind(apiVersion: found.apiVersion, kind: found.kind), gvk)
    }

    /// What the body says it is, against what the URL says. Empty parts are what the URL says, as upstream has it.
    private static func check(_ found: GroupVersionKind, _ gvk: GroupVersionKind) throws(StatusError) {
        if !found.kind.isEmpty, found.kind != gvk.kind {
            throw .badRequest(
                "\(found.kind) in version \"\(found.version)\" cannot be handled as a \(gvk.kind): "
                    + "converting (\(found.apiVersion).\(found.kind)) to (\(gvk.apiVersion).\(gvk.kind)): unknown conversion"
            )
        }
        if !found.version.isEmpty, found.apiVersion != gvk.apiVersion {
            throw .badRequest(
                "the API version in the data (\(found.apiVersion)) does not match the expected API version "
                    + "(\(gvk.apiVersion))")
        }
    }

    private static func decode<Object: APIObject>(
        _ type: Object.Type, as gvk: GroupVersionKind, protobuf body: [UInt8]
    ) throws(StatusError) -> Object {
        let envelope: ProtobufEnvelope
        do throws(ProtobufError) {
            envelope = try ProtobufEnvelope(decoding: body)
        } catch {
            throw cannotHandle(gvk, "\(error)")
        }
        try check(envelope.gvk, gvk)
        do throws(ProtobufError) {
            return try ProtobufReader.decode(type, from: envelope.raw)
        } catch {
            throw cannotHandle(gvk, "\(error)")
        }
    }

    /// Options of a deletion; clients send them under several group versions.
    static func decode(deleteOptions body: [UInt8], contentType: String) throws(StatusError) -> DeleteOptions {
        let format: Format = try format(contentType)
        if format == .protobuf {
            let envelope: ProtobufEnvelope
            let options: DeleteOptions
            do throws(ProtobufError) {
                envelope = try ProtobufEnvelope(decoding: body)
                options = try ProtobufReader.decode(DeleteOptions.self, from: envelope.raw)
            } catch {
                throw cannotHandle(DeleteOptions.gvk, "\(error)")
            }
            try check(optionsKind: envelope.gvk.kind)
            return options
        }
        let json: [UInt8] = format == .yaml ? try Self.json(fromYAML: body) : body
        let kind: String
        let options: DeleteOptions
        do throws(JSONError) {
            kind = try PartialObject.type(of: json).kind
            options = try JSONReader.decode(DeleteOptions.self, from: json)
        } catch {
            throw cannotHandle(DeleteOptions.gvk, error.message)
        }
        try check(optionsKind: kind)
        return options
    }

    /// A body that is something else must delete nothing; the group version does not matter.
    private static func check(optionsKind kind: String) throws(StatusError) {
        guard kind.isEmpty || kind == DeleteOptions.gvk.kind else {
            throw .badRequest("decoded object cannot be converted to DeleteOptions")
        }
    }
}
