import API
import APIMachinery
import Client
import Controllers
import Testing

@Suite struct NodeLifecycleTests {
    private let cluster = SimulatedCluster()
    private let reconciler: NodeLifecycleReconciler

    init() {
        reconciler = NodeLifecycleReconciler(
            nodes: cluster.cache(Node.self), leases: cluster.cache(Lease.self),
            pods: cluster.cache(Pod.self, indices: [Pod.byNodeName]))
    }

    private func node(_ name: String, ready: String = "True", taints: [String] = [], zone: String = "") {
        cluster.put(
            Node.with { node in
                node.metadata.name = name
                if !zone.isEmpty { node.metadata.labels["topology.kubernetes.io/zone"] = zone }
                node.spec.taints = taints.map { key in
                    Taint.with {
                        $0.key = key
                        $0.effect = "NoSchedule"
                    }
                }
                guard !ready.isEmpty else { return }
                node.status.conditions = [
                    NodeCondition.with {
                        $0.type = "Ready"
                        $0.status = ready
                        $0.lastHeartbeatTime = cluster.now
                    }
                ]
            })
    }

    private func renew(_ name: String) {
        cluster.put(
            Lease.with {
                $0.metadata.name = name
                $0.metadata.namespace = "kube-node-lease"
                $0.spec.renewTime = MicroTime(cluster.now)
            })
    }

    private func look(_ name: String) async -> Reconciliation {
        cluster.sync()
        let result = await cluster.run(reconciler, ObjectKey("", name))
        cluster.sync()
        return result
    }

    private func taints(_ name: String) -> [String] {
        (cluster.get(Node.self, "", name)?.spec.taints ?? []).map { "\($0.key.split(separator: "/")[1]):\($0.effect)" }
    }

    @Test func `a node that becomes ready loses the not-ready taint in one write`() async {
        node("a", ready: "False", taints: ["node.kubernetes.io/not-ready", "example.org/mine"])
        _ = await look("a")
        #expect(taints("a") == ["not-ready:NoSchedule", "mine:NoSchedule"])
        cluster.change(Node.self, "", "a") { $0.status.conditions[0].status = "True" }
        _ = cluster.takeRequests()
        let result = await look("a")
        #expect(taints("a") == ["mine:NoSchedule"])
        #expect(cluster.takeRequests().map(\.verb) == [.update])
        #expect(result.requeueAfter != nil)
    }

    @Test func `conditions and cordons become taints and go with them`() async {
        node("a")
        cluster.change(Node.self, "", "a") { node in
            node.spec.unschedulable = true
            for type in ["MemoryPressure", "DiskPressure", "PIDPressure"] {
                node.status.conditions.append(
                    NodeCondition.with {
                        $0.type = type
                        $0.status = "True"
                    })
            }
        }
        _ = await look("a")
        #expect(
            Set(taints("a")) == [
                "memory-pressure:NoSchedule", "disk-pressure:NoSchedule", "pid-pressure:NoSchedule",
                "unschedulable:NoSchedule",
            ])
        cluster.change(Node.self, "", "a") { node in
            node.spec.unschedulable = false
            for index in node.status.conditions.indices.dropFirst() { node.status.conditions[index].status = "False" }
        }
        _ = await look("a")
        #expect(taints("a").isEmpty)
    }

    @Test func `a silent node becomes unknown after 50 seconds, its pods unready, then its pods are driven out`() async
    {
        node("a")
        node("b")
        cluster.put(
            Pod.with { pod in
                pod.metadata.name = "web"
                pod.metadata.namespace = "shop"
                pod.spec.nodeName = "a"
                pod.status.conditions = [
                    PodCondition.with {
                        $0.type = "Ready"
                        $0.status = "True"
                    }
                ]
            })
        renew("a")
        _ = await look("a")
        for _ in 0..<10 {  // It lives on its lease alone.
            cluster.advance(seconds: 10)
            renew("a")
            _ = await look("a")
        }
        cluster.advance(seconds: 50)
        let waiting = await look("a")
        #expect(waiting.requeueAfter == .seconds(1))
        #expect(cluster.get(Node.self, "", "a")?.status.conditions.first?.status == "True")
        cluster.advance(seconds: 1)
        _ = await look("a")
        let node: Node? = cluster.get(Node.self, "", "a")
        #expect(node?.status.conditions.map(\.status) == ["Unknown", "Unknown", "Unknown", "Unknown"])
        #expect(node?.status.conditions.map(\.reason).first == "NodeStatusUnknown")
        #expect(cluster.eventTexts.contains("NodeNotReady: Node a status is now: NodeNotReady"))
        _ = await look("a")
        #expect(taints("a") == ["unreachable:NoSchedule", "unreachable:NoExecute"])
        #expect(cluster.get(Pod.self, "shop", "web")?.status.conditions.first?.status == "False")
        #expect(await look("a").writes.isEmpty)

        cluster.change(Node.self, "", "a") { node in
            node.status.conditions = node.status.conditions.map { condition in
                NodeCondition.with {
                    $0.type = condition.type
                    $0.status = condition.type == "Ready" ? "True" : "False"
                    $0.lastHeartbeatTime = cluster.now
                }
            }
        }
        _ = await look("a")
        #expect(taints("a").isEmpty)
    }

    @Test func `a node that never reported is given a minute from its creation`() async {
        node("a", ready: "")
        _ = await look("a")
        cluster.advance(seconds: 61)
        _ = await look("a")
        let ready: NodeCondition? = cluster.get(Node.self, "", "a")?.status.conditions.first
        #expect(ready?.reason == "NodeStatusNeverUpdated")
        #expect(ready?.message == "Kubelet never posted node status.")
        #expect(await look("a").writes.count == 1)  // the taint
        #expect(await look("a").writes.isEmpty)
    }

    @Test func `when every node is down nobody is driven out, and taints that do so are lifted`() async {
        node("a", ready: "False")
        node("b", ready: "True")
        _ = await look("a")
        #expect(taints("a") == ["not-ready:NoSchedule", "not-ready:NoExecute"])
        cluster.change(Node.self, "", "b") { $0.status.conditions[0].status = "Unknown" }
        _ = await look("b")
        _ = await look("a")
        #expect(taints("b") == ["unreachable:NoSchedule"])
        #expect(taints("a") == ["not-ready:NoSchedule"])
    }

    @Test func `the nodes of a zone are given up one by one`() async {
        for name in ["a", "b"] { node(name, ready: "False", zone: "east") }
        for name in ["c", "d", "e"] { node(name, zone: "east") }
        _ = await look("a")
        let second = await look("b")
        #expect(taints("a").contains("not-ready:NoExecute"))
        #expect(!taints("b").contains("not-ready:NoExecute"))
        #expect(second.requeueAfter == .seconds(10))
        cluster.advance(seconds: 10)
        _ = await look("b")
        #expect(taints("b").contains("not-ready:NoExecute"))
    }

    @Test func `a node that comes and goes is told of`() async {
        node("a")
        _ = await look("a")
        if let node = cluster.get(Node.self, "", "a") { cluster.remove(node) }
        _ = await look("a")
        _ = await look("a")
        #expect(
            cluster.eventTexts == [
                "RegisteredNode: Node a event: Registered Node a in Controller",
                "RemovingNode: Node a event: Removing Node a from Controller",
            ])
    }
}
