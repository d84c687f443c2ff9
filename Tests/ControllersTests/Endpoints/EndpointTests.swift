import API
import APICore
import APIDiscovery
import APIMachinery
import Client
import Controllers
import Testing

@Suite struct EndpointTests {
    private let cluster = SimulatedCluster()
    private let slices: EndpointSliceReconciler
    private let endpoints: EndpointsReconciler
    private let mirror: SliceMirroringReconciler
    private let key = ObjectKey("shop", "web")

    init() {
        let services = cluster.cache(Service.self)
        let pods = cluster.cache(Pod.self)
        let sliceCache = cluster.cache(EndpointSlice.self, indices: [EndpointSliceReconciler.byService])
        let endpointCache = cluster.cache(Endpoints.self)
        slices = EndpointSliceReconciler(
            services: services, pods: pods, nodes: cluster.cache(Node.self), slices: sliceCache)
        endpoints = EndpointsReconciler(services: services, pods: pods, endpoints: endpointCache)
        mirror = SliceMirroringReconciler(endpoints: endpointCache, services: services, slices: sliceCache)
        cluster.put(
            Node.with {
                $0.metadata.name = "a"
                $0.metadata.labels["topology.kubernetes.io/zone"] = "east"
            })
    }

    private func service(_ fill: (inout Service) -> Void = { _ in }) {
        cluster.put(
            Service.with { service in
                service.metadata.name = "web"
                service.metadata.namespace = "shop"
                service.spec.selector = ["app": "web"]
                service.spec.clusterIP = "10.0.0.1"
                service.spec.ipFamilies = ["IPv4"]
                service.spec.ports = [
                    ServicePort.with {
                        $0.name = "http"
                        $0.port = 80
                        $0.targetPort = .string("web")
                        $0.protocol = "TCP"
                    }
                ]
                fill(&service)
            })
    }

    private func pod(
        _ name: String, ip: String, ready: Bool = true, port: Int = 8080, _ fill: (inout Pod) -> Void = { _ in }
    ) {
        cluster.put(
            Pod.with { pod in
                pod.metadata.name = name
                pod.metadata.namespace = "shop"
                pod.metadata.labels = ["app": "web"]
                pod.spec.nodeName = "a"
                pod.spec.containers = [
                    Container.with {
                        $0.ports = [
                            ContainerPort.with {
                                $0.name = "web"
                                $0.containerPort = port
                                $0.protocol = "TCP"
                            }
                        ]
                    }
                ]
                pod.status.phase = "Running"
                pod.status.podIP = ip
                pod.status.podIPs = [PodIP.with { $0.ip = ip }]
                pod.status.conditions = [
                    PodCondition.with {
                        $0.type = "Ready"
                        $0.status = ready ? "True" : "False"
                    }
                ]
                fill(&pod)
            })
    }

    private func look() async {
        cluster.sync()
        await cluster.run(slices, key)
        await cluster.run(endpoints, key)
        cluster.sync()
    }

    /// Address, ready, serving, terminating, port.
    private func shown() -> [String] {
        cluster.all(EndpointSlice.self).flatMap { slice in
            slice.endpoints.map { endpoint in
                let flags: [Bool?] = [
                    endpoint.conditions.ready, endpoint.conditions.serving, endpoint.conditions.terminating,
                ]
                let text: String = flags.map { $0 == true ? "1" : "0" }.joined()
                return "\(endpoint.addresses[0]) \(text) \(slice.ports.first?.port ?? 0)"
            }
        }.sorted()
    }

