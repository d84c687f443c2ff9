import API
import APIMachinery
import Client
import Controllers
import Testing

/// What a ReplicationController has of its own; the rest it shares with a ReplicaSet.
@Suite struct ReplicationControllerTests {
    private let cluster = SimulatedCluster()
    private let key = ObjectKey("shop", "web")
    private let reconciler: ReplicationControllerReconciler

    init() {
        reconciler = ReplicationControllerReconciler(
            sets: cluster.cache(ReplicationController.self, indices: [.claimable]),
            pods: cluster.cache(Pod.self, indices: [.claimable]))
    }

    private func put(_ replicas: Int, selector: StringMap<String> = ["app": "web"]) {
        cluster.put(
            ReplicationController.with { controller in
                controller.metadata.name = "web"
                controller.metadata.namespace = "shop"
                controller.spec.replicas = replicas
                controller.spec.selector = selector
                controller.spec.template = PodTemplateSpec.with { template in
                    template.metadata.labels = ["app": "web"]
                    template.spec.containers = [Container.with { $0.image = "web:1" }]
                }
            })
        cluster.sync()
    }

    private func look() async {
        await cluster.run(reconciler, key)
        cluster.sync()
    }

    private var pods: [Pod] { cluster.all(Pod.self) }
    private var status: ReplicationControllerStatus {
        cluster.get(ReplicationController.self, "shop", "web")?.status ?? .init()
    }

    @Test func `it makes its pods, counts them, and takes away what is too much`() async {
        put(3)
        await look()
        #expect(pods.count == 3)
        let owner: OwnerReference? = pods.first?.metadata.controllerOwner
        #expect(owner?.kind == "ReplicationController" && owner?.apiVersion == "v1" && owner?.name == "web")
        #expect(pods.allSatisfy { $0.metadata.name.hasPrefix("web-") && $0.metadata.labels["app"] == "web" })
        await look()
        #expect(status.replicas == 3 && status.fullyLabeledReplicas == 3 && status.readyReplicas == 0)
        #expect(status.observedGeneration == 1)
        put(1)
        await look()
        #expect(cluster.eventTexts.count { $0.hasPrefix("SuccessfulDelete: Deleted pod: web-") } == 2)
    }

    @Test func `it takes in pods that match and belong to nobody`() async {
        cluster.put(
            Pod.with {
                $0.metadata.name = "stray"
                $0.metadata.namespace = "shop"
                $0.metadata.labels = ["app": "web", "more": "x"]
            })
        put(1)
        await look()
        await look()
        #expect(pods.map(\.metadata.name) == ["stray"])
        #expect(pods.first?.metadata.controllerOwner?.kind == "ReplicationController")
    }

    @Test func `pods that cannot be made are a condition, which goes when they can`() async {
        cluster.refuse { request in
            request.verb == .create && request.resource.resource == "pods"
                ? .forbidden(request.resource, "", "no more room") : nil
        }
        put(1)
        await look()
        let condition: ReplicationControllerCondition? = status.conditions.first
        #expect(condition?.type == "ReplicaFailure" && condition?.status == "True")
        #expect(condition?.reason == "FailedCreate" && condition?.message.contains("no more room") == true)
        #expect(cluster.eventTexts.contains { $0.hasPrefix("FailedCreate: Error creating: ") })
        cluster.refuse(nil)
        await look()
        await look()
        #expect(pods.count == 1 && status.conditions.isEmpty)
    }

    @Test func `without a selector it selects nothing, rather than everything`() async {
        put(1, selector: [:])
        let result: Reconciliation = await cluster.run(reconciler, key)
        #expect(result.failure == "invalid selector of replication controller shop/web")
        #expect(pods.isEmpty)
    }
}
