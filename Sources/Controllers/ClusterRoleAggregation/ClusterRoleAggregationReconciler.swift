package import APIMachinery
package import APIRBAC
package import Client

/// Gathers the rules of cluster roles with an aggregation rule from the roles that it selects: `admin`, `edit`, `view`.
package struct ClusterRoleAggregationReconciler: Reconciler {
    private let roles: ObjectCache<ClusterRole>

    package init(roles: ObjectCache<ClusterRole>) {
        self.roles = roles
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let role = roles[key], let rule = role.aggregationRule else { return .done }
        let gathered: [PolicyRule] = Self.rules(of: rule, for: key.name, from: roles.list())
        guard gathered != role.rules else { return .done }
        var changed: ClusterRole = role
        changed.rules = gathered
        return Reconciliation([Write.update(changed)])
    }

    /// The rules of the selected roles, each once, in the order of the selectors and then of the names. A selector that
    /// is malformed selects nothing.
    static func rules(of rule: AggregationRule, for name: String, from roles: [ClusterRole]) -> [PolicyRule] {
        var gathered: [PolicyRule] = []
        let sorted: [ClusterRole] = roles.sorted { $0.metadata.name < $1.metadata.name }
        for selector in rule.clusterRoleSelectors {
            guard let query = try? LabelQuery(selector) else { continue }
            for role in sorted where role.metadata.name != name && query.matches(role.metadata.labels) {
                for rule in role.rules where !gathered.contains(rule) { gathered.append(rule) }
            }
        }
        return gathered
    }
}
