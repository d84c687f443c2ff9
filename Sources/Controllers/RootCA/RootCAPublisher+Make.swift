import API
import Client

extension RootCAPublisher {
    /// Without a certificate in the context there is nothing to publish.
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard !context.rootCA.isEmpty else { return nil }
        let name: String = "root-ca-cert-publisher"
        let namespaces: Informer<Namespace> = context.informers.informer(Namespace.self)
        // One small ConfigMap of each namespace, not all of them.
        let maps: Informer<ConfigMap> = context.informers.informer(
            ConfigMap.self, selection: Selection(fieldSelector: "metadata.name=\(RootCAPublisher.configMapName)"))
        let publisher = RootCAPublisher(
            namespaces: namespaces.cache, maps: maps.cache, certificate: context.rootCA)
        let runner = ControllerRunner(
            name, of: "configmaps", publisher, client: context.client(name),
            configuration: context.configuration(name))
        runner.watch(namespaces) { event in event.kind == .deleted ? [] : [event.key] }
        runner.watch(maps) { event in [ObjectKey("", event.object.metadata.namespace)] }
        return ManagedController(runner)
    }
}
