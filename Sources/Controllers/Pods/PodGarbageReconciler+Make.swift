import API
import Client

extension PodGarbageReconciler {
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = "pod-garbage-collector"
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        let nodes: Informer<Node> = context.informers.informer(Node.self)
        let runner = ControllerRunner<String>(
            name, of: "pods", PodGarbageReconciler(pods: pods.cache, nodes: nodes.cache),
            client: context.client(name), configuration: context.configuration(name))
        // The first node or pod starts it; then it looks by the clock.
        runner.watch(nodes) { event in event.kind == .updated ? [] : [PodGarbageReconciler.key] }
        runner.watch(pods) { event in
            let isLost: Bool = event.object.metadata.deletionTimestamp != nil && event.object.spec.nodeName.isEmpty
            return isLost && event.kind != .deleted ? [PodGarbageReconciler.key] : []
        }
        return ManagedController(runner)
    }
}
