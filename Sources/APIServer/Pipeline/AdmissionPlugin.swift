package import APIMachinery

/// Looks at writes after authorization, may change the object (mutating phase) or refuse (either phase).
///
/// Refuse with `StatusError.forbidden(…)`. Reads go through `attributes.caches`; plugins that need to wait may.
package protocol AdmissionPlugin: Sendable {
    /// Upstream's name: `NamespaceLifecycle`, `ServiceAccount`, `LimitRanger`, …
    var name: String { get }
    /// Whether it wants to see such requests at all; asked first, must be cheap.
    func handles(_ attributes: AdmissionAttributes) -> Bool
    func admit(_ attributes: AdmissionAttributes) async throws(StatusError)
    func validate(_ attributes: AdmissionAttributes) async throws(StatusError)
}

extension AdmissionPlugin {
    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {}
    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {}
}

/// One write as admission sees it. Belongs to one request; never kept.
package final class AdmissionAttributes {
    package enum Operation: String, Sendable {
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
        case connect = "CONNECT"
    }

    package let operation: Operation
    package let context: RequestContext
    /// Of the resource in the URL.
    package let info: ResourceInfo
    /// What is in effect: the object's own name may still be empty on create with generateName.
    package let namespace: String
    package let name: String
    package var subresource: String { context.subresource }
    package var user: UserInfo { context.user }
    package var dryRun: Bool { context.dryRun }
    /// Consistent up to some recent revision, never blocks.
    package let caches: any CacheReader
    /// Set for deletions.
    package let deletion: DeletionRequest?
    /// Nil on create and connect.
    package let oldObject: (any APIObject)?
    /// Nil on delete. For a subresource with a kind of its own (`Binding`, `Eviction`, `Scale`), that kind.
    package internal(set) var object: (any APIObject)?
    /// Texts for `Warning` headers.
    package var warnings: [String] = []

    package init(
        _ operation: Operation, context: RequestContext, info: ResourceInfo, namespace: String, name: String,
        object: (any APIObject)?, oldObject: (any APIObject)? = nil, deletion: DeletionRequest? = nil,
        caches: any CacheReader
    ) {
        self.operation = operation
        self.context = context
        self.info = info
        self.namespace = namespace
        self.name = name
        self.object = object
        self.oldObject = oldObject
        self.deletion = deletion
        self.caches = caches
    }

    /// Notes something for the audit log; a key's first value stays.
    package func annotate(_ key: String, _ value: String) { context.audit?.annotate(key, value) }

    /// The object if it is of this type.
    package func object<Object: APIObject>(as type: Object.Type) -> Object? { object as? Object }
    package func oldObject<Object: APIObject>(as type: Object.Type) -> Object? { oldObject as? Object }

    /// Changes the object if it is of this type; only in the mutating phase.
    package func mutate<Object: APIObject>(_ type: Object.Type, _ body: (inout Object) throws(StatusError) -> Void)
        throws(StatusError)
    {
        guard var typed: Object = object as? Object else { return }
        object = nil
        defer { object = typed }
        try body(&typed)
    }

    /// Whether the request is about this resource itself (no subresource).
    package func isResource(_ gvr: GroupVersionResource) -> Bool {
        context.subresource.isEmpty && info.gvr.resource == gvr.resource && info.gvr.group == gvr.group
    }
}
