/// Any JSON value: what a patch, a custom resource or an untyped field holds.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits.
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// An empty object.
    package static var emptyObject: JSONValue { .object(JSONObject()) }
}

// MARK: - Access

extension JSONValue {
    package var isNull: Bool { self == .null }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var int: Int? {
        if case .int(let value) = self { Int(value) } else { nil }
    }

    /// Of any number.
    package var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The kind of value in words, as in "expected an integer, found a string".
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "an integer"
        case .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// A member of an object; nil if there is none, or this is no object. Setting a member makes anything but an
    /// object an empty object first; setting nil does so only for objects' members, and else changes nothing.
    package subscript(key: String) -> JSONValue? {
        get {
            if case .object(let object) = self { object[key] } else { nil }
        }
        _modify {
            if case .object(var object) = self {
                // Parked, so that the object is not copied.
                self = .null
                defer { self = .object(object) }
                yield &object[key]
            } else {
                var value: JSONValue?
                defer {
                    if let value { self = .object([key: value]) }
                }
                yield &value
            }
        }
    }

    /// An element of an array; nil if there is none, or this is no array.
    package subscript(index: Int) -> JSONValue? {
        if case .array(let array) = self, array.indices.contains(index) { array[index] } else { nil }
    }

    /// A member of a member, and so on: `value["spec", "template", "metadata"]`. Setting makes the objects between.
    package subscript(first: String, second: String, rest: String...) -> JSONValue? {
        get { self[path: [first, second] + rest] }
        set { self[path: [first, second] + rest] = newValue }
    }

    /// A member of a member, and so on. Setting makes the objects between, unless it is nil that is set. The empty
    /// path is the value itself; setting nil there makes it `null`.
    package subscript(path path: some Collection<String>) -> JSONValue? {
        get {
            var value = self
            for key in path {
                guard let member = value[key] else { return nil }
                value = member
            }
            return value
        }
        set {
            guard let key = path.first else {
                self = newValue ?? .null
                return
            }
            let rest = Array(path.dropFirst())
            if rest.isEmpty {
                self[key] = newValue
            } else if self[key] != nil {
                self[key]?[path: rest] = newValue
            } else if newValue != nil {
                var member: JSONValue = .emptyObject
                member[path: rest] = newValue
                self[key] = member
            }
        }
    }
}

// MARK: - Literals

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.lazy.map { (key: $0.0, value: $0.1) }))
    }
}

// MARK: - Coding

extension JSONValue: JSONCodable {
    package init(json reader: inout JSONReader) throws(JSONError) {
        switch reader.next() {
        case UInt8(ascii: "{"):
            self = .object(try JSONObject(json: &reader))
        case UInt8(ascii: "["):
            self = .array(try [JSONValue](json: &reader))
        case UInt8(ascii: "\""):
            self = .string(try reader.string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            self = .bool(try reader.bool())
        case UInt8(ascii: "n"):
            _ = try reader.takeNull()
            self = .null
        default:
            self = try reader.number()
        }
    }

    /// Writes the members of objects in canonical order, as Go writes a map.
    package func write(json writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .int(let value): writer.int(Int(value))
        case .double(let value): writer.double(value)
        case .string(let value): writer.string(value)
        case .array(let values): values.write(json: &writer)
        case .object(let object): object.write(json: &writer)
        }
    }

    /// Reads one document.
    package init(parsing json: [UInt8]) throws(JSONError) {
        self = try JSONReader.decode(JSONValue.self, from: json)
    }

    /// Reads one document.
    package init(parsing json: String) throws(JSONError) {
        self = try JSONReader.decode(JSONValue.self, from: Array(json.utf8))
    }
}

extension JSONValue: CustomStringConvertible {
    /// Canonical JSON.
    package var description: String { String(decoding: jsonBytes, as: UTF8.self) }
}
