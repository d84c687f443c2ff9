import API
import APIMachinery
import Client

extension DeploymentReconciler {
    /// The controller as the manager runs it: it looks when a Deployment, one of its ReplicaSets, or one of its pods
    /// changes.
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = "deployment-controller"
        let deployments: Informer<Deployment> = context.informers.informer(Deployment.self)
        let sets: Informer<ReplicaSet> = context.informers.informer(ReplicaSet.self)
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        sets.addIndex(.claimable)
        pods.addIndex(.claimable)
        let reconciler = DeploymentReconciler(deployments: deployments.cache, sets: sets.cache, pods: pods.cache)
        let configuration: ControllerConfiguration = context.configuration(name)
        let runner = ControllerRunner(
            name, of: "deployments", reconciler, client: context.client(name), configuration: configuration)
        runner.watch(deployments)
        runner.watch(sets, ownedBy: Deployment.self)
        // Recreate waits for the last old pod to be gone.
        let setCache: ObjectCache<ReplicaSet> = sets.cache
        runner.watch(pods) { event in
            guard event.kind == .deleted, let owner = event.object.metadata.controllerOwner,
                owner.refers(to: ReplicaSet.self),
                let set = setCache.get(event.object.metadata.namespace, owner.name),
                let deployment = set.metadata.controllerOwner, deployment.refers(to: Deployment.self)
            else { return [] }
            return [ObjectKey(set.metadata.namespace, deployment.name)]
        }
        // A set without an owner may be one that a deployment wants.
        let cache: ObjectCache<Deployment> = deployments.cache
        runner.watch(sets) { event in
            guard event.kind != .deleted, event.object.metadata.controllerOwner == nil else { return [] }
            return cache.list(namespace: event.object.metadata.namespace) { deployment in
                guard let selector = deployment.spec.selector, let query = try? LabelQuery(selector) else {
                    return false
                }
                return query.matches(event.object.metadata.labels)
            }.map(\.key)
        }
        return ManagedController(runner, events: configuration.events)
    }
}
