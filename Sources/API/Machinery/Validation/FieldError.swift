package import Codec

/// One thing that is wrong with one field: upstream's `field.Error`, with its words.
package struct FieldError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        case notFound = "FieldValueNotFound"
        case required = "FieldValueRequired"
        case duplicate = "FieldValueDuplicate"
        case invalid = "FieldValueInvalid"
        case notSupported = "FieldValueNotSupported"
        case forbidden = "FieldValueForbidden"
        case tooLong = "FieldValueTooLong"
        case tooShort = "FieldValueTooShort"
        case tooMany = "FieldValueTooMany"
        case tooFew = "FieldValueTooFew"
        case typeInvalid = "FieldValueTypeInvalid"
        case `internal` = "InternalError"

        fileprivate var title: String {
            switch self {
            case .notFound: return "Not found"
            case .required: return "Required value"
            case .duplicate: return "Duplicate value"
            case .invalid, .typeInvalid: return "Invalid value"
            case .notSupported: return "Unsupported value"
            case .forbidden: return "Forbidden"
            case .tooLong: return "Too long"
            case .tooShort: return "Too short"
            case .tooMany: return "Too many"
            case .tooFew: return "Too few"
            case .internal: return "Internal error"
            }
        }
    }

    package var kind: Kind
    /// The field's path in text form.
    package var field: String
    /// The offending value as it is shown; nil for kinds that do not show it.
    package var value: String?
    package var detail: String

    package init(_ kind: Kind, _ path: FieldPath, value: String?, detail: String) {
        self.kind = kind
        self.field = path.description
        self.value = value
        self.detail = detail
    }

    /// The message without the field: `Invalid value: "x": must be …`.
    package var body: String {
        var text: String = kind.title
        if let value { text += ": " + value }
        if !detail.isEmpty { text += ": " + detail }
        return text
    }

    package var description: String { "\(field): \(body)" }
}

/// A value as validation messages show it: strings in Go's quotes, everything else as JSON.
package enum ShownValue {
    package static func text(_ value: String) -> String { GoText.quoted(value) }
    package static func text(_ value: some JSONCodable) -> String { String(decoding: value.jsonBytes, as: UTF8.self) }
    package static func text(_ value: String?) -> String { value.map { text($0) } ?? "null" }
    package static func text<T: JSONCodable>(_ value: T?) -> String { value.map { text($0) } ?? "null" }
}

extension FieldError {
    package static func invalid(_ path: FieldPath, _ value: String, _ detail: String) -> FieldError {
        FieldError(.invalid, path, value: ShownValue.text(value), detail: detail)
    }

    package static func invalid<T: JSONCodable>(_ path: FieldPath, _ value: T, _ detail: String) -> FieldError {
        FieldError(.invalid, path, value: ShownValue.text(value), detail: detail)
    }

    package static func invalid<T: JSONCodable>(_ path: FieldPath, _ value: T?, _ detail: String) -> FieldError {
        FieldError(.invalid, path, value: ShownValue.text(value), detail: detail)
    }

    package static func typeInvalid<T: JSONCodable>(_ path: FieldPath, _ value: T?, _ detail: String) -> FieldError {
        FieldError(.typeInvalid, path, value: ShownValue.text(value), detail: detail)
    }

    package static func required(_ path: FieldPath, _ detail: String = "") -> FieldError {
        FieldError(.required, path, value: nil, detail: detail)
    }

    package static func forbidden(_ path: FieldPath, _ detail: String) -> FieldError {
        FieldError(.forbidden, path, value: nil, detail: detail)
    }

    package static func duplicate(_ path: FieldPath, _ value: String) -> FieldError {
        FieldError(.duplicate, path, value: ShownValue.text(value), detail: "")
    }

    package static func duplicate<T: JSONCodable>(_ path: FieldPath, _ value: T) -> FieldError {
        FieldError(.duplicate, path, value: ShownValue.text(value), detail: "")
    }

    package static func notFound(_ path: FieldPath, _ value: String) -> FieldError {
        FieldError(.notFound, path, value: ShownValue.text(value), detail: "")
    }

    /// `Unsupported value: "x": supported values: "a", "b"`; the supported values in the order given.
    package static func notSupported(_ path: FieldPath, _ value: String, _ supported: [String]) -> FieldError {
        FieldError(.notSupported, path, value: ShownValue.text(value), detail: list(supported))
    }

    package static func notSupported<T: JSONCodable>(
        _ path: FieldPath, _ value: T, _ supported: [String]
    ) -> FieldError {
        FieldError(.notSupported, path, value: ShownValue.text(value), detail: list(supported))
    }

    private static func list(_ supported: [String]) -> String {
        if supported.isEmpty { return "" }
        return "supported values: " + supported.map { GoText.quoted($0) }.joined(separator: ", ")
    }

    /// Longer than `limit` bytes.
    package static func tooLong(_ path: FieldPath, limit: Int) -> FieldError {
        let unit: String = limit == 1 ? "byte" : "bytes"
        return FieldError(.tooLong, path, value: nil, detail: "may not be more than \(limit) \(unit)")
    }

    package static func tooLong(_ path: FieldPath, limitCharacters limit: Int) -> FieldError {
        let unit: String = limit == 1 ? "character" : "characters"
        return FieldError(.tooLong, path, value: nil, detail: "may not be more than \(limit) \(unit)")
    }

    package static func tooShort(_ path: FieldPath, atLeast limit: Int) -> FieldError {
        let unit: String = limit == 1 ? "character" : "characters"
        return FieldError(.tooShort, path, value: nil, detail: "must be at least \(limit) \(unit)")
    }

    package static func tooMany(_ path: FieldPath, actual: Int, limit: Int) -> FieldError {
        let unit: String = limit == 1 ? "item" : "items"
        return FieldError(.tooMany, path, value: String(actual), detail: "must have at most \(limit) \(unit)")
    }

    package static func tooFew(_ path: FieldPath, actual: Int, atLeast limit: Int) -> FieldError {
        let unit: String = limit == 1 ? "item" : "items"
        return FieldError(.tooFew, path, value: String(actual), detail: "must have at least \(limit) \(unit)")
    }

    package static func `internal`(_ path: FieldPath, _ detail: String) -> FieldError {
        FieldError(.internal, path, value: nil, detail: detail)
    }
}
