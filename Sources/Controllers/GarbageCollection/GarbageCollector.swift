import API
package import APIMachinery
package import Client
import Codec

/// Deletes what has lost its owners, and lets owners go after, or without, their dependents.
///
///     owner is           →  the dependent
///     there (solid)         stays; references to owners of the other two sorts are removed
///     gone (dangling)       is deleted, if no owner is solid, by what its finalizers ask for, else in background
///     waiting for it        is deleted, if no owner is solid; in the foreground if it has dependents itself
///
/// The caches only tell what is worth asking about: before anything is deleted, the absence of its owners and the
/// object itself have been read from the API server, and the deletion holds for exactly that state.
package struct GarbageCollector: AsyncReconciler {
    private enum Owner {
        case solid, dangling, waiting
    }

    private struct Verdict {
        var solid: [OwnerReference] = []
        var dangling: [OwnerReference] = []
        var waiting: [OwnerReference] = []

        var isGarbageOrUntidy: Bool { !dangling.isEmpty || !waiting.isEmpty }
    }

    /// When to see whether the last finalizer really went.
    private static let recheck: Duration = .milliseconds(50)

    private let graph: OwnershipGraph
    private let absent: AbsentOwners

    package init(_ graph: OwnershipGraph, absent: AbsentOwners = AbsentOwners()) {
        self.graph = graph
        self.absent = absent
    }

    package func reconcile(
        _ key: ResourceKey, now: Time, client: APIClient
    ) async throws(StatusError) -> Reconciliation {
        guard let item = graph.item(key) else { return .done }
        if item.metadata.deletionTimestamp != nil {
            if item.metadata.finalizers.contains(OwnershipGraph.orphanFinalizer) {
                return try await orphan(item, client)
            }
            return item.metadata.isWaitingForDependents ? try await finish(item, client) : .done
        }
        guard !item.metadata.ownerReferences.isEmpty else { return .done }
        var result = Reconciliation(complaints(item))
        guard try await verdict(item.metadata, client).isGarbageOrUntidy,
            let live = try await live(item.key, client), live.deletionTimestamp == nil
        else { return result }
        // What is true of the object now counts, not what was in the cache.
        let verdict: Verdict = try await verdict(live, client)
        guard verdict.isGarbageOrUntidy else { return result }
        if !verdict.solid.isEmpty {
            result.write(forget(verdict.dangling + verdict.waiting, item.key))
        } else {
            for write in collect(item, live, isAwaited: !verdict.waiting.isEmpty) { result.write(write) }
        }
        return result
    }

    // MARK: - Owners

    private func verdict(_ metadata: ObjectMeta, _ client: APIClient) async throws(StatusError) -> Verdict {
        var verdict = Verdict()
        for owner in metadata.ownerReferences {
            switch try await state(of: owner, from: metadata.namespace, client) {
            case .solid: verdict.solid.append(owner)
            case .dangling: verdict.dangling.append(owner)
            case .waiting: verdict.waiting.append(owner)
            }
        }
        return verdict
    }

    private func state(
        of owner: OwnerReference, from namespace: String, _ client: APIClient
    ) async throws(StatusError) -> Owner {
        // Of a kind that we do not know, and of a namespaced owner of something without a namespace, nothing is
        // concluded.
        guard let entry = graph.entry(owner), !(entry.isNamespaced && namespace.isEmpty),
            let key = graph.key(owner, from: namespace)
        else { return .solid }
        if let cached = graph.item(key) { return cached.metadata.isWaitingForDependents ? .waiting : .solid }
        if absent.contains(owner.uid) { return .dangling }
        guard let live = try await live(key, client) else {
            // An owner elsewhere is absent for this object only.
            if !graph.isElsewhere(owner, from: namespace) { absent.insert(owner.uid) }
            return .dangling
        }
        return live.isWaitingForDependents ? .waiting : .solid
    }

    /// The object's metadata on the server; nil if it, or that very one, is gone.
    private func live(_ key: ResourceKey, _ client: APIClient) async throws(StatusError) -> ObjectMeta? {
        do throws(StatusError) {
            let metadata: ObjectMeta = try await client.metadata(key.target).metadata
            return metadata.uid == key.uid ? metadata : nil
        } catch  where error.isNotFound {
            return nil
        }
    }

    private func complaints(_ item: OwnershipGraph.Item) -> [Write] {
        let namespace: String = item.metadata.namespace
        return item.metadata.ownerReferences.filter { graph.isElsewhere($0, from: namespace) }.map { owner in
            let text: String =
                "[\(owner.apiVersion)/\(owner.kind), namespace: \(namespace), name: \(owner.name), uid: \(owner.uid)]"
            let message: String = "ownerRef \(text) does not exist in namespace \"\(namespace)\""
            let kind: GroupVersionKind? = ResourceTable.find(item.key.resource)?.kind
            let reference = ObjectReference.with {
                $0.apiVersion = kind?.apiVersion ?? ""
                $0.kind = kind?.kind ?? ""
                $0.namespace = namespace
                $0.name = item.metadata.name
                $0.uid = item.metadata.uid
            }
            return Write(.event(EventNote(reference, .warning, reason: "OwnerRefInvalidNamespace", message)))
        }
    }

    // MARK: - Dependents

    private func collect(_ item: OwnershipGraph.Item, _ live: ObjectMeta, isAwaited: Bool) -> [Write] {
        var policy: String = "Background"
        var writes: [Write] = []
        if isAwaited && graph.hasDependents(item.metadata.uid) {
            policy = "Foreground"
            // In a circle each would wait for the other: this one stops blocking its owners.
            if graph.dependents(of: item.metadata.uid).contains(where: { $0.isWaitingForDependents() }) {
                writes.append(unblock(item.key, live))
            }
        } else if live.finalizers.contains(OwnershipGraph.orphanFinalizer) {
            policy = "Orphan"
        } else if live.finalizers.contains(OwnershipGraph.foregroundFinalizer) {
            policy = "Foreground"
        }
        let isPatched: Bool = !writes.isEmpty
        let options = DeleteOptions.with { options in
            options.propagationPolicy = policy
            options.preconditions = Preconditions.with {
                $0.uid = live.uid
                $0.resourceVersion = isPatched ? nil : live.resourceVersion
            }
        }
        writes.append(Write.delete(item.key.target, options: options).ignoring(.notFound))
        return writes
    }

    /// Removes references; the others stay.
    private func forget(_ owners: [OwnerReference], _ key: ResourceKey) -> Write {
        let references: [JSONValue] = owners.map { ["$patch": "delete", "uid": .string($0.uid)] }
        return patch(key, .strategic, ["ownerReferences": .array(references)])
    }

    private func unblock(_ key: ResourceKey, _ live: ObjectMeta) -> Write {
        let references: [JSONValue] = live.ownerReferences.filter { $0.blockOwnerDeletion == true }.map {
            ["uid": .string($0.uid), "blockOwnerDeletion": .bool(false)]
        }
        return patch(key, .strategic, ["ownerReferences": .array(references)])
    }

    // MARK: - Owners that wait

    /// Frees all dependents, then the owner itself.
    private func orphan(_ item: OwnershipGraph.Item, _ client: APIClient) async throws(StatusError) -> Reconciliation {
        var result = Reconciliation()
        let owner = OwnerReference.with { $0.uid = item.metadata.uid }
        let patches: [Write] = graph.dependents(of: item.metadata.uid).map { forget([owner], $0.key) }
        result.write(patches, .parallel)
        guard let last = try await removeFinalizer(OwnershipGraph.orphanFinalizer, item, client) else { return result }
        result.write([last], .sequential)
        result.requeue(after: Self.recheck)
        return result
    }

    /// Frees the owner if nothing holds it any more. Dependents are deleted by looks of their own.
    private func finish(_ item: OwnershipGraph.Item, _ client: APIClient) async throws(StatusError) -> Reconciliation {
        let isBlocked: Bool = graph.dependents(of: item.metadata.uid).contains { dependent in
            dependent.metadata.ownerReferences.contains {
                $0.uid == item.metadata.uid && $0.blockOwnerDeletion == true
            }
        }
        guard !isBlocked,
            let last = try await removeFinalizer(OwnershipGraph.foregroundFinalizer, item, client)
        else { return .done }
        return Reconciliation([last], requeueAfter: Self.recheck)
    }

    private func removeFinalizer(
        _ finalizer: String, _ item: OwnershipGraph.Item, _ client: APIClient
    ) async throws(StatusError) -> Write? {
        guard let live = try await live(item.key, client), live.finalizers.contains(finalizer) else { return nil }
        let left: [JSONValue] = live.finalizers.filter { $0 != finalizer }.map { .string($0) }
        let changes: JSONObject = ["resourceVersion": .string(live.resourceVersion), "finalizers": .array(left)]
        // Its own controller may be writing its last status; then we look again.
        return patch(item.key, .merge, changes).ignoring(.conflict)
    }

    /// Patches metadata of this very object.
    private func patch(_ key: ResourceKey, _ type: PatchType, _ changes: JSONObject) -> Write {
        var metadata: JSONObject = changes
        metadata["uid"] = .string(key.uid)
        var writer = JSONWriter()
        JSONValue.object(["metadata": .object(metadata)]).write(json: &writer)
        return Write.patch(key.target, type, writer.finish()).ignoring(.notFound)
    }

    /// Remembers that an object is gone.
    func noteDeletion(_ uid: String) { absent.insert(uid) }
}
