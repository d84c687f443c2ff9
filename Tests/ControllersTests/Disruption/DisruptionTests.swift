import API
import APIMachinery
import Client
import Controllers
import Testing

@Suite struct DisruptionTests {
    private let cluster = SimulatedCluster()
    private let reconciler: DisruptionReconciler
    private let key = ObjectKey("shop", "web")

    init() {
        reconciler = DisruptionReconciler(
            budgets: cluster.cache(PodDisruptionBudget.self), pods: cluster.cache(Pod.self),
            owners: DisruptionOwners(sets: cluster.cache(ReplicaSet.self), deployments: cluster.cache(Deployment.self)))
    }

    private func budget(minAvailable: IntOrString? = nil, maxUnavailable: IntOrString? = nil) {
        cluster.put(
            PodDisruptionBudget.with {
                $0.metadata.name = "web"
                $0.metadata.namespace = "shop"
                $0.spec.minAvailable = minAvailable
                $0.spec.maxUnavailable = maxUnavailable
                $0.spec.selector = LabelSelector.with { $0.matchLabels = ["app": "web"] }
            })
    }

    /// A Deployment of that size with two sets, and pods of both.
    private func workload(_ replicas: Int, ready: Int, unready: Int = 0) {
        let deployment: Deployment = cluster.put(
            Deployment.with {
                $0.metadata.name = "web"
                $0.metadata.namespace = "shop"
                $0.spec.replicas = replicas
            })
        let sets: [ReplicaSet] = ["old", "new"].map { name in
            cluster.put(
                ReplicaSet.with {
                    $0.metadata.name = name
                    $0.metadata.namespace = "shop"
                    $0.metadata.ownerReferences = [.controller(deployment)]
                    $0.spec.replicas = replicas
                })
        }
        for index in 0..<(ready + unready) {
            pod("p\(index)", ready: index < ready, owner: .controller(sets[index % 2]))
        }
    }

    private func pod(_ name: String, ready: Bool, owner: OwnerReference?) {
        cluster.put(
            Pod.with { pod in
                pod.metadata.name = name
                pod.metadata.namespace = "shop"
                pod.metadata.labels = ["app": "web"]
                if let owner { pod.metadata.ownerReferences = [owner] }
                pod.status.conditions = [
                    PodCondition.with {
                        $0.type = "Ready"
                        $0.status = ready ? "True" : "False"
                    }
                ]
            })
    }

    private func look() async -> PodDisruptionBudgetStatus {
        cluster.sync()
        await cluster.run(reconciler, key)
        cluster.sync()
        return cluster.get(PodDisruptionBudget.self, "shop", "web")?.status ?? .init()
    }

    struct Sample: Sendable {
        var minAvailable: IntOrString?
        var maxUnavailable: IntOrString?
        var ready: Int
        var desired: Int
        var allowed: Int
    }

    private static let samples: [Sample] = [
        Sample(minAvailable: 2, ready: 5, desired: 2, allowed: 3),
        Sample(minAvailable: "50%", ready: 5, desired: 3, allowed: 2),
        Sample(maxUnavailable: 1, ready: 4, desired: 4, allowed: 0),
        Sample(maxUnavailable: "30%", ready: 5, desired: 3, allowed: 2),
        Sample(minAvailable: 9, ready: 5, desired: 9, allowed: 0),
        Sample(maxUnavailable: "100%", ready: 2, desired: 0, allowed: 2),
    ]

    @Test(arguments: samples)
    func `the budget is healthy pods above what is desired`(sample: Sample) async {
        let (ready, desired, allowed): (Int, Int, Int) = (sample.ready, sample.desired, sample.allowed)
        let expected: Int = 5
        budget(minAvailable: sample.minAvailable, maxUnavailable: sample.maxUnavailable)
        workload(5, ready: ready, unready: 5 - ready)
        let status = await look()
        #expect(status.desiredHealthy == desired)
        #expect(status.currentHealthy == ready)
        #expect(status.disruptionsAllowed == allowed)
        #expect(status.expectedPods == expected)
        #expect(status.conditions.map(\.reason) == [allowed > 0 ? "SufficientPods" : "InsufficientPods"])
        #expect(reconciler.reconcile(key, now: cluster.now).writes.isEmpty)
    }

    @Test func `an evicted pod counts as gone for two minutes, then as not deleted`() async {
        budget(maxUnavailable: 2)
        workload(3, ready: 3)
        cluster.change(PodDisruptionBudget.self, "shop", "web") {
            $0.status.disruptedPods = ["p0": cluster.now, "x": cluster.now]
        }
        let status = await look()
        #expect(status.currentHealthy == 2 && status.disruptionsAllowed == 1)
        #expect(status.disruptedPods.map(\.key) == ["p0"])
        #expect(reconciler.reconcile(key, now: cluster.now).requeueAfter == .seconds(121))
        cluster.advance(seconds: 121)
        let later = await look()
        #expect(later.currentHealthy == 3 && later.disruptedPods.isEmpty)
        #expect(cluster.events.map(\.reason) == ["NotDeleted"])
    }

    @Test func `without pods, or with pods of unknown owners, nothing may be disrupted`() async {
        budget(maxUnavailable: 1)
        #expect(await look().disruptionsAllowed == 0)
        #expect(cluster.eventTexts == ["NoPods: No matching pods found"])
        workload(3, ready: 3)
        #expect(await look().disruptionsAllowed == 1)
        pod("stray", ready: true, owner: nil)
        _ = await look()
        #expect(cluster.events.map(\.reason).contains("UnmanagedPods"))
        let ghost = ReplicaSet.with { $0.metadata.name = "ghost" }
        pod("stray", ready: true, owner: .controller(ghost))
        let status = await look()
        #expect(status.disruptionsAllowed == 0)
        #expect(status.conditions.map(\.reason) == ["SyncFailed"])
        #expect(cluster.events.map(\.reason).contains("CalculateExpectedPodCountFailed"))
    }
}
