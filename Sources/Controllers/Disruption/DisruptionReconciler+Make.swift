import API
import Client

extension DisruptionReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard context.serves(PodDisruptionBudget.resource) else { return nil }
        let name: String = "disruption-controller"
        let budgets: Informer<PodDisruptionBudget> = context.informers.informer(PodDisruptionBudget.self)
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        let sets: Informer<ReplicaSet> = context.informers.informer(ReplicaSet.self)
        let deployments: Informer<Deployment> = context.informers.informer(Deployment.self)
        let configuration: ControllerConfiguration = context.configuration(name)
        var owners = DisruptionOwners(sets: sets.cache, deployments: deployments.cache)
        var others: [any AnyInformer] = []
        if context.serves(StatefulSet.resource) {
            let informer: Informer<StatefulSet> = context.informers.informer(StatefulSet.self)
            owners.statefulSets = informer.cache
            others.append(informer)
        }
        if context.serves(ReplicationController.resource) {
            let informer: Informer<ReplicationController> = context.informers.informer(ReplicationController.self)
            owners.replicationControllers = informer.cache
            others.append(informer)
        }
        let runner = ControllerRunner(
            name, of: "poddisruptionbudgets",
            DisruptionReconciler(budgets: budgets.cache, pods: pods.cache, owners: owners),
            client: context.client(name), configuration: configuration)
        runner.watch(budgets) { event in event.kind == .deleted ? [] : [event.key] }
        runner.reads(sets)
        runner.reads(deployments)
        for case let informer as Informer<StatefulSet> in others { runner.reads(informer) }
        for case let informer as Informer<ReplicationController> in others { runner.reads(informer) }
        let cache: ObjectCache<PodDisruptionBudget> = budgets.cache
        runner.watch(pods) { event in
            let labels = [event.object.metadata.labels, event.old?.metadata.labels].compactMap { $0 }
            return cache.list(namespace: event.object.metadata.namespace) { budget in
                labels.contains { DisruptionReconciler.selects(budget, $0) }
            }.map(\.key)
        }
        return ManagedController(runner, events: configuration.events)
    }
}
