package import APIMachinery
import Codec

/// How a value merges: what a schema's type means to field ownership.
package enum Shape: Sendable {
    package enum Scalar: Sendable {
        case string, bool, number
        /// Any scalar: quantities, integers that may be strings, times.
        case any
    }

    case scalar(Scalar)
    /// Whoever writes a list of this shape owns it as a whole.
    case atomicList
    /// Each element is owned on its own; it is found by these members.
    indirect case keyedList(keys: [ListKey], element: Shape)
    /// Each element is owned on its own; it is what it is.
    case set
    /// Whoever writes it owns it as a whole; the schema tells which members it may have, if any.
    case atomicMap(Schema?)
    /// Any members, each owned on its own.
    indirect case map(Shape)
    /// The members that the schema has, each owned on its own.
    case structure(Schema)
    /// Nothing is known: objects are maps, all else is owned as a whole.
    case open

    /// A member that identifies an element of a list.
    package struct ListKey: Sendable {
        var name: String
        /// What the member is where it is not given.
        var defaultValue: JSONValue?
    }
}

extension Schema {
    /// Types that upstream treats as one value wherever they are.
    private static let atomicTypes: Set<String> = [
        "io.k8s.api.admissionregistration.v1.MatchResources",
        "io.k8s.api.admissionregistration.v1.NamedRuleWithOperations",
        "io.k8s.api.admissionregistration.v1.ParamKind",
        "io.k8s.api.admissionregistration.v1.ParamRef",
        "io.k8s.api.admissionregistration.v1.Variable",
        "io.k8s.api.autoscaling.v1.CrossVersionObjectReference",
        "io.k8s.api.core.v1.ConfigMapKeySelector",
        "io.k8s.api.core.v1.EndpointAddress",
        "io.k8s.api.core.v1.EndpointPort",
        "io.k8s.api.core.v1.FileKeySelector",
        "io.k8s.api.core.v1.LocalObjectReference",
        "io.k8s.api.core.v1.NodeSelector",
        "io.k8s.api.core.v1.NodeSelectorTerm",
        "io.k8s.api.core.v1.ObjectFieldSelector",
        "io.k8s.api.core.v1.ObjectReference",
        "io.k8s.api.core.v1.ResourceFieldSelector",
        "io.k8s.api.core.v1.ScopeSelector",
        "io.k8s.api.core.v1.SecretKeySelector",
        "io.k8s.api.core.v1.SecretReference",
        "io.k8s.api.core.v1.TopologySelectorTerm",
        "io.k8s.api.core.v1.TypedLocalObjectReference",
        "io.k8s.api.discovery.v1.EndpointPort",
        "io.k8s.api.networking.v1.ServiceBackendPort",
        "io.k8s.api.rbac.v1.RoleRef",
        "io.k8s.api.rbac.v1.Subject",
        "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector",
        "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference",
    ]
    /// Fields that are merged although their type is one value elsewhere.
    private static let granularFields: Set<String> = ["io.k8s.api.core.v1.PersistentVolumeSpec.claimRef"]

    /// Whether values of this type have one owner.
    package var isAtomic: Bool { Self.atomicTypes.contains(name) }

    /// The shape of a field of this type.
    func shape(of field: SchemaField) -> Shape {
        switch field.type {
        case .list(let element):
            switch field.listType {
            case .set: return .set
            case .map:
                let schema: Schema? = element.schema
                let keys: [Shape.ListKey] = field.listKeys.map {
                    Shape.ListKey(name: $0, defaultValue: schema?.field($0)?.defaultValue)
                }
                return .keyedList(keys: keys, element: Shape(element))
            case .atomic, nil: return .atomicList
            }
        case .map(let element): return field.isAtomicMap ? .atomicMap(nil) : .map(Shape(element))
        case .message(let reference):
            let schema: Schema = reference.schema
            if field.isAtomicMap { return .atomicMap(schema) }
            if schema.isAtomic, !Self.granularFields.contains("\(name).\(field.name)") { return .atomicMap(schema) }
            return .structure(schema)
        default: return Shape(field.type)
        }
    }

    /// The shape of a member; nil if there is no such field.
    func memberShape(_ name: String) -> Shape? {
        if let field = field(name) { return shape(of: field) }
        return gvk != nil && (name == "kind" || name == "apiVersion") ? .scalar(.string) : nil
    }
}

extension Shape {
    /// The shape of an element of a list or map.
    init(_ type: SchemaType) {
        switch type {
        case .string, .bytes: self = .scalar(.string)
        case .bool: self = .scalar(.bool)
        case .int32, .int64, .double: self = .scalar(.number)
        case .quantity, .intOrString, .time, .microTime: self = .scalar(.any)
        case .rawExtension, .fieldsV1: self = .open
        case .list: self = .atomicList
        case .map(let element): self = .map(Shape(element))
        case .message(let reference):
            let schema: Schema = reference.schema
            self = schema.isAtomic ? .atomicMap(schema) : .structure(schema)
        }
    }

    /// The shape of a member of an object of this shape; nil if it may have no such member.
    func member(_ name: String) -> Shape? {
        switch self {
        case .structure(let schema): schema.memberShape(name)
        case .atomicMap(let schema): schema.map { $0.memberShape(name) } ?? .open
        case .map(let element): element
        case .open: .open
        default: nil
        }
    }

    /// Whether `name` is a field of the type, not a key of a map.
    func hasField(_ name: String) -> Bool {
        if case .structure(let schema) = self { return schema.memberShape(name) != nil }
        return false
    }
}
