import API
import Client

extension TokenCleaner {
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = "token-cleaner"
        // A handful of secrets, not all of them.
        let secrets: Informer<Secret> = context.informers.informer(
            Secret.self,
            selection: Selection(namespace: TokenCleaner.namespace, fieldSelector: "type=\(TokenCleaner.secretType)"))
        let runner = ControllerRunner(
            name, of: "secrets", TokenCleaner(secrets: secrets.cache), client: context.client(name),
            configuration: context.configuration(name))
        runner.watch(secrets) { event in event.kind == .deleted ? [] : [event.key] }
        return ManagedController(runner)
    }
}
