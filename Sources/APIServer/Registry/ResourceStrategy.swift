package import APIApply
package import APIMachinery

/// What is particular to one resource; everything else is the generic pipeline.
///
///     create:  decode → setDefaults → prepareForCreate → admission (mutating) → setDefaults → validateCreate
///              → admission (validating) → allocate → commit
///     update:  decode → setDefaults → prepareForUpdate → admission → setDefaults → validateUpdate → …
///     status:  as update, with prepareForStatusUpdate and validateStatusUpdate
///
/// All functions are pure and synchronous. ObjectMeta is the pipeline's business (names, uid, times, finalizers,
/// labels and annotations are set and validated before `validateCreate` and `validateUpdate` are asked).
///
/// A small kind needs no more than this:
///
///     package struct ConfigMapStrategy: ResourceStrategy {
///         package let info = ResourceInfo(ConfigMap.gvk, resource: "configmaps", shortNames: ["cm"], namespaced: true)
///         package func validateCreate(_ object: ConfigMap, context: RequestContext) -> FieldErrors { … }
///         package var table: TableDefinition<ConfigMap> { … }
///     }
package protocol ResourceStrategy<Object>: Sendable {
    associatedtype Object: APIObject

    var info: ResourceInfo { get }

    /// Where spec and status are; the default rules below follow from it.
    var parts: ObjectParts<Object> { get }

    /// Which names are valid; default: a DNS-1123 subdomain.
    var nameRule: NameRule { get }

    /// Fills absent fields with their defaults. Idempotent. Also applied to what is read from the store.
    func setDefaults(_ object: inout Object)

    /// Clears what a client may not set when it creates. Default: empties the status, generation 1 if it has a spec.
    func prepareForCreate(_ object: inout Object, context: RequestContext)
    func validateCreate(_ object: Object, context: RequestContext) -> FieldErrors

    /// Restores what the main endpoint may not change. Default: keeps the old status; counts the generation.
    func prepareForUpdate(_ object: inout Object, old: Object, context: RequestContext)
    func validateUpdate(_ object: Object, old: Object, context: RequestContext) -> FieldErrors

    /// Restores what the status endpoint may not change. Default: spec, labels and owners stay the old ones.
    func prepareForStatusUpdate(_ object: inout Object, old: Object, context: RequestContext)
    func validateStatusUpdate(_ object: Object, old: Object, context: RequestContext) -> FieldErrors

    /// The same for any other subresource that is a view of the object (`finalize`, `approval`, `resize`, …); what it
    /// is not meant for must stay as in `old`. Default: only the metadata's annotations and finalizers may change.
    func prepareForUpdate(_ object: inout Object, old: Object, subresource: String, context: RequestContext)
    func validateUpdate(_ object: Object, old: Object, subresource: String, context: RequestContext) -> FieldErrors

    /// What the endpoint (`status`, …; empty for the object itself) does not write, so that its writers cannot own it.
    /// Default: the main one no status, the status one no spec.
    func resetFields(subresource: String) -> ResetFields

    /// Texts for `Warning` headers, for an object that was accepted; `old` is nil on create.
    func warnings(_ object: Object, old: Object?, context: RequestContext) -> [String]

    /// Field selector values besides `metadata.name` and `metadata.namespace`, always in the order of `selectableFields`.
    var selectableFields: [String] { get }
    func selectableValues(_ object: Object) -> [String]

    /// The columns of `kubectl get`.
    var table: TableDefinition<Object> { get }

    /// Whether an update without resourceVersion overwrites whatever is there (default true).
    var allowsUnconditionalUpdate: Bool { get }
    /// Whether an update of an object that does not exist creates it (default false).
    var allowsCreateOnUpdate: Bool { get }

    /// What remains for somebody else to do before an object may go. Default: `.immediate`.
    func gracefulDeletion(_ object: Object, options: DeletionRequest) -> GracefulDeletion

    /// Something besides finalizers in the metadata keeps a deleted object (a namespace's `spec.finalizers`).
    func isHeldBack(_ object: Object) -> Bool

    /// After so many seconds without a write an object is gone by itself (events: 3600). Nil: never.
    var timeToLive: Int? { get }

    /// Whether a deletion that is done answers with the object, not with a Status (pods, services, …).
    var returnsDeletedObject: Bool { get }

    /// Called with each object to be marked as deleted, to add what the kind wants (a namespace's phase, say).
    func markDeleted(_ object: inout Object)

    /// The propagation if the client names none; upstream's default is background.
    var defaultPropagation: DeletionRequest.Propagation { get }

    /// How `scale` reads and writes the object; nil if it has none.
    var scale: ScaleMapping<Object>? { get }

    /// Takes what must be unique beyond the object itself (cluster IPs, node ports), just before the commit. May
    /// write the result into the object. Committed or rolled back with the write. Not called for dry runs of an update
    /// that changes nothing.
    func allocate(_ object: inout Object, old: Object?, context: RequestContext) throws(StatusError)
        -> (any Allocation)?

    /// Called after an object is gone from the store, to give back what `allocate` took.
    func afterDelete(_ object: Object, context: RequestContext)

    /// False for a second version of a kind that is stored as another one: `load` and `store` then convert, and
    /// reads decode instead of passing the stored bytes on.
    var isStorageVersion: Bool { get }
    func load(_ snapshot: Snapshot) throws(StatusError) -> Object
    /// The store's value of the object; see `SnapshotCoding`.
    func store(_ object: Object) -> [UInt8]
}

/// What names a kind allows.
package enum NameRule: Sendable {
    case dns1123Subdomain, dns1123Label, dns1035Label
    /// One segment of a path: anything but `.`, `..` and what contains `/` or `%`. RBAC.
    case pathSegment
    /// The kind's `validateCreate` checks it.
    case custom
}

/// Something taken for a write that is not yet durable.
package protocol Allocation: Sendable {
    func commit()
    func rollback()
}

/// What a client asked for when it deleted.
package struct DeletionRequest: Sendable {
    package typealias Propagation = DeleteOptions.Propagation

    /// Nil: the kind's default.
    package var gracePeriodSeconds: Int?
    package var propagation: Propagation?
    package var uid: String?
    package var resourceVersion: String?
    package var dryRun: Bool

    package init(
        gracePeriodSeconds: Int? = nil, propagation: Propagation? = nil, uid: String? = nil,
        resourceVersion: String? = nil, dryRun: Bool = false
    ) {
        self.gracePeriodSeconds = gracePeriodSeconds
        self.propagation = propagation
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.dryRun = dryRun
    }
}

/// How a deletion goes on.
package enum GracefulDeletion: Sendable {
    /// Removed at once, unless finalizers hold it.
    case immediate
    /// Marked now, with so many seconds of grace; somebody (a kubelet) deletes again with grace 0. At least 1.
    case graceful(seconds: Int)
}

/// How a kind presents itself as `autoscaling/v1 Scale`.
package struct ScaleMapping<Object: APIObject>: Sendable {
    package var replicas: @Sendable (Object) -> Int
    package var setReplicas: @Sendable (inout Object, Int) -> Void
    package var statusReplicas: @Sendable (Object) -> Int
    /// The label selector as text, for `status.selector`.
    package var selector: @Sendable (Object) -> String

    package init(
        replicas: @escaping @Sendable (Object) -> Int,
        setReplicas: @escaping @Sendable (inout Object, Int) -> Void,
        statusReplicas: @escaping @Sendable (Object) -> Int,
        selector: @escaping @Sendable (Object) -> String
    ) {
        self.replicas = replicas
        self.setReplicas = setReplicas
        self.statusReplicas = statusReplicas
        self.selector = selector
    }
}
