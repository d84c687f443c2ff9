import API
import APIMachinery
import Client

extension NamespaceDeletion {
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = "namespace-controller"
        let namespaces: Informer<Namespace> = context.informers.informer(Namespace.self)
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        let resources: [GroupVersionResource] = context.persistent.filter(\.isNamespaced).map(\.resource)
        var configuration: ControllerConfiguration = context.configuration(name)
        configuration.workers = 8
        let runner = ControllerRunner(
            name, of: "namespaces", NamespaceDeletion(namespaces: namespaces.cache, resources: resources),
            client: context.client(name), configuration: configuration)
        runner.watch(namespaces) { event in
            event.kind != .deleted && event.object.metadata.deletionTimestamp != nil ? [event.key] : []
        }
        // The rest goes when the last pod has: no need to wait for the clock.
        let cache: ObjectCache<Namespace> = namespaces.cache
        let podCache: ObjectCache<Pod> = pods.cache
        runner.watch(pods) { event in
            let key = ObjectKey("", event.object.metadata.namespace)
            guard event.kind == .deleted, cache[key]?.metadata.deletionTimestamp != nil,
                podCache.list(namespace: key.name).isEmpty
            else { return [] }
            return [key]
        }
        return ManagedController(runner)
    }
}
