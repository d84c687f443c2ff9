import API
package import APIMachinery
package import Client

/// One object among all resources; what the garbage collector queues.
package struct ResourceKey: ControllerKey {
    package var resource: GroupVersionResource
    package var key: ObjectKey
    package var uid: String

    package init(_ resource: GroupVersionResource, _ metadata: ObjectMeta) {
        self.resource = resource
        self.key = ObjectKey(metadata)
        self.uid = metadata.uid
    }

    init(_ resource: GroupVersionResource, _ key: ObjectKey, uid: String) {
        self.resource = resource
        self.key = key
        self.uid = uid
    }

    package var target: ObjectTarget { ObjectTarget(resource, key) }
    package var description: String { "\(resource.groupResource)/\(key)" }
}

/// Who owns whom, as the metadata of all objects tell. It is not stored anywhere else: two indices of each cache, by
/// UID and by the UIDs of owners, are the edges.
package struct OwnershipGraph: Sendable {
    package static let byUID = ObjectIndex<ObjectMetadataView>("uid") { [$0.metadata.uid] }
    package static let orphanFinalizer: String = "orphan"
    package static let foregroundFinalizer: String = "foregroundDeletion"

    struct Item: Sendable {
        var key: ResourceKey
        var metadata: ObjectMeta

        func isWaitingForDependents() -> Bool { metadata.isWaitingForDependents }
    }

    private let caches: [GroupVersionResource: ObjectCache<ObjectMetadataView>]
    /// Sorted, so that looks repeat exactly.
    private let resources: [GroupVersionResource]

    /// - Parameter caches: with the indices `byUID` and `ownerUID`.
    package init(_ caches: [GroupVersionResource: ObjectCache<ObjectMetadataView>]) {
        self.caches = caches
        self.resources = caches.keys.sorted()
    }

    func item(_ key: ResourceKey) -> Item? {
        guard let view = caches[key.resource]?[key.key], view.metadata.uid == key.uid else { return nil }
        return Item(key: key, metadata: view.metadata)
    }

    func metadata(_ resource: GroupVersionResource, _ key: ObjectKey) -> ObjectMeta? {
        caches[resource]?[key]?.metadata
    }

    /// Everything that names `uid` among its owners. One look into each cache's index.
    func dependents(of uid: String) -> [Item] {
        resources.flatMap { resource -> [Item] in
            guard let cache = caches[resource], cache.count(.ownerUID, uid) > 0 else { return [] }
            return cache.list(.ownerUID, uid).map {
                Item(key: ResourceKey(resource, $0.metadata), metadata: $0.metadata)
            }
        }
    }

    func hasDependents(_ uid: String) -> Bool {
        caches.values.contains { $0.count(.ownerUID, uid) > 0 }
    }

    /// Where an owner would be; nil if this cluster has no such kind, of which nothing can be said then.
    func entry(_ owner: OwnerReference) -> ResourceTable.Entry? {
        let kind = GroupVersionKind(apiVersion: owner.apiVersion, kind: owner.kind)
        let found: ResourceTable.Entry? =
            ResourceTable.find(kind)
            ?? ResourceTable.all.first { $0.kind.group == kind.group && $0.kind.kind == kind.kind }
        guard let found else { return nil }
        if caches[found.resource] != nil { return found }
        return ResourceTable.all.first { $0.kind == found.kind && caches[$0.resource] != nil }
    }

    /// An owner's key, seen from an object in `namespace`.
    func key(_ owner: OwnerReference, from namespace: String) -> ResourceKey? {
        guard let entry = entry(owner) else { return nil }
        return ResourceKey(
            entry.resource, ObjectKey(entry.isNamespaced ? namespace : "", owner.name), uid: owner.uid)
    }

    /// Whether the owner exists, but where an object of `namespace` cannot be owned from.
    func isElsewhere(_ owner: OwnerReference, from namespace: String) -> Bool {
        guard let entry = entry(owner), entry.isNamespaced else { return false }
        if namespace.isEmpty { return true }
        let found: [ObjectMetadataView] = caches[entry.resource]?.list(Self.byUID, owner.uid) ?? []
        return found.contains { $0.metadata.namespace != namespace }
    }

    // MARK: - What changes make worth a look

    /// The keys that a change of an object concerns.
    func keys(_ event: InformerEvent<ObjectMetadataView>, of resource: GroupVersionResource) -> [ResourceKey] {
        let metadata: ObjectMeta = event.object.metadata
        let own = ResourceKey(resource, metadata)
        switch event.kind {
        case .added:
            if metadata.isHeldByCollector { return [own] + dependentKeys(metadata) }
            return metadata.ownerReferences.isEmpty ? [] : [own]
        case .updated:
            let before: ObjectMeta = event.old?.metadata ?? ObjectMeta()
            var keys: [ResourceKey] = []
            if before.ownerReferences != metadata.ownerReferences {
                keys.append(own)
                keys += waitingOwners(before)
            }
            if metadata.isHeldByCollector
                && (before.deletionTimestamp == nil || before.finalizers != metadata.finalizers)
            {
                keys.append(own)
                keys += dependentKeys(metadata)
            }
            return keys
        case .deleted:
            return dependentKeys(metadata) + waitingOwners(metadata)
        }
    }

    private func dependentKeys(_ metadata: ObjectMeta) -> [ResourceKey] { dependents(of: metadata.uid).map(\.key) }

    /// The owners that are held until their dependents are gone.
    private func waitingOwners(_ metadata: ObjectMeta) -> [ResourceKey] {
        metadata.ownerReferences.compactMap { key($0, from: metadata.namespace) }.filter { key in
            item(key)?.metadata.isHeldByCollector ?? false
        }
    }
}

extension ObjectMeta {
    /// Being deleted, after its dependents.
    var isWaitingForDependents: Bool {
        deletionTimestamp != nil && finalizers.contains(OwnershipGraph.foregroundFinalizer)
    }

    var isHeldByCollector: Bool {
        isWaitingForDependents || deletionTimestamp != nil && finalizers.contains(OwnershipGraph.orphanFinalizer)
    }
}
