import API
import APICore
import APIMachinery
import Client
import Controllers
import Testing

@Suite struct LoadBalancerTests {
    private let cluster = SimulatedCluster()
    private let balancer: LoadBalancerReconciler
    private let key = ObjectKey("shop", "web")

    init() {
        balancer = LoadBalancerReconciler(
            services: cluster.cache(Service.self), nodes: cluster.cache(Node.self), ownPorts: [OwnPort("TCP", 6443)])
        node("a", ["192.0.2.1", "2001:db8::1"])
    }

    private func node(
        _ name: String, _ addresses: [String], ready: String = "True", _ fill: (inout Node) -> Void = { _ in }
    ) {
        cluster.put(
            Node.with { node in
                node.metadata.name = name
                node.status.addresses = addresses.map { address in
                    NodeAddress.with {
                        $0.type = "InternalIP"
                        $0.address = address
                    }
                }
                node.status.conditions = [
                    NodeCondition.with {
                        $0.type = "Ready"
                        $0.status = ready
                    }
                ]
                fill(&node)
            })
    }

    private func service(_ name: String = "web", _ fill: (inout Service) -> Void = { _ in }) {
        cluster.put(
            Service.with { service in
                service.metadata.name = name
                service.metadata.namespace = "shop"
                service.metadata.creationTimestamp = Time(seconds: 100)
                service.spec.type = "LoadBalancer"
                service.spec.ipFamilies = ["IPv4"]
                service.spec.ports = [
                    ServicePort.with {
                        $0.port = 80
                        $0.protocol = "TCP"
                    }
                ]
                fill(&service)
            })
    }

    private func addresses(_ key: ObjectKey) -> [String]? {
        cluster.sync()
        for write in balancer.reconcile(key, now: Time(seconds: 0)).writes {
            if case .update(let object, _) = write.action, let service = object as? Service {
                return service.status.loadBalancer.ingress.map(\.ip)
            }
        }
        return nil
    }

    @Test func `a load balancer has the addresses of nodes that are ready, in the service's families`() {
        node("b", ["192.0.2.2"], ready: "False")
        node("c", ["192.0.2.3"]) { $0.metadata.labels["node.kubernetes.io/exclude-from-external-load-balancers"] = "" }
        node("d", ["192.0.2.4"])
        service()
        #expect(addresses(key) == ["192.0.2.1", "192.0.2.4"])
        service { $0.spec.ipFamilies = ["IPv6", "IPv4"] }
        #expect(addresses(key) == ["2001:db8::1", "192.0.2.1", "192.0.2.4"])
    }

    @Test func `what has its addresses already is left alone`() {
        service {
            $0.status.loadBalancer.ingress = [
                LoadBalancerIngress.with {
                    $0.ip = "192.0.2.1"
                    $0.ipMode = "VIP"
                }
            ]
        }
        #expect(addresses(key) == nil)
    }

    @Test func `services of a class, of other types and on their way out are not ours`() {
        service { $0.spec.loadBalancerClass = "example.com/other" }
        #expect(addresses(key) == nil)
        service { $0.spec.type = "NodePort" }
        #expect(addresses(key) == nil)
        service { $0.metadata.deletionTimestamp = Time(seconds: 1) }
        #expect(addresses(key) == nil)
        #expect(addresses(ObjectKey("shop", "gone")) == nil)
    }

    @Test(arguments: [6443, 10250])
    func `the API server's and the kubelet's port are nobody's, and an event says so`(port: Int) async {
        node("a", ["192.0.2.1"]) { $0.status.daemonEndpoints.kubeletEndpoint.Port = 10250 }
        service { $0.spec.ports[0].port = port }
        #expect(addresses(key) == nil)
        await cluster.run(balancer, key)
        #expect(
            cluster.eventTexts == [
                "SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: servers of the "
                    + "cluster itself listen at port \(port)/TCP of the nodes"
            ])
        // Another protocol's port of the same number is free.
        service {
            $0.spec.ports[0].port = port
            $0.spec.ports[0].protocol = "UDP"
        }
        #expect(addresses(key) == ["192.0.2.1"])
    }

    @Test func `the older of two services has a port, and the other says why it waits`() {
        service()
        service("late") { $0.metadata.creationTimestamp = Time(seconds: 200) }
        #expect(addresses(key) == ["192.0.2.1"])
        let late = ObjectKey("shop", "late")
        #expect(addresses(late) == nil)
        service("late") {
            $0.metadata.creationTimestamp = Time(seconds: 200)
            $0.status.loadBalancer.ingress = [LoadBalancerIngress.with { $0.ip = "192.0.2.1" }]
        }
        #expect(addresses(late) == [])
        service("late") {
            $0.metadata.creationTimestamp = Time(seconds: 200)
            $0.spec.ports[0].protocol = "UDP"
        }
        #expect(addresses(late) == ["192.0.2.1"])
    }
}
