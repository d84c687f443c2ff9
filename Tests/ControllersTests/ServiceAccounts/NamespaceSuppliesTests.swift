import API
import APIMachinery
import Client
import Controllers
import Testing

@Suite struct NamespaceSuppliesTests {
    private let cluster = SimulatedCluster()

    private func namespace(_ name: String, phase: String = "Active") {
        cluster.put(
            Namespace.with {
                $0.metadata.name = name
                $0.status.phase = phase
            })
    }

    @Test func `every active namespace gets the default service account, once`() async {
        namespace("shop")
        namespace("old", phase: "Terminating")
        let reconciler = ServiceAccountReconciler(
            namespaces: cluster.cache(Namespace.self), accounts: cluster.cache(ServiceAccount.self))
        await cluster.run(reconciler, ObjectKey("", "shop"))
        // The cache is stale: it tries again, and nothing comes of it.
        await cluster.run(reconciler, ObjectKey("", "shop"))
        await cluster.run(reconciler, ObjectKey("", "old"))
        #expect(cluster.all(ServiceAccount.self).map(\.key) == [ObjectKey("shop", "default")])
        cluster.sync()
        #expect(reconciler.reconcile(ObjectKey("", "shop"), now: cluster.now).writes.isEmpty)
    }

    @Test func `the root certificate is published, and mended when somebody changes it`() async {
        namespace("shop")
        let publisher = RootCAPublisher(
            namespaces: cluster.cache(Namespace.self), maps: cluster.cache(ConfigMap.self), certificate: "PEM")
        await cluster.run(publisher, ObjectKey("", "shop"))
        cluster.sync()
        #expect(publisher.reconcile(ObjectKey("", "shop"), now: cluster.now).writes.isEmpty)
        cluster.change(ConfigMap.self, "shop", "kube-root-ca.crt") { $0.data = ["ca.crt": "forged", "more": "x"] }
        cluster.sync()
        await cluster.run(publisher, ObjectKey("", "shop"))
        let map: ConfigMap? = cluster.get(ConfigMap.self, "shop", "kube-root-ca.crt")
        #expect(map?.data == ["ca.crt": "PEM"])
        #expect(map?.metadata.annotations["kubernetes.io/description"]?.isEmpty == false)
    }
}
