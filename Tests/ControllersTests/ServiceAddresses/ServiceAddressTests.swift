import API
import APIMachinery
import APINetworking
import Client
import Controllers
import Testing

@Suite struct ServiceAddressTests {
    private let cluster = SimulatedCluster()
    private let records: AddressRecordReconciler
    private let ranges: ServiceRangeReconciler

    init() {
        let addresses = cluster.cache(APINetworking.IPAddress.self)
        records = AddressRecordReconciler(
            services: cluster.cache(Service.self, indices: [AddressRecordReconciler.byAddress]), addresses: addresses)
        ranges = ServiceRangeReconciler(ranges: cluster.cache(ServiceCIDR.self), addresses: addresses)
    }

    private func service(_ name: String, _ addresses: [String]) {
        cluster.put(
            Service.with {
                $0.metadata.name = name
                $0.metadata.namespace = "shop"
                $0.spec.clusterIPs = addresses
            })
    }

    private func record(_ address: String) async -> APINetworking.IPAddress? {
        for _ in 0..<2 {
            cluster.sync()
            await cluster.run(records, address)
        }
        cluster.sync()
        return cluster.get(APINetworking.IPAddress.self, "", address)
    }

    @Test func `each address of a service has an object that says whose it is`() async {
        service("web", ["10.96.0.7", "fd00::7"])
        service("headless", ["None"])
        let four: APINetworking.IPAddress? = await record("10.96.0.7")
        #expect(four?.metadata.labels["ipaddress.kubernetes.io/managed-by"] == "ipallocator.k8s.io")
        #expect(four?.metadata.labels["ipaddress.kubernetes.io/ip-family"] == "IPv4")
        #expect(four?.spec.parentRef?.resource == "services" && four?.spec.parentRef?.group == "")
        #expect(four?.spec.parentRef?.namespace == "shop" && four?.spec.parentRef?.name == "web")
        let six: APINetworking.IPAddress? = await record("fd00::7")
        #expect(six?.metadata.labels["ipaddress.kubernetes.io/ip-family"] == "IPv6")
        #expect(await record("None") == nil)
    }

    @Test func `objects follow their services, and others' stay`() async {
        service("web", ["10.96.0.7"])
        _ = await record("10.96.0.7")
        if let service = cluster.get(Service.self, "shop", "web") { cluster.remove(service) }
        service("other", ["10.96.0.7"])
        #expect(await record("10.96.0.7")?.spec.parentRef?.name == "other")
        if let service = cluster.get(Service.self, "shop", "other") { cluster.remove(service) }
        #expect(await record("10.96.0.7") == nil)
        cluster.put(APINetworking.IPAddress.with { $0.metadata.name = "192.0.2.1" })
        #expect(await record("192.0.2.1") != nil)
    }

    private func look() async -> ServiceCIDR? {
        for _ in 0..<3 {
            cluster.sync()
            await cluster.run(ranges, ObjectKey("", "extra"))
        }
        cluster.sync()
        return cluster.get(ServiceCIDR.self, "", "extra")
    }

    @Test func `a range is kept while its addresses are in use`() async {
        cluster.put(
            ServiceCIDR.with {
                $0.metadata.name = "extra"
                $0.spec.cidrs = ["10.97.0.0/24"]
            })
        let made: ServiceCIDR? = await look()
        #expect(made?.metadata.finalizers == ["networking.k8s.io/service-cidr-finalizer"])
        #expect(made?.status.conditions.map(\.status) == ["True"])
        #expect(made?.status.conditions.first?.message == "Kubernetes Service CIDR is ready")
        service("web", ["10.97.0.9"])
        _ = await record("10.97.0.9")
        cluster.change(ServiceCIDR.self, "", "extra") { $0.metadata.deletionTimestamp = Time(seconds: 5) }
        let going: ServiceCIDR? = await look()
        #expect(going?.metadata.finalizers.isEmpty == false)
        #expect(going?.status.conditions.map(\.reason) == ["Terminating"])
        // A range that has the address, too, lets it go.
        cluster.put(
            ServiceCIDR.with {
                $0.metadata.name = "wide"
                $0.metadata.uid = "wide"
                $0.spec.cidrs = ["10.97.0.0/16"]
            })
        #expect(await look()?.metadata.finalizers.isEmpty != false)
    }
}
