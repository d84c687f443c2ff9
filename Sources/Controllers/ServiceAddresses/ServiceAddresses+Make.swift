import API
import APINetworking
import Client

extension ServiceRangeReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard context.serves(ServiceCIDR.resource), context.serves(APINetworking.IPAddress.resource) else { return nil }
        let name: String = "service-cidrs-controller"
        let ranges: Informer<ServiceCIDR> = context.informers.informer(ServiceCIDR.self)
        let addresses: Informer<APINetworking.IPAddress> = context.informers.informer(APINetworking.IPAddress.self)
        let runner = ControllerRunner(
            name, of: "servicecidrs", ServiceRangeReconciler(ranges: ranges.cache, addresses: addresses.cache),
            client: context.client(name), configuration: context.configuration(name))
        let cache: ObjectCache<ServiceCIDR> = ranges.cache
        // Another range may free one that is going, and so may an address that goes.
        runner.watch(ranges) { event in
            [event.key] + cache.list { $0.metadata.deletionTimestamp != nil }.map(\.key)
        }
        runner.watch(addresses) { event in
            event.kind == .deleted ? cache.list { $0.metadata.deletionTimestamp != nil }.map(\.key) : []
        }
        return ManagedController(runner)
    }
}

extension AddressRecordReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard context.serves(APINetworking.IPAddress.resource) else { return nil }
        let name: String = "ip-address-controller"
        let services: Informer<Service> = context.informers.informer(Service.self)
        let addresses: Informer<APINetworking.IPAddress> = context.informers.informer(APINetworking.IPAddress.self)
        services.addIndex(AddressRecordReconciler.byAddress)
        let runner = ControllerRunner<String>(
            name, of: "ipaddresses", AddressRecordReconciler(services: services.cache, addresses: addresses.cache),
            client: context.client(name), configuration: context.configuration(name))
        runner.watch(services) { event in
            let now: [String] = AddressRecordReconciler.byAddress.values(event.object)
            let before: [String] = event.old.map { AddressRecordReconciler.byAddress.values($0) } ?? []
            return event.kind == .updated && now == before ? [] : Array(Set(now + before))
        }
        runner.watch(addresses) { event in [event.key.name] }
        return ManagedController(runner)
    }
}
