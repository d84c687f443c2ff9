import API
import APIMachinery
import Client
import Testing

@testable import Controllers

@Suite struct EvictionTests {
    private let cluster = SimulatedCluster()
    private let key = ObjectKey("shop", "web")

    private func node(_ taints: [String], ready: String = "True") {
        cluster.put(
            Node.with { node in
                node.metadata.name = "a"
                node.spec.taints = taints.map { key in
                    Taint.with {
                        $0.key = key
                        $0.effect = "NoExecute"
                    }
                }
                node.status.conditions = [
                    NodeCondition.with {
                        $0.type = "Ready"
                        $0.status = ready
                    }
                ]
            })
        cluster.sync()
    }

    private func pod(_ name: String = "web", node: String = "a", _ fill: (inout Pod) -> Void = { _ in }) {
        cluster.put(
            Pod.with { pod in
                pod.metadata.name = name
                pod.metadata.namespace = "shop"
                pod.spec.nodeName = node
                pod.status.phase = "Running"
                fill(&pod)
            })
        cluster.sync()
    }

    private static func toleration(_ key: String, _ seconds: Int?, _ operator: String = "Exists") -> Toleration {
        Toleration.with {
            $0.key = key
            $0.operator = `operator`
            $0.tolerationSeconds = seconds
        }
    }

    private var isGoing: Bool { cluster.get(Pod.self, "shop", "web")?.metadata.deletionTimestamp != nil }

    @Test(arguments: [
        ([], ["down"], TaintEvictionReconciler.Patience.none),
        ([], [], .forever),
        ([toleration("down", nil)], ["down"], .forever),
        ([toleration("", nil)], ["down", "sick"], .forever),
        ([toleration("down", 300)], ["down"], .seconds(300)),
        ([toleration("down", 300), toleration("sick", 60)], ["down", "sick"], .seconds(60)),
        ([toleration("down", 300)], ["down", "sick"], .none),
        ([toleration("down", 0)], ["down"], .none),
        ([toleration("down", nil, "Equal")], ["down"], .forever),
    ])
    func `tolerations say how long a pod may stay`(
        tolerations: [Toleration], keys: [String], expected: TaintEvictionReconciler.Patience
    ) {
        let taints: [Taint] = keys.map { key in
            Taint.with {
                $0.key = key
                $0.effect = "NoExecute"
            }
        }
        #expect(TaintEvictionReconciler.patience(tolerations, taints) == expected)
    }

    @Test func `a pod leaves a tainted node when its patience ends, and stays if the taint goes before`() async {
        let reconciler = TaintEvictionReconciler(pods: cluster.cache(Pod.self), nodes: cluster.cache(Node.self))
        node(["down"])
        pod { $0.spec.tolerations = [Self.toleration("down", 300)] }
        #expect(await cluster.run(reconciler, key).requeueAfter == .seconds(300))
        cluster.advance(seconds: 100)
        node([])
        await cluster.run(reconciler, key)
        #expect(cluster.eventTexts == ["TaintManagerEviction: Cancelling deletion of Pod shop/web"])
        node(["down"])
        #expect(await cluster.run(reconciler, key).requeueAfter == .seconds(300))
        cluster.advance(seconds: 299)
        #expect(await cluster.run(reconciler, key).requeueAfter == .seconds(1))
        #expect(!isGoing)
        cluster.advance(seconds: 1)
        await cluster.run(reconciler, key)
        #expect(isGoing)
        #expect(cluster.eventTexts.last == "TaintManagerEviction: Marking for deletion Pod shop/web")
        let condition = cluster.get(Pod.self, "shop", "web")?.status.conditions.first
        #expect(condition?.type == "DisruptionTarget" && condition?.reason == "DeletionByTaintManager")
        cluster.sync()
        #expect(reconciler.reconcile(key, now: cluster.now).writes.isEmpty)
    }

    @Test func `another pod of the same name has its own patience`() async {
        let reconciler = TaintEvictionReconciler(pods: cluster.cache(Pod.self), nodes: cluster.cache(Node.self))
        node(["down"])
        pod { $0.spec.tolerations = [Self.toleration("down", 300)] }
        await cluster.run(reconciler, key)
        cluster.advance(seconds: 299)
        if let old = cluster.get(Pod.self, "shop", "web") { cluster.remove(old) }
        pod { $0.spec.tolerations = [Self.toleration("down", 300)] }
        #expect(await cluster.run(reconciler, key).requeueAfter == .seconds(300))
    }

    @Test func `pods of a node that is gone for good are failed and removed`() async {
        let reconciler = PodGarbageReconciler(pods: cluster.cache(Pod.self), nodes: cluster.cache(Node.self))
        pod()
        pod("placed") { $0.spec.nodeName = "" }
        #expect(await cluster.run(reconciler, PodGarbageReconciler.key).requeueAfter == .seconds(20))
        cluster.advance(seconds: 39)
        let early = await cluster.run(reconciler, PodGarbageReconciler.key)
        #expect(early.writes.isEmpty)
        cluster.advance(seconds: 1)
        let writes: [Write] = await cluster.run(reconciler, PodGarbageReconciler.key).writes
        #expect(writes.map(\.summary.verb) == ["patch", "delete"])
        #expect(cluster.all(Pod.self).map(\.metadata.name) == ["placed"])
    }

    @Test func `a node that comes back in time keeps its pods`() async {
        let reconciler = PodGarbageReconciler(pods: cluster.cache(Pod.self), nodes: cluster.cache(Node.self))
        pod()
        await cluster.run(reconciler, PodGarbageReconciler.key)
        node([])
        cluster.advance(seconds: 60)
        await cluster.run(reconciler, PodGarbageReconciler.key)
        #expect(cluster.all(Pod.self).count == 1)
    }

    @Test func `pods that end without a node, and on a node out of service, are removed at once`() async {
        let reconciler = PodGarbageReconciler(pods: cluster.cache(Pod.self), nodes: cluster.cache(Node.self))
        pod("unplaced", node: "") { $0.metadata.deletionTimestamp = Time(seconds: 1) }
        pod("stuck") { $0.metadata.deletionTimestamp = Time(seconds: 1) }
        node(["node.kubernetes.io/out-of-service"])
        await cluster.run(reconciler, PodGarbageReconciler.key)
        #expect(cluster.all(Pod.self).map(\.metadata.name) == ["stuck"])  // its node is well
        node(["node.kubernetes.io/out-of-service"], ready: "Unknown")
        await cluster.run(reconciler, PodGarbageReconciler.key)
        #expect(cluster.all(Pod.self).isEmpty)
    }

    @Test func `of too many ended pods the evicted and the oldest go`() async {
        let reconciler = PodGarbageReconciler(
            pods: cluster.cache(Pod.self), nodes: cluster.cache(Node.self), threshold: 2)
        node([])
        for (name, age, reason) in [("old", 10, ""), ("evicted", 30, "Evicted"), ("new", 40, ""), ("newer", 50, "")] {
            pod(name) { pod in
                pod.metadata.creationTimestamp = Time(seconds: Int64(age))
                pod.status.phase = "Failed"
                pod.status.reason = reason
            }
        }
        pod("alive")
        await cluster.run(reconciler, PodGarbageReconciler.key)
        #expect(cluster.all(Pod.self).map(\.metadata.name) == ["alive", "new", "newer"])
    }
}
