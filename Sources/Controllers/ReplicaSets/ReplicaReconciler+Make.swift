import API
import APIMachinery
import Client

extension ReplicaReconciler {
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = Owner.controllerName
        let sets: Informer<Owner> = context.informers.informer(Owner.self)
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        sets.addIndex(.claimable)
        pods.addIndex(.claimable)
        let reconciler = ReplicaReconciler(sets: sets.cache, pods: pods.cache)
        let configuration: ControllerConfiguration = context.configuration(name)
        let runner = ControllerRunner(
            name, of: Owner.resource.resource, reconciler, client: context.client(name), configuration: configuration)
        runner.watch(sets)
        runner.watch(pods, ownedBy: Owner.self)
        let setCache: ObjectCache<Owner> = sets.cache
        // A pod without an owner may be one that a set wants.
        runner.watch(pods) { event in
            guard event.kind != .deleted, event.object.metadata.controllerOwner == nil,
                !event.object.metadata.labels.isEmpty
            else { return [] }
            return setCache.list(namespace: event.object.metadata.namespace) { set in
                set.podSelector?.matches(event.object.metadata.labels) ?? false
            }.map(\.key)
        }
        return ManagedController(runner, events: configuration.events)
    }
}
