import API
import Client

extension LoadBalancerReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        let name: String = "service-controller"
        let services: Informer<Service> = context.informers.informer(Service.self)
        let nodes: Informer<Node> = context.informers.informer(Node.self)
        let configuration: ControllerConfiguration = context.configuration(name)
        let runner = ControllerRunner(
            name, of: "services",
            LoadBalancerReconciler(services: services.cache, nodes: nodes.cache, ownPorts: context.ownPorts),
            client: context.client(name), configuration: configuration)
        let cache: ObjectCache<Service> = services.cache
        let all: @Sendable () -> [ObjectKey] = { cache.list(where: { isOurs($0) }).map(\.key) }
        runner.watch(services) { event in
            // A port that one gives up may be another's.
            isOurs(event.object) || event.old.map(isOurs) == true ? all() : []
        }
        runner.watch(nodes) { event in
            guard let old = event.old else { return all() }
            let isSame: Bool =
                old.status.addresses == event.object.status.addresses
                && old.metadata.labels == event.object.metadata.labels
                && old.isReady == event.object.isReady
            return isSame ? [] : all()
        }
        return ManagedController(runner, events: configuration.events)
    }
}

extension Node {
    fileprivate var isReady: Bool { status.conditions.contains { $0.type == "Ready" && $0.status == "True" } }
}
