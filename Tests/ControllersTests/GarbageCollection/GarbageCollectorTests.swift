import API
import APIMachinery
import Client
import Controllers
import Synchronization
import Testing

@Suite struct GarbageCollectorTests {
    private let cluster = SimulatedCluster()
    private let collector: GarbageCollector
    private let resources: [GroupVersionResource] = [
        ConfigMap.resource, Deployment.resource, Namespace.resource, Pod.resource, ReplicaSet.resource,
    ]

    init() {
        var caches: [GroupVersionResource: ObjectCache<ObjectMetadataView>] = [:]
        for resource in resources {
            caches[resource] = cluster.cache(
                ObjectMetadataView.self, of: resource, indices: [.ownerUID, OwnershipGraph.byUID])
        }
        collector = GarbageCollector(OwnershipGraph(caches))
    }

    /// Makes an object with owners.
    @discardableResult
    private func make<Object: APIObject>(
        _ type: Object.Type, _ name: String, owners: [OwnerReference] = [], finalizers: [String] = [],
        namespace: String = "shop"
    ) -> Object {
        var object = Object()
        object.metadata.name = name
        object.metadata.namespace = namespace
        object.metadata.ownerReferences = owners
        object.metadata.finalizers = finalizers
        return cluster.put(object)
    }

    private func reference<Object: APIObject>(_ object: Object, blocks: Bool = true) -> OwnerReference {
        var reference = OwnerReference.controller(object)
        reference.blockOwnerDeletion = blocks
        return reference
    }

    private func delete<Object: APIObject>(_ object: Object, _ policy: String) async throws {
        try await APIClient(cluster).delete(
            Object.self, object.key, DeleteOptions.with { $0.propagationPolicy = policy })
        cluster.sync()
    }

    /// Looks at everything, again and again, until nothing changes.
    private func settle() async throws {
        for _ in 0..<10 {
            cluster.sync()
            _ = cluster.takeRequests()
            for key in keys() {
                try await cluster.run(collector, key)
                cluster.sync()
            }
            if cluster.takeRequests().allSatisfy({ $0.verb == .get }) { return }
        }
        Issue.record("the collector does not come to rest")
    }

    private func keys() -> [ResourceKey] {
        let entries: [SimulatedCluster.Entry] = cluster.state.withLock { state in
            resources.flatMap { Array((state.entries[$0] ?? [:]).values) }
        }
        return entries.sorted { $0.key < $1.key }.map { ResourceKey($0.resource, SimulatedCluster.metadata($0)) }
    }

    private var names: [String] { keys().map(\.key.name).sorted() }

    @Test func `what has lost its owner goes, and what that owned`() async throws {
        let deployment = make(Deployment.self, "web")
        let set = make(ReplicaSet.self, "web-1", owners: [reference(deployment)])
        make(Pod.self, "web-1-a", owners: [reference(set)])
        make(Pod.self, "lonely")
        try await settle()
        #expect(names == ["lonely", "web", "web-1", "web-1-a"])
        try await delete(deployment, "Background")
        try await settle()
        #expect(names == ["lonely"])
    }

    @Test func `metadata is read from bytes that begin with the store's header`() throws {
        let whole = Snapshot(ConfigMap.with { $0.metadata.name = "a" }, revision: 7)
        let shared = Snapshot(
            namespace: "", name: "a", revision: 7, bytes: [0, 1, 2] + whole.bytes, slot: whole.slot + 3, start: 3)
        let view: ObjectMetadataView = try shared.metadataView()
        #expect(view.metadata.name == "a" && view.metadata.resourceVersion == "7" && view.kind == "ConfigMap")
    }

    @Test func `nothing is asked of the server while all owners are there`() async throws {
        let set = make(ReplicaSet.self, "web-1")
        make(Pod.self, "a", owners: [reference(set)])
        cluster.sync()
        for key in keys() { try await cluster.run(collector, key) }
        #expect(cluster.takeRequests().isEmpty)
    }

