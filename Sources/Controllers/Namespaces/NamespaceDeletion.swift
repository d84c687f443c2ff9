package import API
package import APIMachinery
package import Client

/// Empties a namespace that is being deleted, then lets it go.
///
///     Terminating ─▶ pods ─▶ (all gone) ─▶ everything else ─▶ (all gone) ─▶ finalizer removed
///
/// Pods go first, so that what they use (secrets, policies, quotas) is there while they end. What remains is counted
/// and told in the namespace's conditions.
package struct NamespaceDeletion: AsyncReconciler {
    package static let finalizer: String = "kubernetes"
    /// Requests that were admitted before everyone knew of the deletion may still make something for so long.
    static let settlingSeconds: Int = 2
    /// How long finalizers of others are thought to take.
    private static let finalizerSeconds: Int = 15

    private let namespaces: ObjectCache<Namespace>
    private let resources: [GroupVersionResource]

    /// - Parameter resources: everything that can be in a namespace.
    package init(namespaces: ObjectCache<Namespace>, resources: [GroupVersionResource]) {
        self.namespaces = namespaces
        self.resources = resources
    }

    package func reconcile(
        _ key: ObjectKey, now: Time, client: APIClient
    ) async throws(StatusError) -> Reconciliation {
        guard let cached = namespaces[key], cached.metadata.deletionTimestamp != nil,
            var namespace = try await live(key, client), let since = namespace.metadata.deletionTimestamp,
            !namespace.spec.finalizers.isEmpty
        else { return .done }
        if namespace.status.phase != "Terminating" {
            namespace.status.phase = "Terminating"
            namespace = try await client.updateStatus(namespace)
        }
        guard namespace.spec.finalizers.contains(Self.finalizer) else { return .done }
        var progress = NamespaceContent()
        await empty(namespace, &progress, client)
        let conditions: [NamespaceCondition] = progress.conditions(replacing: namespace.status.conditions, now: now)
        if conditions != namespace.status.conditions {
            namespace.status.conditions = conditions
            namespace = try await client.updateStatus(namespace)
        }
        if !progress.errors.isEmpty { return .failed(progress.errors.joined(separator: "; ")) }
        if !progress.isEmpty {
            return Reconciliation(requeueAfter: .seconds(progress.seconds / 2 + 1))
        }
        let rest: Int = Self.settlingSeconds - now.secondsSince(since)
        if rest > 0 { return Reconciliation(requeueAfter: .seconds(rest)) }
        namespace.spec.finalizers.removeAll { $0 == Self.finalizer }
        return Reconciliation([Write.update(namespace, subresource: "finalize").ignoring(.notFound)])
    }

    private func live(_ key: ObjectKey, _ client: APIClient) async throws(StatusError) -> Namespace? {
        do throws(StatusError) {
            return try await client.get(Namespace.self, key)
        } catch  where error.isNotFound {
            return nil
        }
    }

    // MARK: - Content

    private func empty(_ namespace: Namespace, _ progress: inout NamespaceContent, _ client: APIClient) async {
        if resources.contains(Pod.resource) {
            await empty(Pod.resource, namespace.metadata.name, &progress, client)
            guard progress.isEmpty && progress.errors.isEmpty else { return }
        }
        for resource in resources where resource != Pod.resource {
            await empty(resource, namespace.metadata.name, &progress, client)
        }
    }

    /// Deletes one resource's objects and counts what is left. A failure is noted, and the others are still tried.
    private func empty(
        _ resource: GroupVersionResource, _ namespace: String, _ progress: inout NamespaceContent, _ client: APIClient
    ) async {
        let selection = Selection(namespace: namespace)
        do throws(StatusError) {
            guard try await !client.list(resource, selection, ReadOptions(limit: 1)).snapshots.isEmpty else { return }
            let seconds: Int = resource == Pod.resource ? try await longestGrace(selection, client) : 0
            let options = DeleteOptions.with { $0.propagationPolicy = "Background" }
            try await client.deleteCollection(resource, selection, options)
            let left: [ObjectMetadataView] = try await client.metadata(resource, selection)
            guard !left.isEmpty else { return }
            for finalizer in left.flatMap(\.metadata.finalizers) { progress.finalizers[finalizer, default: 0] += 1 }
            progress.remaining.append((resource, left.count))
            progress.seconds = max(progress.seconds, seconds)
            if left.contains(where: { !$0.metadata.finalizers.isEmpty }) {
                progress.seconds = max(progress.seconds, Self.finalizerSeconds)
            }
        } catch {
            // A resource that this server does not have holds nothing.
            if error.isNotFound || error.isMethodNotSupported { return }
            progress.errors.append(error.message)
        }
    }

    private func longestGrace(_ selection: Selection, _ client: APIClient) async throws(StatusError) -> Int {
        try await client.list(Pod.self, selection).filter {
            $0.status.phase != "Succeeded" && $0.status.phase != "Failed"
        }.map { $0.spec.terminationGracePeriodSeconds ?? 0 }.max() ?? 0
    }
}
