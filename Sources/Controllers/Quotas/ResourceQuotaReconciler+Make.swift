import API
import APIMachinery
import Client

extension ResourceQuotaReconciler {
    static func make(_ context: ControllerContext) -> ManagedController? {
        guard context.serves(ResourceQuota.resource) else { return nil }
        let name: String = "resourcequota-controller"
        let quotas: Informer<ResourceQuota> = context.informers.informer(ResourceQuota.self)
        let pods: Informer<Pod> = context.informers.informer(Pod.self)
        let services: Informer<Service> = context.informers.informer(Service.self)
        var claims: Informer<PersistentVolumeClaim>?
        if context.serves(PersistentVolumeClaim.resource) {
            claims = context.informers.informer(PersistentVolumeClaim.self)
        }
        var counted: [String: ObjectCache<ObjectMetadataView>] = [:]
        var views: [Informer<ObjectMetadataView>] = []
        for entry in context.persistent where entry.isNamespaced && entry.resource.resource != "events" {
            // The garbage collector's informers, shared.
            let informer = context.informers.informer(ObjectMetadataView.self, resource: entry.resource)
            counted[entry.resource.groupResource] = informer.cache
            views.append(informer)
        }
        let reconciler = ResourceQuotaReconciler(
            quotas: quotas.cache, pods: pods.cache, services: services.cache, claims: claims?.cache, counted: counted)
        let runner = ControllerRunner(
            name, of: "resourcequotas", reconciler, client: context.client(name),
            configuration: context.configuration(name))
        let cache: ObjectCache<ResourceQuota> = quotas.cache
        runner.watch(quotas) { event in
            let isSettled: Bool = event.kind == .updated && event.object.status.hard == event.object.spec.hard
            return isSettled || event.kind == .deleted ? [] : [event.key]
        }
        runner.watch(pods) { event in
            let isFreed: Bool =
                event.kind == .deleted || event.object.hasEnded && event.old?.hasEnded == false
            return isFreed ? cache.list(namespace: event.object.metadata.namespace).map(\.key) : []
        }
        runner.watch(services) { event in
            let isFreed: Bool =
                event.kind == .deleted || event.old.map { $0.spec.type != event.object.spec.type } ?? false
            return isFreed ? cache.list(namespace: event.object.metadata.namespace).map(\.key) : []
        }
        if let claims { runner.reads(claims) }
        for view in views {
            runner.watch(view) { event in
                event.kind == .deleted ? cache.list(namespace: event.object.metadata.namespace).map(\.key) : []
            }
        }
        return ManagedController(runner)
    }
}
