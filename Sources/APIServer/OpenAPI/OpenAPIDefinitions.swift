import API
import APIApply
package import APIMachinery
import Codec

/// Makes the definitions of types from their schemas.
package struct OpenAPIDefinitions: Sendable {
    private static let machinery: String = "io.k8s.apimachinery.pkg."
    static let status: String = machinery + "apis.meta.v1.Status"
    static let deleteOptions: String = machinery + "apis.meta.v1.DeleteOptions"
    static let watchEvent: String = machinery + "apis.meta.v1.WatchEvent"
    static let patch: String = machinery + "apis.meta.v1.Patch"
    static let resourceList: String = machinery + "apis.meta.v1.APIResourceList"
    static let group: String = machinery + "apis.meta.v1.APIGroup"
    static let groupList: String = machinery + "apis.meta.v1.APIGroupList"
    static let versions: String = machinery + "apis.meta.v1.APIVersions"
    static let versionInfo: String = machinery + "version.Info"
    private static let quantity: String = machinery + "api.resource.Quantity"
    private static let intOrString: String = machinery + "util.intstr.IntOrString"
    private static let rawExtension: String = machinery + "runtime.RawExtension"
    private static let time: String = machinery + "apis.meta.v1.Time"
    private static let microTime: String = machinery + "apis.meta.v1.MicroTime"
    private static let fieldsV1: String = machinery + "apis.meta.v1.FieldsV1"

    private let schemas: [String: Schema]
    private let names: [GroupVersionKind: String]
    /// Every version that options and watch events are part of.
    private let groupVersions: [(group: String, version: String)]

    package init(schemas: [Schema], groupVersions: [(group: String, version: String)]) {
        var byName: [String: Schema] = [:]
        var names: [GroupVersionKind: String] = [:]
        for schema in schemas {
            byName[schema.name] = schema
            if let gvk = schema.gvk { names[gvk] = schema.name }
        }
        self.schemas = byName
        self.names = names
        self.groupVersions = groupVersions
    }

    /// The definition of a kind; nil where there is no type of it.
    package func name(of gvk: GroupVersionKind) -> String? { names[gvk] }

    /// The definitions with these names and all that they refer to, by name.
    func closure(of roots: Set<String>) -> [(name: String, node: OpenAPINode)] {
        var waiting: [String] = Array(roots)
        var seen: Set<String> = roots
        var found: [(name: String, node: OpenAPINode)] = []
        while let name = waiting.popLast() {
            guard let node = node(name) else { continue }
            node.forEachReference { reference in
                if seen.insert(reference).inserted { waiting.append(reference) }
            }
            found.append((name, node))
        }
        return found.sorted { $0.name < $1.name }
    }

    /// Nil for a name that nothing is known of.
    func node(_ name: String) -> OpenAPINode? {
        if let schema = schemas[name] { return node(schema) }
        return Self.scalars[name]
    }

    // MARK: - Types

    private static let scalars: [String: OpenAPINode] = [
        quantity: OpenAPINode(
            description: "A number with a suffix: `100m`, `1.5`, `2Gi`, `3e3`. Kept exact.",
            alternatives: ["string", "number"]),
        intOrString: OpenAPINode(
            description: "An integer, or a string such as a percentage or the name of a port.",
            format: "int-or-string", alternatives: ["integer", "string"]),
        rawExtension: OpenAPINode(description: "Any object.", type: "object"),
        fieldsV1: OpenAPINode(
            description: "A set of fields as a tree: `f:name` is a field, `k:{…}`, `v:…` and `i:…` are elements.",
            type: "object"),
        patch: OpenAPINode(description: "A change in the form that the content type names.", type: "object"),
        time: OpenAPINode(description: "A moment, to the second (RFC 3339).", type: "string", format: "date-time"),
        microTime: OpenAPINode(
            description: "A moment, to the microsecond (RFC 3339).", type: "string", format: "date-time"),
    ]

    private func node(_ schema: Schema) -> OpenAPINode {
        var node = OpenAPINode(description: schema.description, type: schema.isFreeform ? "" : "object")
        node.properties = schema.fields.map { ($0.name, Self.property($0)) }
        if schema.gvk != nil {
            node.properties.append(("apiVersion", Self.apiVersion))
            node.properties.append(("kind", Self.kind))
        }
        node.properties.sort { $0.name < $1.name }
        node.required = schema.fields.filter { $0.isRequired }.map { $0.name }
        if let kinds = kinds(schema) {
            node.extensions.append(("x-kubernetes-group-version-kind", .array(kinds.map { $0.openAPIValue })))
        }
        if schema.isAtomic {
            node.extensions.append(("x-kubernetes-map-type", .string("atomic")))
        }
        if let union = schema.union {
            let members = JSONObject(union.members.map { (key: $0.field, value: JSONValue.string($0.value)) })
            let value: JSONValue = .object([
                "discriminator": .string(union.discriminator), "fields-to-discriminateBy": .object(members),
            ])
            node.extensions.append(("x-kubernetes-unions", .array([value])))
        }
        return node
    }

    private static let apiVersion = OpenAPINode(
        description: "The group and version in which the object is written: `v1`, `apps/v1`.", type: "string")
    private static let kind = OpenAPINode(description: "What the object is: `Pod`.", type: "string")

    private func kinds(_ schema: Schema) -> [GroupVersionKind]? {
        if schema.name == Self.deleteOptions || schema.name == Self.watchEvent {
            return groupVersions.map {
                GroupVersionKind(group: $0.group, version: $0.version, kind: schema.shortName)
            }
        }
        guard let gvk = schema.gvk else { return nil }
        // Discovery's own kinds belong to `v1`.
        return [gvk]
    }

    // MARK: - Fields

    private static func property(_ field: SchemaField) -> OpenAPINode {
        var node: OpenAPINode = node(field.type)
        node.description = field.description
        if let value = field.defaultValue {
            node.defaultValue = value
        } else if case .message = field.type, !field.isPointer {
            node.defaultValue = .object([:])
        }
        if !field.listKeys.isEmpty {
            let keys: [JSONValue] = field.listKeys.map { .string($0) }
            node.extensions.append(("x-kubernetes-list-map-keys", .array(keys)))
        }
        if let type = field.listType { node.extensions.append(("x-kubernetes-list-type", .string(type.rawValue))) }
        if let type = field.mapType { node.extensions.append(("x-kubernetes-map-type", .string(type))) }
        if let key = field.patchMergeKey { node.extensions.append(("x-kubernetes-patch-merge-key", .string(key))) }
        if !field.patchStrategy.isEmpty {
            let strategy: String = field.patchStrategy.joined(separator: ",")
            node.extensions.append(("x-kubernetes-patch-strategy", .string(strategy)))
        }
        return node
    }

    private static func node(_ type: SchemaType) -> OpenAPINode {
        switch type {
        case .string: OpenAPINode(type: "string")
        case .bool: OpenAPINode(type: "boolean")
        case .int32: OpenAPINode(type: "integer", format: "int32")
        case .int64: OpenAPINode(type: "integer", format: "int64")
        case .double: OpenAPINode(type: "number", format: "double")
        case .bytes: OpenAPINode(type: "string", format: "byte")
        case .quantity: OpenAPINode(reference: quantity)
        case .intOrString: OpenAPINode(reference: intOrString)
        case .time: OpenAPINode(reference: time)
        case .microTime: OpenAPINode(reference: microTime)
        case .rawExtension: OpenAPINode(reference: rawExtension)
        case .fieldsV1: OpenAPINode(reference: fieldsV1)
        case .message(let reference): OpenAPINode(reference: reference.schema.name)
        case .list(let element): OpenAPINode(type: "array", items: [Self.element(element)])
        case .map(let element): OpenAPINode(type: "object", additional: [Self.element(element)])
        }
    }

    /// An element of a list or map: never absent, so it has the empty value as its default.
    private static func element(_ type: SchemaType) -> OpenAPINode {
        var node: OpenAPINode = node(type)
        switch type {
        case .string: node.defaultValue = .string("")
        case .bool: node.defaultValue = .bool(false)
        case .int32, .int64, .double: node.defaultValue = .int(0)
        case .message(let reference) where !reference.schema.isFreeform: node.defaultValue = .object([:])
        default: break
        }
        return node
    }
}
