import APIMachinery
import Codec

/// A type error of a body in the words of Go's decoder, which upstream's clients know:
///
///     json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32
///
/// Only worked out when decoding has failed: from the place of the error, and the schema on the way to it. Named types of
/// strings (`v1.RestartPolicy`) are plain strings to us, and so they are called.
struct GoTypeError {
    /// The struct that the field is in, its Go name.
    private var owner: String
    /// The fields from the root; places in lists and keys of maps do not count.
    private var fields: [Substring] = []
    private var type: SchemaType

    /// nil: no error of types, or of a place that the schema does not know.
    static func message(_ error: JSONError, of schema: Schema, in document: [UInt8]) -> String? {
        if case .invalid(let reason) = error.kind, reason.hasPrefix("quantities must match") { return reason }
        guard let value = value(error, document), !error.path.isEmpty,
            let place = GoTypeError(error.path[...], in: schema)
        else { return nil }
        switch place.type {
        // Types that decode themselves do so without knowing where they are.
        case .intOrString: return "json: cannot unmarshal \(value) into Go value of type int32"
        case .time, .microTime: return "json: cannot unmarshal \(value) into Go value of type string"
        default: break
        }
        let field: String = ([Substring(place.owner)] + place.fields).joined(separator: ".")
        return "json: cannot unmarshal \(value) into Go struct field \(field) of type \(name(place.type))"
    }

    /// What stands there, in Go's word.
    private static func value(_ error: JSONError, _ document: [UInt8]) -> String? {
        switch error.kind {
        case .mismatch(_, "a string"): return "string"
        case .mismatch(_, "an object"): return "object"
        case .mismatch(_, "an array"): return "array"
        case .mismatch(_, "a boolean"): return "bool"
        case .mismatch(_, "a number"): return "number"
        case .mismatch(_, let found) where found.hasPrefix("the number "): return String(found.dropFirst("the ".count))
        case .outOfRange:
            let literal: ArraySlice<UInt8> = document.dropFirst(error.offset).prefix { byte in
                !",]} \t\r\n".utf8.contains(byte)
            }
            return "number " + String(decoding: literal, as: UTF8.self)
        default: return nil
        }
    }

    /// Follows a path such as `spec.containers[0].image`.
    private init?(_ path: Substring, in schema: Schema) {
        owner = schema.shortName
        type = .rawExtension
        var current: Schema = schema
        var rest: Substring = path
        while !rest.isEmpty {
            let name: Substring = rest.prefix { $0 != "." && $0 != "[" }
            guard let field = current.field(String(name)) else { return nil }
            owner = current.shortName
            fields.append(name)
            type = field.type
            rest = rest.dropFirst(name.count)
            guard Self.enter(&type, &rest) else { return nil }
            if rest.isEmpty { return }
            guard case .message(let reference) = type, rest.first == "." else { return nil }
            current = reference.schema
            rest = rest.dropFirst()
        }
    }

    /// Takes places in lists, and the keys of maps of plain values, off the path. A key may have dots of its own: where
    /// more could follow it, there is no telling.
    private static func enter(_ type: inout SchemaType, _ rest: inout Substring) -> Bool {
        while true {
            switch type {
            case .list(let element) where rest.first == "[":
                guard let end = rest.firstIndex(of: "]") else { return false }
                rest = rest[rest.index(after: end)...]
                type = element
            case .map(let element) where rest.first == ".":
                switch element {
                case .message, .list, .map: return false
                default: break
                }
                type = element
                rest = ""
            default: return true
            }
        }
    }

    private static func name(_ type: SchemaType) -> String {
        switch type {
        case .string: return "string"
        case .bool: return "bool"
        case .int32: return "int32"
        case .int64: return "int64"
        case .double: return "float64"
        case .bytes: return "[]uint8"
        case .quantity: return "resource.Quantity"
        case .intOrString: return "intstr.IntOrString"
        case .time: return "v1.Time"
        case .microTime: return "v1.MicroTime"
        case .rawExtension: return "runtime.RawExtension"
        case .fieldsV1: return "v1.FieldsV1"
        case .list(let element): return "[]" + name(element)
        // The one map that has a name of its own in Go.
        case .map(.quantity): return "v1.ResourceList"
        case .map(let element): return "map[string]" + name(element)
        case .message(let reference):
            return reference.schema.name.split(separator: ".").suffix(2).joined(separator: ".")
        }
    }
}
