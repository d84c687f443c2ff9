import API
import Client

extension NodeLifecycleReconciler {
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = "node-controller"
        let nodes: Informer<Node> = context.informers.informer(Node.self)
        let leases: Informer<Lease> = context.informers.informer(
            Lease.self, selection: Selection(namespace: NodeLifecycleReconciler.leaseNamespace))
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        pods.addIndex(Pod.byNodeName)
        let reconciler = NodeLifecycleReconciler(nodes: nodes.cache, leases: leases.cache, pods: pods.cache)
        let configuration: ControllerConfiguration = context.configuration(name)
        let runner = ControllerRunner(
            name, of: "nodes", reconciler, client: context.client(name), configuration: configuration)
        runner.watch(nodes)
        runner.watch(leases) { event in event.kind == .deleted ? [] : [ObjectKey("", event.object.metadata.name)] }
        let cache: ObjectCache<Node> = nodes.cache
        // A pod that becomes ready, or comes, on a node whose kubelet is silent.
        runner.watch(pods) { event in
            guard event.kind != .deleted, !event.object.spec.nodeName.isEmpty, event.object.isReady,
                let node = cache.get("", event.object.spec.nodeName), node.condition("Ready")?.status == "Unknown"
            else { return [] }
            return [node.key]
        }
        return ManagedController(runner, events: configuration.events)
    }
}
