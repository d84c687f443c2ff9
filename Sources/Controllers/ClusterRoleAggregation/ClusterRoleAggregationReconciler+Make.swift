import APIMachinery
import APIRBAC
import Client

extension ClusterRoleAggregationReconciler {
    static func make(_ context: ControllerContext) -> ManagedController {
        let name: String = "clusterrole-aggregation-controller"
        let roles: Informer<ClusterRole> = context.informers.informer(ClusterRole.self)
        let runner = ControllerRunner(
            name, of: "clusterroles", ClusterRoleAggregationReconciler(roles: roles.cache),
            client: context.client(name), configuration: context.configuration(name))
        // Any role may be selected by any other.
        runner.watch(roles) { _ in
            roles.cache.list { $0.aggregationRule != nil }.map { ObjectKey("", $0.metadata.name) }
        }
        return ManagedController(runner)
    }
}
