import API
import APIMachinery
import Client
import Codec
import Controllers
import Testing

@Suite struct ResourceQuotaTests {
    private let cluster = SimulatedCluster()
    private let reconciler: ResourceQuotaReconciler
    private let key = ObjectKey("shop", "quota")

    init() {
        reconciler = ResourceQuotaReconciler(
            quotas: cluster.cache(ResourceQuota.self), pods: cluster.cache(Pod.self),
            services: cluster.cache(Service.self), claims: cluster.cache(PersistentVolumeClaim.self),
            counted: ["configmaps": cluster.cache(ObjectMetadataView.self, of: ConfigMap.resource)])
    }

    private func quota(_ names: [String], scopes: [String] = []) throws {
        var hard: StringMap<Quantity> = [:]
        for name in names { hard[name] = try Quantity("100") }
        cluster.put(
            ResourceQuota.with {
                $0.metadata.name = "quota"
                $0.metadata.namespace = "shop"
                $0.spec.hard = hard
                $0.spec.scopes = scopes
            })
    }

    private func pod(_ name: String, cpu: String?, _ fill: (inout Pod) -> Void = { _ in }) throws {
        let amount: Quantity? = try cpu.map { text throws(Quantity.ParseError) in try Quantity(text) }
        cluster.put(
            Pod.with { pod in
                pod.metadata.name = name
                pod.metadata.namespace = "shop"
                pod.spec.containers = [Container.with { $0.resources.requests["cpu"] = amount }]
                fill(&pod)
            })
    }

    private func used() async -> [String: String] {
        cluster.sync()
        await cluster.run(reconciler, key)
        cluster.sync()
        let status = cluster.get(ResourceQuota.self, "shop", "quota")?.status ?? .init()
        #expect(status.hard == cluster.get(ResourceQuota.self, "shop", "quota")?.spec.hard)
        #expect(reconciler.reconcile(key, now: cluster.now).writes.isEmpty)
        return Dictionary(status.used.map { ($0.key, $0.value.description) }, uniquingKeysWith: { first, _ in first })
    }

    @Test func `pods that run are added up, those that ended only count as objects`() async throws {
        try quota(["pods", "requests.cpu", "count/pods", "limits.memory"])
        try pod("a", cpu: "500m")
        try pod("b", cpu: "250m") { pod in
            pod.spec.initContainers = [Container.with { $0.resources.requests["cpu"] = Quantity(2) }]
            pod.spec.overhead["cpu"] = Quantity(milli: 100)
        }
        try pod("c", cpu: "4") { $0.status.phase = "Succeeded" }
        #expect(await used() == ["pods": "2", "requests.cpu": "2600m", "count/pods": "3", "limits.memory": "0"])
    }

    @Test func `a scope counts only what lies in it`() async throws {
        try quota(["pods"], scopes: ["BestEffort"])
        try pod("a", cpu: "1")
        try pod("b", cpu: nil)
        #expect(await used() == ["pods": "1"])
        try quota(["pods"], scopes: ["Terminating"])
        #expect(await used() == ["pods": "0"])
    }

    @Test func `services, claims and other objects are counted by their names`() async throws {
        try quota([
            "services", "services.nodeports", "configmaps", "count/configmaps", "requests.storage",
            "fast.storageclass.storage.k8s.io/persistentvolumeclaims", "count/nothing.example.org",
        ])
        cluster.put(
            Service.with {
                $0.metadata.name = "web"
                $0.metadata.namespace = "shop"
                $0.spec.type = "NodePort"
                $0.spec.ports = [ServicePort(), ServicePort()]
            })
        for namespace in ["shop", "other"] {
            cluster.put(
                ConfigMap.with {
                    $0.metadata.name = "a"
                    $0.metadata.namespace = namespace
                })
        }
        let size: Quantity = try Quantity("10Gi")
        cluster.put(
            PersistentVolumeClaim.with {
                $0.metadata.name = "data"
                $0.metadata.namespace = "shop"
                $0.spec.storageClassName = "fast"
                $0.spec.resources.requests["storage"] = size
            })
        #expect(
            await used() == [
                "services": "1", "services.nodeports": "2", "configmaps": "1", "count/configmaps": "1",
                "requests.storage": "10Gi", "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
            ])
    }
}