    @Test func `an owner that the cache does not know is asked for before anything is deleted`() async throws {
        let set = make(ReplicaSet.self, "web-1")
        let pod = make(Pod.self, "a", owners: [reference(set)])
        let pods = ObjectCache<ObjectMetadataView>(indices: [.ownerUID, OwnershipGraph.byUID])
        let sets = ObjectCache<ObjectMetadataView>(indices: [.ownerUID, OwnershipGraph.byUID])
        let view = ObjectMetadataView.with { $0.metadata = pod.metadata }
        _ = pods.replace(with: [Snapshot(view, revision: 5)], revision: 5)
        let blind = GarbageCollector(OwnershipGraph([Pod.resource: pods, ReplicaSet.resource: sets]))
        try await cluster.run(blind, ResourceKey(Pod.resource, pod.metadata))
        #expect(names == ["a", "web-1"])
        // Another set of that name is not the owner.
        cluster.remove(set)
        make(ReplicaSet.self, "web-1")
        let again = GarbageCollector(OwnershipGraph([Pod.resource: pods, ReplicaSet.resource: sets]))
        try await cluster.run(again, ResourceKey(Pod.resource, pod.metadata))
        #expect(names == ["web-1"])
    }

    @Test func `foreground deletion waits for dependents that block`() async throws {
        let deployment = make(Deployment.self, "web")
        let set = make(ReplicaSet.self, "web-1", owners: [reference(deployment)])
        make(Pod.self, "blocking", owners: [reference(set)], finalizers: ["example.org/wait"])
        make(Pod.self, "quick", owners: [reference(set)])
        make(ConfigMap.self, "loose", owners: [reference(deployment, blocks: false)], finalizers: ["example.org/wait"])
        try await delete(deployment, "Foreground")
        try await settle()
        #expect(names == ["blocking", "loose", "web", "web-1"])
        #expect(cluster.get(ReplicaSet.self, "shop", "web-1")?.metadata.finalizers == ["foregroundDeletion"])
        cluster.change(Pod.self, "shop", "blocking") { $0.metadata.finalizers = [] }
        if let pod = cluster.get(Pod.self, "shop", "blocking") { cluster.remove(pod) }
        try await settle()
        #expect(names == ["loose"])
    }

    @Test func `orphans stay, without the reference`() async throws {
        let set = make(ReplicaSet.self, "web-1")
        let other = make(ConfigMap.self, "other")
        make(Pod.self, "a", owners: [reference(set)])
        make(Pod.self, "b", owners: [reference(set), reference(other, blocks: false)])
        try await delete(set, "Orphan")
        try await settle()
        #expect(names == ["a", "b", "other"])
        #expect(cluster.get(Pod.self, "shop", "a")?.metadata.ownerReferences == [])
        #expect(cluster.get(Pod.self, "shop", "b")?.metadata.ownerReferences.map(\.name) == ["other"])
    }

    @Test func `with one of two owners left, only the reference to the other goes`() async throws {
        let one = make(ConfigMap.self, "one")
        let two = make(ConfigMap.self, "two")
        make(Pod.self, "a", owners: [reference(one), reference(two)])
        try await delete(one, "Background")
        try await settle()
        #expect(cluster.get(Pod.self, "shop", "a")?.metadata.ownerReferences.map(\.name) == ["two"])
    }

    @Test func `a circle of blocking owners can be deleted in the foreground`() async throws {
        let one = make(ConfigMap.self, "one")
        let two = make(ConfigMap.self, "two", owners: [reference(one)])
        cluster.change(ConfigMap.self, "shop", "one") { $0.metadata.ownerReferences = [reference(two)] }
        try await delete(one, "Foreground")
        try await settle()
        #expect(names.isEmpty)
    }

    @Test func `owners in another namespace do not count, and that is told`() async throws {
        let far = make(ConfigMap.self, "far", namespace: "elsewhere")
        make(Pod.self, "a", owners: [reference(far)])
        make(Namespace.self, "shop", owners: [reference(far)], namespace: "")
        try await settle()
        #expect(names == ["far", "shop"])  // an object without namespace is left alone
        #expect(cluster.events.contains { $0.reason == "OwnerRefInvalidNamespace" && $0.regarding.name == "a" })
        #expect(cluster.events.contains { $0.reason == "OwnerRefInvalidNamespace" && $0.regarding.name == "shop" })
    }

    @Test func `owners of kinds that nobody knows are left in peace`() async throws {
        make(
            Pod.self, "a",
            owners: [
                OwnerReference.with {
                    $0.apiVersion = "example.org/v1"
                    $0.kind = "Thing"
                    $0.name = "x"
                    $0.uid = "u"
                }
            ])
        try await settle()
        #expect(names == ["a"])
    }
}