    @Test func `each pod is shown in its state, by both interfaces`() async {
        service()
        pod("ready", ip: "10.1.0.1")
        pod("starting", ip: "10.1.0.2", ready: false)
        pod("ending", ip: "10.1.0.3") { $0.metadata.deletionTimestamp = Time(seconds: 1) }
        pod("ended", ip: "10.1.0.4") { $0.status.phase = "Succeeded" }
        pod("bare", ip: "") { $0.status.podIPs = [] }
        pod("other", ip: "10.1.0.5") { $0.metadata.labels = ["app": "db"] }
        await look()
        #expect(shown() == ["10.1.0.1 110 8080", "10.1.0.2 000 8080", "10.1.0.3 011 8080"])
        let slice: EndpointSlice? = cluster.all(EndpointSlice.self).first
        #expect(slice?.endpoints.first?.zone == "east" && slice?.endpoints.first?.nodeName == "a")
        #expect(slice?.metadata.labels["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io")
        #expect(slice?.metadata.labels["kubernetes.io/service-name"] == "web")
        #expect(slice?.metadata.controllerOwner?.kind == "Service")
        let subset = cluster.get(Endpoints.self, "shop", "web")?.subsets.first
        #expect(subset?.addresses.map(\.ip) == ["10.1.0.1"])
        #expect(subset?.notReadyAddresses.map(\.ip) == ["10.1.0.2"])
        #expect(subset?.ports.map(\.port) == [8080])
        _ = cluster.takeRequests()
        await look()
        #expect(cluster.takeRequests().isEmpty)
    }

    @Test(arguments: [
        ("PreferClose", ["east"], []), ("PreferSameZone", ["east"], []), ("PreferSameNode", ["east"], ["a"]),
    ])
    func `ready endpoints say for whom they are, as the service's traffic is to be spread`(
        distribution: String, zones: [String], nodes: [String]
    ) async {
        service { $0.spec.trafficDistribution = distribution }
        pod("ready", ip: "10.1.0.1")
        pod("starting", ip: "10.1.0.2", ready: false)
        await look()
        let endpoints: [Endpoint] = cluster.all(EndpointSlice.self).flatMap(\.endpoints)
        #expect(endpoints.map { $0.hints?.forZones.map(\.name) } == [zones, nil])
        #expect(endpoints.map { $0.hints?.forNodes.map(\.name) } == [nodes, nil])
        // Without the wish the hints go.
        service()
        await look()
        #expect(cluster.all(EndpointSlice.self).flatMap(\.endpoints).allSatisfy { $0.hints == nil })
    }

    private func node(_ name: String, zone: String?, processors: Int, ready: String = "True") {
        cluster.put(
            Node.with { node in
                node.metadata.name = name
                node.metadata.labels["topology.kubernetes.io/zone"] = zone
                node.status.allocatable["cpu"] = Quantity(processors)
                node.status.conditions = [
                    NodeCondition.with {
                        $0.type = "Ready"
                        $0.status = ready
                    }
                ]
            })
    }

    /// How many endpoints are for each zone.
    private func hints() -> [String: Int] {
        cluster.all(EndpointSlice.self).flatMap(\.endpoints).reduce(into: [:]) { counts, endpoint in
            for zone in endpoint.hints?.forZones ?? [] { counts[zone.name, default: 0] += 1 }
        }
    }

    @Test func `endpoints are shared out among zones by their processors, if the service says Auto`() async {
        node("a", zone: "east", processors: 4)
        node("b", zone: "west", processors: 2)
        service { $0.metadata.annotations["service.kubernetes.io/topology-mode"] = "Auto" }
        for number in 0..<6 { pod("p\(number)", ip: "10.1.0.\(number)") { $0.spec.nodeName = number < 1 ? "b" : "a" } }
        await look()
        #expect(hints() == ["east": 4, "west": 2], "one of those in the east is for the west")
        #expect(cluster.eventTexts == ["TopologyAwareHintsEnabled: Topology Aware Hints has been enabled"])
        _ = cluster.takeRequests()
        await look()
        #expect(cluster.takeRequests().isEmpty)
        // A control plane's processors are not for endpoints, and a node that is not ready has none.
        node("b", zone: "west", processors: 2, ready: "False")
        await look()
        #expect(hints().isEmpty)
        #expect(cluster.eventTexts.last == "TopologyAwareHintsDisabled: Nodes only ready in one zone")
        node("b", zone: nil, processors: 2)
        pod("more", ip: "10.1.0.9")
        await look()
        #expect(cluster.eventTexts.last?.contains("allocatable CPU or zone not specified") == true)
        #expect(hints().isEmpty)
    }

