/// What a schema file says: one API group's version, or the container runtime interface.
struct Group {
    /// The file's name without `.yaml`: `core.v1`.
    var stem: String
    /// The OpenAPI package: `io.k8s.api.core.v1`.
    var package: String
    /// The Swift module: `APICore`.
    var module: String
    /// The folder for the generated files, from the root.
    var output: String
    /// proto3 without JSON, schema and kinds: the container runtime interface.
    var isWireOnly: Bool
    var files: [File]
    var services: [Service]

    struct File {
        var name: String
        var types: [TypeDescription]
    }

    struct Service {
        var name: String
        var methods: [String]
    }

    var types: [TypeDescription] { files.flatMap { $0.types } }
}

/// One message or enum.
struct TypeDescription {
    /// Upstream's name.
    var name: String
    /// The name in Swift, if it must be another.
    var swiftName: String
    var package: String
    /// `apps/v1/Deployment`, cut into its parts.
    var kind: Kind?
    var about: String
    var union: Union?
    var fields: [Field]
    /// In JSON it may be more than an object. How it is read and written is written by hand, beside the output folder.
    var isFreeform: Bool = false
    /// For enums: the cases in order.
    var cases: [(name: String, value: Int)]?

    struct Kind {
        var group: String
        var version: String
        var name: String
    }

    struct Union {
        var discriminator: String
        var members: [(field: String, value: String)]
    }

    /// A kind with items of another kind.
    var isList: Bool {
        kind != nil && fields.contains { $0.name == "items" } && hasMetadata("meta.v1.ListMeta", "ListMeta")
    }
    /// A kind with object metadata.
    var isObject: Bool { kind != nil && hasMetadata("meta.v1.ObjectMeta", "ObjectMeta") }

    private func hasMetadata(_ key: String, _ own: String) -> Bool {
        fields.contains { $0.name == "metadata" && ($0.type == .message(key) || $0.type == .message(own)) }
    }
}

struct Field {
    /// The JSON name, for messages of the container runtime interface the proto name.
    var name: String
    /// The name in Swift, without backticks.
    var swiftName: String
    var type: FieldType
    /// Protobuf numbers; more than one for a field of an embedded message.
    var number: [Int]
    var isPointer: Bool
    var isRequired: Bool
    var isAlwaysWritten: Bool
    /// An empty list is `[]`, not `null`.
    var writesEmptyList: Bool
    /// Kinds in this list are written without kind and apiVersion.
    var isBare: Bool
    /// In protobuf the list is a message that holds it.
    var isWrapped: Bool
    /// JSON, or nil.
    var defaultValue: String?
    var listType: String?
    var listKeys: [String]
    var mapType: String?
    var patch: String?
    var patchKey: String?
    var about: String
}

indirect enum FieldType: Equatable, Sendable {
    case string, bool, int32, int64, uint32, uint64, double, bytes
    case quantity, intOrString, time, microTime, rawExtension, fieldsV1
    /// `core.v1.PodSpec`: the stem of its file, and its name.
    case message(String)
    case enumeration(String)
    case list(FieldType)
    case map(FieldType)

    /// Time and JSON have no empty value of their own: they are optional even if they are not pointers.
    var isAlwaysOptional: Bool {
        switch self {
        case .time, .microTime, .rawExtension, .fieldsV1: return true
        default: return false
        }
    }

    /// The message or enum that it refers to.
    var reference: String? {
        switch self {
        case .message(let key), .enumeration(let key): return key
        case .list(let element), .map(let element): return element.reference
        default: return nil
        }
    }
}

/// What is wrong with a schema file, the command line or the disk.
struct Failure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
