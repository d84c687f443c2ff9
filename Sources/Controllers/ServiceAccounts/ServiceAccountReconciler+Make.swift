import API
import Client

extension ServiceAccountReconciler {
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = "service-account-controller"
        let namespaces: Informer<Namespace> = context.informers.informer(Namespace.self)
        let accounts: Informer<ServiceAccount> = context.informers.informer(ServiceAccount.self)
        let configuration: ControllerConfiguration = context.configuration(name)
        let runner = ControllerRunner(
            name, of: "serviceaccounts",
            ServiceAccountReconciler(namespaces: namespaces.cache, accounts: accounts.cache),
            client: context.client(name), configuration: configuration)
        runner.watch(namespaces) { event in event.kind == .deleted ? [] : [event.key] }
        runner.watch(accounts) { event in
            event.kind == .deleted && ServiceAccountReconciler.wanted.contains(event.object.metadata.name)
                ? [ObjectKey("", event.object.metadata.namespace)] : []
        }
        return ManagedController(runner)
    }
}