    @Test func `too few endpoints for the zones have no hints`() async {
        node("a", zone: "east", processors: 4)
        node("b", zone: "west", processors: 4)
        node("c", zone: "north", processors: 4)
        service { $0.metadata.annotations["service.kubernetes.io/topology-mode"] = "Auto" }
        pod("one", ip: "10.1.0.1")
        pod("two", ip: "10.1.0.2")
        await look()
        #expect(hints().isEmpty)
        #expect(
            cluster.eventTexts == [
                "TopologyAwareHintsDisabled: Insufficient number of endpoints (2 endpoints, 3 zones)"
            ])
    }

    @Test func `more endpoints than Endpoints hold are left out, ready ones last, and it says so`() async {
        service()
        for number in 0..<1001 {
            pod("p\(number)", ip: "10.1.\(number / 250).\(number % 250)", ready: number != 0)
        }
        await look()
        let made = cluster.get(Endpoints.self, "shop", "web")
        #expect(made?.metadata.annotations["endpoints.kubernetes.io/over-capacity"] == "truncated")
        #expect(made?.subsets.first?.addresses.count == 1000)
        #expect(made?.subsets.first?.notReadyAddresses.isEmpty == true)
        #expect(
            cluster.all(EndpointSlice.self).map(\.endpoints.count).sorted() == [1] + Array(repeating: 100, count: 10))
        if let pod = cluster.get(Pod.self, "shop", "p0") { cluster.remove(pod) }
        await look()
        #expect(
            cluster.get(Endpoints.self, "shop", "web")?.metadata.annotations["endpoints.kubernetes.io/over-capacity"]
                == nil)
    }

    @Test func `named ports that differ between pods make several slices`() async {
        service()
        pod("old", ip: "10.1.0.1", port: 8080)
        pod("new", ip: "10.1.0.2", port: 9090)
        await look()
        #expect(shown() == ["10.1.0.1 110 8080", "10.1.0.2 110 9090"])
        #expect(cluster.all(EndpointSlice.self).count == 2)
        #expect(cluster.get(Endpoints.self, "shop", "web")?.subsets.map { $0.ports[0].port } == [8080, 9090])
    }

    @Test func `a headless service publishes names, and pods that are not ready if asked to`() async {
        service {
            $0.spec.clusterIP = "None"
            $0.spec.ports = []
            $0.spec.publishNotReadyAddresses = true
        }
        pod("db-0", ip: "10.1.0.1", ready: false) {
            $0.spec.hostname = "db-0"
            $0.spec.subdomain = "web"
        }
        await look()
        #expect(shown() == ["10.1.0.1 100 0"])
        let slice: EndpointSlice? = cluster.all(EndpointSlice.self).first
        #expect(slice?.endpoints.first?.hostname == "db-0")
        #expect(slice?.metadata.labels["service.kubernetes.io/headless"] == "")
        #expect(cluster.get(Endpoints.self, "shop", "web")?.subsets.first?.addresses.first?.hostname == "db-0")
    }

    @Test func `a slice holds at most 100 endpoints, and a change touches as few slices as it can`() async {
        service()
        for index in 0..<250 { pod("p\(index)", ip: "10.1.\(index / 100).\(index % 100)") }
        await look()
        #expect(cluster.all(EndpointSlice.self).map(\.endpoints.count).sorted() == [50, 100, 100])
        cluster.change(Pod.self, "shop", "p7") { $0.status.conditions[0].status = "False" }
        _ = cluster.takeRequests()
        await look()
        #expect(cluster.takeRequests().filter { $0.resource.resource == "endpointslices" }.map(\.verb) == [.update])
        pod("more", ip: "10.2.0.1")
        cluster.sync()
        _ = cluster.takeRequests()
        await cluster.run(slices, key)
        #expect(cluster.takeRequests().map(\.verb) == [.update])
        #expect(shown().count == 251)
    }

    @Test func `a service without pods has one empty slice, which real ones replace`() async {
        service()
        await look()
        await look()
        #expect(cluster.all(EndpointSlice.self).map(\.endpoints.count) == [0])
        pod("first", ip: "10.1.0.1")
        await look()
        #expect(cluster.all(EndpointSlice.self).map(\.endpoints.count) == [1])
        if let pod = cluster.get(Pod.self, "shop", "first") { cluster.remove(pod) }
        await look()
        #expect(cluster.all(EndpointSlice.self).map(\.endpoints.count) == [0])
        #expect(cluster.get(Endpoints.self, "shop", "web")?.subsets == [])
    }

    @Test func `pods of a node that is not known yet wait for it`() async {
        service()
        pod("far", ip: "10.1.0.1") { $0.spec.nodeName = "b" }
        cluster.sync()
        let result = await cluster.run(slices, key)
        #expect(result.failure == "skipping pods of service shop/web: node b not found")
        #expect(shown().isEmpty)
    }

    @Test func `a service that goes takes its endpoints along`() async {
        service()
        pod("a", ip: "10.1.0.1")
        await look()
        if let service = cluster.get(Service.self, "shop", "web") { cluster.remove(service) }
        await look()
        #expect(cluster.get(Endpoints.self, "shop", "web") == nil)
    }

    @Test func `what is written says since when it should have been`() async {
        let name: String = "endpoints.kubernetes.io/last-change-trigger-time"
        func told() -> [String?] {
            [
                cluster.all(EndpointSlice.self).first?.metadata.annotations[name],
                cluster.get(Endpoints.self, "shop", "web")?.metadata.annotations[name],
            ]
        }
        func since(_ seconds: Int64) -> (inout Pod) -> Void {
            { $0.status.conditions[0].lastTransitionTime = Time(seconds: seconds) }
        }
        service { $0.metadata.creationTimestamp = Time(seconds: 50) }
        pod("a", ip: "10.1.0.1", since(70))
        await look()
        #expect(told() == ["1970-01-01T00:00:50Z", "1970-01-01T00:00:50Z"])
        pod("b", ip: "10.1.0.2", since(90))
        pod("c", ip: "10.1.0.3", since(80))
        await look()
        #expect(told() == ["1970-01-01T00:01:20Z", "1970-01-01T00:01:20Z"])
        // Nothing has changed: nothing is written.
        _ = cluster.takeRequests()
        await look()
        #expect(cluster.takeRequests().isEmpty)
        cluster.change(Pod.self, "shop", "a") {
            $0.status.conditions[0].status = "False"
            $0.status.conditions[0].lastTransitionTime = Time(seconds: 100)
        }
        await look()
        #expect(told() == ["1970-01-01T00:01:40Z", "1970-01-01T00:01:40Z"])
        // Of a pod that is gone nobody knows since when.
        if let pod = cluster.get(Pod.self, "shop", "b") { cluster.remove(pod) }
        await look()
        #expect(told() == [nil, nil])
    }

    @Test func `each address family has slices of its own, also without endpoints`() async {
        service { $0.spec.ipFamilies = ["IPv4", "IPv6"] }
        await look()
        #expect(cluster.all(EndpointSlice.self).map(\.addressType).sorted() == ["IPv4", "IPv6"])
        pod("both", ip: "10.1.0.1") { $0.status.podIPs.append(PodIP.with { $0.ip = "fd00::1" }) }
        await look()
        #expect(shown() == ["10.1.0.1 110 8080", "fd00::1 110 8080"])
        cluster.change(Service.self, "shop", "web") { $0.spec.ipFamilies = ["IPv6"] }
        await look()
        #expect(shown() == ["fd00::1 110 8080"])
    }

    @Test func `endpoints kept by hand are mirrored, and unmirrored`() async {
        service { $0.spec.selector = [:] }
        cluster.put(
            Endpoints.with {
                $0.metadata.name = "web"
                $0.metadata.namespace = "shop"
                $0.subsets = [
                    EndpointSubset.with {
                        $0.addresses = ["192.0.2.1", "2001:db8::1"].map { ip in EndpointAddress.with { $0.ip = ip } }
                        $0.notReadyAddresses = [EndpointAddress.with { $0.ip = "192.0.2.2" }]
                        $0.ports = [APICore.EndpointPort.with { $0.port = 5432 }]
                    }
                ]
            })
        cluster.sync()
        await cluster.run(mirror, key)
        await cluster.run(slices, key)
        #expect(shown() == ["192.0.2.1 110 5432", "192.0.2.2 000 5432", "2001:db8::1 110 5432"])
        #expect(Set(cluster.all(EndpointSlice.self).map(\.addressType)) == ["IPv4", "IPv6"])
        cluster.sync()
        #expect(mirror.reconcile(key, now: cluster.now).writes.isEmpty)
        cluster.change(Service.self, "shop", "web") { $0.spec.selector = ["app": "web"] }
        cluster.sync()
        await cluster.run(mirror, key)
        #expect(shown().isEmpty)
    }
}
