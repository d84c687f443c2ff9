import API
import Client

extension TaintEvictionReconciler {
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = "taint-eviction-controller"
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        let nodes: Informer<Node> = context.informers.informer(Node.self)
        pods.addIndex(Pod.byNodeName)
        // Upstream's component has a name of its own, but acts as the node controller.
        let configuration: ControllerConfiguration = context.configuration(name, as: "node-controller")
        let runner = ControllerRunner(
            name, of: "pods", TaintEvictionReconciler(pods: pods.cache, nodes: nodes.cache),
            client: context.client("node-controller"), configuration: configuration)
        let podCache: ObjectCache<Pod> = pods.cache
        let nodeCache: ObjectCache<Node> = nodes.cache
        runner.watch(nodes) { event in
            let now: [Taint] = event.object.spec.taints.filter { $0.effect == "NoExecute" }
            let before: [Taint] = event.old?.spec.taints.filter { $0.effect == "NoExecute" } ?? []
            guard now != before || event.kind == .deleted else { return [] }
            return podCache.list(Pod.byNodeName, event.object.metadata.name).map(\.key)
        }
        runner.watch(pods) { event in
            let pod: Pod = event.object
            if event.kind == .deleted { return [pod.key] }
            let isNews: Bool =
                event.old?.spec.nodeName != pod.spec.nodeName || event.old?.spec.tolerations != pod.spec.tolerations
                || event.old?.metadata.deletionTimestamp != pod.metadata.deletionTimestamp
            guard isNews, !pod.spec.nodeName.isEmpty,
                nodeCache.get("", pod.spec.nodeName)?.spec.taints.contains(where: { $0.effect == "NoExecute" }) == true
            else { return [] }
            return [pod.key]
        }
        return ManagedController(runner, events: configuration.events)
    }
}
