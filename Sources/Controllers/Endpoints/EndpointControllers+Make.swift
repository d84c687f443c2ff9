import API
import Client

extension EndpointSliceReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard context.serves(EndpointSlice.resource) else { return nil }
        let name: String = "endpointslice-controller"
        let services: Informer<Service> = context.informers.informer(Service.self)
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        let nodes: Informer<Node> = context.informers.informer(Node.self)
        let slices: Informer<EndpointSlice> = context.informers.informer(EndpointSlice.self)
        slices.addIndex(EndpointSliceReconciler.byService)
        let reconciler = EndpointSliceReconciler(
            services: services.cache, pods: pods.cache, nodes: nodes.cache, slices: slices.cache)
        let configuration: ControllerConfiguration = context.configuration(name)
        let runner = ControllerRunner(
            name, of: "services", reconciler, client: context.client(name), configuration: configuration)
        runner.watch(services) { event in event.kind == .deleted ? [] : [event.key] }
        let cache: ObjectCache<Service> = services.cache
        runner.watch(nodes) { event in
            let (old, new): (Node?, Node?) = (event.old, event.kind == .deleted ? nil : event.object)
            let before: Node? = event.kind == .deleted ? event.object : old
            guard ZoneShares.differ(before, new) else { return [] }
            return cache.list(where: { ZoneShares.areWanted($0) }).map(\.key)
        }
        runner.watch(pods, after: context.batching.slices) { event in ServiceBackends.services(event, cache) }
        // Ours, when somebody else changes or deletes them.
        runner.watch(slices) { event in
            guard event.kind != .added,
                let service = event.object.metadata.labels[EndpointSliceReconciler.serviceLabel],
                event.object.metadata.labels[EndpointSliceReconciler.managerLabel] == EndpointSliceReconciler.manager
            else { return [] }
            return [ObjectKey(event.object.metadata.namespace, service)]
        }
        return ManagedController(runner, events: configuration.events)
    }
}

extension EndpointsReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard context.serves(Endpoints.resource) else { return nil }
        let name: String = "endpoint-controller"
        let services: Informer<Service> = context.informers.informer(Service.self)
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        let endpoints: Informer<Endpoints> = context.informers.informer(Endpoints.self)
        let configuration: ControllerConfiguration = context.configuration(name)
        let runner = ControllerRunner(
            name, of: "endpoints",
            EndpointsReconciler(services: services.cache, pods: pods.cache, endpoints: endpoints.cache),
            client: context.client(name), configuration: configuration)
        runner.watch(services)
        let cache: ObjectCache<Service> = services.cache
        runner.watch(pods, after: context.batching.endpoints) { event in ServiceBackends.services(event, cache) }
        runner.watch(endpoints) { event in
            // Without a service they are somebody's own, and left alone.
            event.kind == .deleted && cache.snapshot(event.key) != nil ? [event.key] : []
        }
        return ManagedController(runner, events: configuration.events)
    }
}

extension SliceMirroringReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard context.serves(EndpointSlice.resource), context.serves(Endpoints.resource) else { return nil }
        let name: String = "endpointslicemirroring-controller"
        let services: Informer<Service> = context.informers.informer(Service.self)
        let endpoints: Informer<Endpoints> = context.informers.informer(Endpoints.self)
        let slices: Informer<EndpointSlice> = context.informers.informer(EndpointSlice.self)
        slices.addIndex(EndpointSliceReconciler.byService)
        let reconciler = SliceMirroringReconciler(
            endpoints: endpoints.cache, services: services.cache, slices: slices.cache)
        let configuration: ControllerConfiguration = context.configuration(name)
        let runner = ControllerRunner(
            name, of: "endpoints", reconciler, client: context.client(name), configuration: configuration)
        runner.watch(endpoints, after: context.batching.mirrored) { event in [event.key] }
        runner.watch(services)
        runner.watch(slices) { event in
            guard event.kind != .added,
                let service = event.object.metadata.labels[EndpointSliceReconciler.serviceLabel],
                event.object.metadata.labels[EndpointSliceReconciler.managerLabel] == SliceMirroringReconciler.manager
            else { return [] }
            return [ObjectKey(event.object.metadata.namespace, service)]
        }
        return ManagedController(runner, events: configuration.events)
    }
}
