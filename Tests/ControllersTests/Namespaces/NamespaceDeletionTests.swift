import API
import APIMachinery
import Client
import Controllers
import Testing

@Suite struct NamespaceDeletionTests {
    private let cluster = SimulatedCluster()
    private let deletion: NamespaceDeletion
    private let key = ObjectKey("", "shop")

    init() {
        deletion = NamespaceDeletion(
            namespaces: cluster.cache(Namespace.self),
            resources: [ConfigMap.resource, Pod.resource, Secret.resource])
        cluster.put(
            Namespace.with {
                $0.metadata.name = "shop"
                $0.spec.finalizers = ["kubernetes"]
                $0.status.phase = "Active"
            })
        for namespace in ["shop", "other"] {
            cluster.put(
                ConfigMap.with {
                    $0.metadata.name = "settings"
                    $0.metadata.namespace = namespace
                })
        }
        cluster.put(
            Pod.with {
                $0.metadata.name = "web"
                $0.metadata.namespace = "shop"
                $0.spec.nodeName = "node"
                $0.spec.terminationGracePeriodSeconds = 30
            })
    }

    private func look() async throws -> Reconciliation {
        cluster.sync()
        return try await cluster.run(deletion, key)
    }

    private func conditions() -> [String] {
        (cluster.get(Namespace.self, "", "shop")?.status.conditions ?? []).filter { $0.status == "True" }
            .map { "\($0.type) \($0.reason): \($0.message)" }
    }

    @Test func `a namespace that nobody deletes is left alone`() async throws {
        _ = try await look()
        #expect(cluster.takeRequests().isEmpty)
    }

    @Test func `pods go first, then the rest, then the namespace`() async throws {
        try await APIClient(cluster).delete(Namespace.self, key)
        cluster.advance(seconds: 5)
        let waiting = try await look()
        #expect(waiting.requeueAfter == .seconds(16))
        #expect(cluster.get(ConfigMap.self, "shop", "settings") != nil)
        #expect(
            conditions() == [
                "NamespaceContentRemaining SomeResourcesRemain: "
                    + "Some resources are remaining: pods. has 1 resource instances"
            ])
        #expect(cluster.get(Namespace.self, "", "shop")?.status.conditions.count == 5)
        if let pod = cluster.get(Pod.self, "shop", "web") { cluster.remove(pod) }
        _ = try await look()
        #expect(cluster.get(Namespace.self, "", "shop") == nil)
        #expect(cluster.all(ConfigMap.self).map(\.metadata.namespace) == ["other"])
    }

    @Test func `finalizers of others hold the namespace, and are named`() async throws {
        if let pod = cluster.get(Pod.self, "shop", "web") { cluster.remove(pod) }
        cluster.change(ConfigMap.self, "shop", "settings") { $0.metadata.finalizers = ["example.org/wait"] }
        try await APIClient(cluster).delete(Namespace.self, key)
        cluster.advance(seconds: 5)
        let waiting = try await look()
        #expect(waiting.requeueAfter == .seconds(8))
        #expect(conditions().last?.hasSuffix("example.org/wait in 1 resource instances") == true)
        if let map = cluster.get(ConfigMap.self, "shop", "settings") { cluster.remove(map) }
        _ = try await look()
        #expect(cluster.get(Namespace.self, "", "shop") == nil)
    }

    @Test func `a failure is told, and the namespace stays`() async throws {
        if let pod = cluster.get(Pod.self, "shop", "web") { cluster.remove(pod) }
        cluster.refuse { $0.verb == .deletecollection ? .forbidden("not now") : nil }
        try await APIClient(cluster).delete(Namespace.self, key)
        cluster.advance(seconds: 5)
        let result = try await look()
        #expect(result.failure == "forbidden: not now")
        #expect(
            conditions() == [
                "NamespaceDeletionContentFailure ContentDeletionFailed: "
                    + "Failed to delete all resource types, 1 remaining: forbidden: not now"
            ])
        #expect(cluster.get(Namespace.self, "", "shop")?.spec.finalizers == ["kubernetes"])
    }

    @Test func `an empty namespace is not let go before latecomers had their chance`() async throws {
        if let pod = cluster.get(Pod.self, "shop", "web") { cluster.remove(pod) }
        try await APIClient(cluster).delete(Namespace.self, key)
        let early = try await look()
        #expect(early.requeueAfter == .seconds(2))
        #expect(cluster.get(Namespace.self, "", "shop") != nil)
    }
}
