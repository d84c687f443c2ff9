import API
import APIMachinery
import Client

extension GarbageCollector {
    /// The controller over the metadata of everything that can own or be owned.
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = "generic-garbage-collector"
        var informers: [Informer<ObjectMetadataView>] = []
        var caches: [GroupVersionResource: ObjectCache<ObjectMetadataView>] = [:]
        for entry in context.persistent where !isIgnored(entry) {
            let informer = context.informers.informer(ObjectMetadataView.self, resource: entry.resource)
            informer.addIndex(.ownerUID)
            informer.addIndex(OwnershipGraph.byUID)
            informers.append(informer)
            caches[entry.resource] = informer.cache
        }
        let graph = OwnershipGraph(caches)
        let collector = GarbageCollector(graph)
        var configuration: ControllerConfiguration = context.configuration(name)
        configuration.workers = 8
        let runner = ControllerRunner(
            name, of: "objects", collector, client: context.client(name), configuration: configuration)
        for informer in informers {
            let resource: GroupVersionResource = informer.resource
            runner.watch(informer) { event in
                if event.kind == .deleted { collector.noteDeletion(event.object.metadata.uid) }
                return graph.keys(event, of: resource)
            }
        }
        return ManagedController(runner, events: configuration.events)
    }

    /// Events are many, short-lived and never owned.
    private static func isIgnored(_ entry: ResourceTable.Entry) -> Bool { entry.resource.resource == "events" }
}
