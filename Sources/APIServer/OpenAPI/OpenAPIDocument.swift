import APIMachinery
import Codec

/// An OpenAPI document before it has a form: the same for versions 2 and 3, JSON and protobuf.
struct OpenAPIDocument: Sendable {
    /// The version of the server.
    var version: String
    /// By path.
    var paths: [OpenAPIPath]
    /// Everything that the paths refer to, by name.
    var definitions: [(name: String, node: OpenAPINode)]
}

/// One path and what can be done there.
struct OpenAPIPath: Sendable {
    var path: String
    /// Those that all operations have in common.
    var parameters: [OpenAPIParameter]
    /// By method, each without the common parameters.
    var operations: [OpenAPIOperation]

    /// Sorts, and moves the parameters that all operations share to the path.
    init(_ path: String, _ operations: [OpenAPIOperation]) {
        self.path = path
        var shared: [OpenAPIParameter] = operations.first?.parameters ?? []
        for operation in operations.dropFirst() {
            shared.removeAll { !operation.parameters.contains($0) }
        }
        parameters = shared.sorted { $0.name < $1.name }
        self.operations = operations.sorted { $0.method.rawValue < $1.method.rawValue }
        for index in self.operations.indices {
            self.operations[index].parameters.removeAll { shared.contains($0) }
            self.operations[index].parameters.sort { $0.name < $1.name }
        }
    }
}

/// One method on one path.
struct OpenAPIOperation: Sendable {
    enum Method: String, Sendable, CaseIterable {
        case delete, get, head, options, patch, post, put
    }

    struct Body: Sendable {
        /// The name of a definition.
        var schema: String
        var isRequired: Bool
        var contentTypes: [String]
    }

    struct Response: Sendable {
        var code: Int
        /// What is answered; nil: nothing that this document speaks of.
        var payload: Payload?
    }

    enum Payload: Sendable {
        case definition(String)
        case text
    }

    var method: Method
    /// Unique in the server: `createCoreV1NamespacedPod`.
    var id: String
    var description: String
    /// `core_v1`
    var tag: String
    /// Upstream's word: `list`, `watchlist`, `post`, `connect`, …; empty for what is about no resource.
    var action: String = ""
    var gvk: GroupVersionKind?
    var parameters: [OpenAPIParameter] = []
    var body: Body?
    var responses: [Response] = []
    var produces: [String] = OpenAPIMediaTypes.object
}

/// Content types that are published: those that the server reads and writes.
enum OpenAPIMediaTypes {
    static let object: [String] = [
        "application/json", "application/vnd.kubernetes.protobuf", "application/yaml",
    ]
    static let list: [String] = [
        "application/json", "application/json;stream=watch", "application/vnd.kubernetes.protobuf",
        "application/vnd.kubernetes.protobuf;stream=watch", "application/yaml",
    ]
    static let log: [String] = object + ["text/plain"]
    static let any: [String] = ["*/*"]
    static let patch: [String] = [
        "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
        "application/strategic-merge-patch+json",
    ]
}

/// A schema, or part of one, in the order in which it is written.
struct OpenAPINode: Sendable {
    /// The name of another definition. Excludes `type`.
    var reference: String = ""
    var description: String = ""
    /// `object`, `array`, `string`, …; empty where there are alternatives.
    var type: String = ""
    var format: String = ""
    /// Version 3 only: the types that are allowed. Version 2 says `string` for these.
    var alternatives: [String] = []
    /// Version 3 only, as upstream has it.
    var defaultValue: JSONValue?
    /// Of an array; none or one.
    var items: [OpenAPINode] = []
    /// Of a map; none or one.
    var additional: [OpenAPINode] = []
    var properties: [(name: String, node: OpenAPINode)] = []
    var required: [String] = []
    /// `x-kubernetes-…`
    var extensions: [(name: String, value: JSONValue)] = []

    /// All definitions that this node names.
    func forEachReference(_ body: (String) -> Void) {
        if !reference.isEmpty { body(reference) }
        for node in items { node.forEachReference(body) }
        for node in additional { node.forEachReference(body) }
        for property in properties { property.node.forEachReference(body) }
    }
}

extension GroupVersionKind {
    /// `{"group": …, "kind": …, "version": …}`
    var openAPIValue: JSONValue {
        .object(["group": .string(group), "kind": .string(kind), "version": .string(version)])
    }
}
