import API
import APIMachinery
import Client
import Controllers
import Synchronization
import Testing

@Suite struct ReplicaSetTests {
    private let world = Workloads()
    private let key = ObjectKey("shop", "set")

    @discardableResult
    private func set(_ replicas: Int, _ fill: (inout ReplicaSet) -> Void = { _ in }) -> ReplicaSet {
        let set: ReplicaSet = world.cluster.put(
            ReplicaSet.with { set in
                set.metadata.name = "set"
                set.metadata.namespace = "shop"
                set.spec.replicas = replicas
                set.spec.selector = LabelSelector.with { $0.matchLabels = ["app": "web"] }
                set.spec.template.metadata.labels = ["app": "web"]
                set.spec.template.spec.containers = [Container.with { $0.image = "web:1" }]
                fill(&set)
            })
        world.cluster.sync()
        return set
    }

    private func pod(_ name: String, _ fill: (inout Pod) -> Void = { _ in }) {
        world.cluster.put(
            Pod.with { pod in
                pod.metadata.name = name
                pod.metadata.namespace = "shop"
                pod.metadata.labels = ["app": "web"]
                pod.spec.containers = [Container.with { $0.image = "web:1" }]
                fill(&pod)
            })
        world.cluster.sync()
    }

    private func look() async {
        await world.cluster.run(world.sets, key)
        world.cluster.sync()
    }

    private var status: ReplicaSetStatus { world.cluster.get(ReplicaSet.self, "shop", "set")?.status ?? .init() }

    @Test func `it grows and shrinks, and says so`() async {
        set(3)
        await look()
        #expect(world.pods.count == 3)
        #expect(world.pods.allSatisfy { $0.metadata.controllerOwner?.name == "set" })
        #expect(world.cluster.events.filter { $0.reason == "SuccessfulCreate" }.count == 3)
        _ = world.kubelet()
        await look()
        #expect(status.replicas == 3 && status.readyReplicas == 3 && status.availableReplicas == 3)
        world.cluster.change(ReplicaSet.self, "shop", "set") { $0.spec.replicas = 1 }
        world.cluster.sync()
        await look()
        #expect(world.pods.count { $0.metadata.deletionTimestamp == nil } == 1)
        #expect(world.cluster.events.filter { $0.reason == "SuccessfulDelete" }.count == 2)
        await look()
        #expect(status.observedGeneration == 2 && status.replicas == 1)
    }

    @Test func `a quota stops the slow start, and the failure stands in the status until it is over`() async {
        set(8)
        let made = Mutex(0)
        world.cluster.refuse { request in
            guard request.verb == .create, request.resource.resource == "pods" else { return nil }
            let count: Int = made.withLock {
                $0 += 1
                return $0
            }
            return count > 2 ? .forbidden("exceeded quota: pods") : nil
        }
        await look()
        #expect(world.pods.count == 2)
        #expect(made.withLock { $0 } == 3)  // 1, then 2 of which one fails, and no more
        #expect(status.conditions.map(\.reason) == ["FailedCreate"])
        #expect(world.cluster.eventTexts.contains { $0.hasPrefix("FailedCreate: Error creating: ") })
        world.cluster.refuse(nil)
        await look()
        await look()
        #expect(world.pods.count == 8)
        #expect(status.conditions.isEmpty)
    }

    @Test func `in a namespace that is being deleted nothing is made, and nobody complains`() async {
        set(1)
        world.cluster.refuse { request in
            request.verb == .create && request.resource.resource == "pods"
                ? .namespaceTerminating(request.resource, "x", namespace: "shop") : nil
        }
        await look()
        #expect(world.cluster.events.isEmpty)
        #expect(status.conditions.isEmpty)
    }

    @Test func `it takes in pods that match before it counts, and lets go of those that do not`() async {
        pod("stray")
        pod("going") { $0.metadata.deletionTimestamp = Time(seconds: 1) }
        set(2)
        await look()
        #expect(world.pods.count == 2)  // nothing made while the adoption does not show
        await look()
        #expect(world.pods.count == 3)
        #expect(world.cluster.get(Pod.self, "shop", "stray")?.metadata.controllerOwner?.name == "set")
        #expect(world.cluster.get(Pod.self, "shop", "going")?.metadata.controllerOwner == nil)
        world.cluster.change(Pod.self, "shop", "stray") { $0.metadata.labels = ["app": "other"] }
        world.cluster.sync()
        await look()
        #expect(world.cluster.get(Pod.self, "shop", "stray")?.metadata.ownerReferences == [])
        await look()
        #expect(world.pods.count == 4)
    }

    @Test func `a set that was deleted meanwhile adopts nothing, though the cache does not know`() async {
        let old: ReplicaSet = set(1)
        world.cluster.put(
            ReplicaSet.with {
                $0 = old
                $0.metadata.deletionTimestamp = Time(seconds: 1)
                $0.metadata.finalizers = ["orphan"]
            })
        world.cluster.put(
            Pod.with {
                $0.metadata.name = "freed"
                $0.metadata.namespace = "shop"
                $0.metadata.labels = ["app": "web"]
            })
        let pods: ObjectCache<Pod> = world.cluster.cache(Pod.self, indices: [.claimable])
        let stale = ReplicaSetReconciler(sets: ObjectCache([old], indices: [.claimable]), pods: pods)
        await world.cluster.run(stale, key)
        #expect(world.pods.map(\.metadata.ownerReferences) == [[]])
    }

    @Test func `the pods that are missed least go first`() async {
        set(1)
        await look()
        let owner = world.pods.first?.metadata.ownerReferences ?? []
        for (name, phase, ready) in [
            ("ready", "Running", true), ("slow", "Running", false), ("young", "Pending", false),
        ] {
            pod(name) { pod in
                pod.metadata.ownerReferences = owner
                pod.spec.nodeName = "node"
                pod.status.phase = phase
                pod.status.conditions = [
                    PodCondition.with {
                        $0.type = "Ready"
                        $0.status = ready ? "True" : "False"
                        $0.lastTransitionTime = Time(seconds: 5)
                    }
                ]
            }
        }
        await look()
        let left: [String] = world.pods.filter { $0.metadata.deletionTimestamp == nil }.map(\.metadata.name)
        #expect(left == ["ready"])
    }

    @Test func `a pod becomes available by passing of time`() async {
        set(1) { $0.spec.minReadySeconds = 20 }
        await look()
        _ = world.kubelet()
        let waiting = await world.cluster.run(world.sets, key)
        #expect(waiting.requeueAfter == .seconds(20))
        world.cluster.sync()
        #expect(status.readyReplicas == 1 && status.availableReplicas == 0)
        world.cluster.advance(seconds: 20)
        await look()
        #expect(status.availableReplicas == 1)
    }
}
