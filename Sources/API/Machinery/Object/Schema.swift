package import Codec

/// What is known of one type: its fields, their defaults and how they merge.
///
/// Generated types carry it as text, one line per field, which is parsed when it is first asked for:
///
///     containers|[#0]|n=2 required list=map keys=name patch=merge patchKey=name||The containers of the pod.
///     name       type flags                                               default description
///
/// `#0` is the first of the types that this one refers to.
package final class Schema: Sendable {
    /// The name in upstream's OpenAPI: `io.k8s.api.core.v1.PodSpec`.
    package let name: String
    /// Set for kinds.
    package let gvk: GroupVersionKind?
    /// Empty where nobody has described it yet.
    package let description: String
    /// In the order in which they are written. `kind` and `apiVersion` of kinds are not among them.
    package let fields: [SchemaField]
    /// Set where one field says which other may be present.
    package let union: SchemaUnion?
    /// Its JSON need not be an object, and its fields are not known here: parts of custom resource definitions.
    package let isFreeform: Bool
    private let indices: [String: Int]

    package init(
        _ name: String,
        gvk: GroupVersionKind? = nil,
        description: String = "",
        isFreeform: Bool = false,
        union: SchemaUnion? = nil,
        types: [@Sendable () -> Schema] = [],
        _ text: String
    ) {
        var fields: [SchemaField] = []
        var indices: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            let field = SchemaField(line: line, types: types)
            indices[field.name] = fields.count
            fields.append(field)
        }
        self.name = name
        self.gvk = gvk
        self.description = description
        self.union = union
        self.isFreeform = isFreeform
        self.fields = fields
        self.indices = indices
    }

    /// The field with this JSON name.
    package func field(_ name: String) -> SchemaField? {
        guard let index = indices[name] else { return nil }
        return fields[index]
    }

    /// The name without its package: `PodSpec`.
    package var shortName: String {
        guard let dot = name.lastIndex(of: ".") else { return name }
        return String(name[name.index(after: dot)...])
    }
}

/// `type: Localhost` goes with `localhostProfile`.
package struct SchemaUnion: Sendable {
    /// The field that tells.
    package let discriminator: String
    /// The fields it chooses from, each with the discriminator's value for it.
    package let members: [(field: String, value: String)]

    package init(discriminator: String, members: [(field: String, value: String)]) {
        self.discriminator = discriminator
        self.members = members
    }
}

/// What a field holds.
package indirect enum SchemaType: Sendable {
    case string, bool, int32, int64, double
    /// Base64 in JSON.
    case bytes
    case quantity, intOrString
    /// RFC 3339 in JSON.
    case time, microTime
    /// Any object: upstream's `RawExtension`.
    case rawExtension
    /// The set of a manager's fields: an object.
    case fieldsV1
    case message(SchemaReference)
    case list(SchemaType)
    case map(SchemaType)

    /// The schema of the message, or of the messages in a list or map.
    package var schema: Schema? {
        switch self {
        case .message(let reference): return reference.schema
        case .list(let element), .map(let element): return element.schema
        default: return nil
        }
    }
}

/// A type by name, found when it is needed: schemas may refer to each other in circles.
package struct SchemaReference: Sendable {
    private let resolve: @Sendable () -> Schema

    init(_ resolve: @escaping @Sendable () -> Schema) {
        self.resolve = resolve
    }

    package var schema: Schema { resolve() }
}

/// One field of a type.
package struct SchemaField: Sendable {
    /// How lists merge in server-side apply.
    package enum ListType: String, Sendable {
        case atomic, set, map
    }

    /// The JSON name.
    package let name: String
    package let type: SchemaType
    /// Empty where nobody has described it yet.
    package let description: String
    /// Must be given, says the published schema (validation is code, and decides).
    package let isRequired: Bool
    /// Absent and empty are different things: an optional in Swift.
    package let isPointer: Bool
    /// Written even if empty.
    package let isAlwaysWritten: Bool
    /// The published default. Most defaulting is code.
    package let defaultValue: JSONValue?
    package let listType: ListType?
    /// What identifies an element of a list of type `map`.
    package let listKeys: [String]
    /// How maps and objects merge in server-side apply, where it is said: `atomic`, `granular`.
    package let mapType: String?
    /// Strategic merge patch: `merge`, `replace`, `retainKeys`.
    package let patchStrategy: [String]
    /// Strategic merge patch: what identifies an element.
    package let patchMergeKey: String?
    /// The protobuf number; two of them for a field of an embedded message. Empty if it has no protobuf form.
    package let number: [Int]

    init(line: Substring, types: [@Sendable () -> Schema]) {
        let parts: [Substring] = line.split(separator: "|", maxSplits: 4, omittingEmptySubsequences: false)
        precondition(parts.count == 5, "a generated schema has a broken line: \(line)")
        name = String(parts[0])
        type = Self.type(parts[1], types)
        description = String(parts[4])
        if parts[3].isEmpty {
            defaultValue = nil
        } else {
            defaultValue = try? JSONReader.decode(JSONValue.self, from: Array(parts[3].utf8))
        }
        var flags: [Substring: Substring] = [:]
        for flag in parts[2].split(separator: " ") {
            let pair: [Substring] = flag.split(separator: "=", maxSplits: 1)
            flags[pair[0]] = pair.count > 1 ? pair[1] : ""
        }
        isRequired = flags["required"] != nil
        isPointer = flags["pointer"] != nil
        isAlwaysWritten = flags["always"] != nil
        listType = flags["list"].flatMap { ListType(rawValue: String($0)) }
        listKeys = Self.words(flags["keys"])
        mapType = flags["map"].map { String($0) }
        patchStrategy = Self.words(flags["patch"])
        patchMergeKey = flags["patchKey"].map { String($0) }
        number = Self.words(flags["n"]).compactMap { Int($0) }
    }

    /// A map or object that server-side apply treats as one value.
    package var isAtomicMap: Bool { mapType == "atomic" }

    private static func words(_ text: Substring?) -> [String] {
        guard let text else { return [] }
        return text.split(separator: ",").map { String($0) }
    }

    private static func type(_ text: Substring, _ types: [@Sendable () -> Schema]) -> SchemaType {
        switch text.first {
        case "[": return .list(type(text.dropFirst().dropLast(), types))
        case "{": return .map(type(text.dropFirst().dropLast(), types))
        case "#":
            guard let index = Int(text.dropFirst()) else { break }
            return .message(SchemaReference(types[index]))
        default: break
        }
        guard let scalar = scalars[text] else { preconditionFailure("a generated schema has an unknown type: \(text)") }
        return scalar
    }

    private static let scalars: [Substring: SchemaType] = [
        "string": .string, "bool": .bool, "int32": .int32, "int64": .int64, "double": .double, "bytes": .bytes,
        "Quantity": .quantity, "IntOrString": .intOrString, "Time": .time, "MicroTime": .microTime,
        "RawExtension": .rawExtension, "FieldsV1": .fieldsV1,
    ]
}
