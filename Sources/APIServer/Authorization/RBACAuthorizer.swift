import APIMachinery
package import APIRBAC
import Store
import Synchronization

/// Allows what roles and bindings allow. Its index follows the watch caches: each decision first takes in what has
/// changed since the last one, which is nearly always nothing.
package final class RBACAuthorizer: Authorizer, RuleResolver {
    private struct Cursors: Equatable {
        var roles: Revision?
        var clusterRoles: Revision?
        var bindings: Revision?
        var clusterBindings: Revision?
    }

    private struct State {
        var index = RBACIndex()
        var cursors = Cursors()
    }

    private let roles: ResourceCache?
    private let clusterRoles: ResourceCache?
    private let bindings: ResourceCache?
    private let clusterBindings: ResourceCache?
    /// Caches are locked within this lock.
    private let state = Mutex(State())

    /// Kinds that the registry does not serve have no objects.
    package init(registry: ResourceRegistry) {
        roles = registry.resource(kind: Role.gvk)?.cache
        clusterRoles = registry.resource(kind: ClusterRole.gvk)?.cache
        bindings = registry.resource(kind: RoleBinding.gvk)?.cache
        clusterBindings = registry.resource(kind: ClusterRoleBinding.gvk)?.cache
    }

    package func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        index.decide(attributes)
    }

    package func rules(for user: UserInfo, namespace: String) -> ResolvedRules {
        index.rules(for: user, namespace: namespace)
    }

    package func rules(of role: RoleRef, namespace: String) -> [PolicyRule]? {
        index.rules(of: role, namespace: namespace)
    }

    /// As of now.
    private var index: RBACIndex {
        let now = Cursors(
            roles: roles?.lastChange, clusterRoles: clusterRoles?.lastChange, bindings: bindings?.lastChange,
            clusterBindings: clusterBindings?.lastChange)
        return state.withLock { state in
            if state.cursors != now { update(&state) }
            return state.index
        }
    }

    private func update(_ state: inout State) {
        if let clusterRoles {
            let changes: ResourceCache.Changes = clusterRoles.changes(since: &state.cursors.clusterRoles)
            changes.apply(to: &state.index, as: ClusterRole.self) {
                $0.removeRoles(ofCluster: true)
            } set: {
                $0.setRole(namespace: "", name: $1.metadata.name, rules: $1.rules)
            } remove: {
                $0.setRole(namespace: "", name: $1.name, rules: nil)
            }
        }
        if let roles {
            let changes: ResourceCache.Changes = roles.changes(since: &state.cursors.roles)
            changes.apply(to: &state.index, as: Role.self) {
                $0.removeRoles(ofCluster: false)
            } set: {
                $0.setRole(namespace: $1.metadata.namespace, name: $1.metadata.name, rules: $1.rules)
            } remove: {
                $0.setRole(namespace: $1.namespace, name: $1.name, rules: nil)
            }
        }
        if let clusterBindings {
            let changes: ResourceCache.Changes = clusterBindings.changes(since: &state.cursors.clusterBindings)
            changes.apply(to: &state.index, as: ClusterRoleBinding.self) {
                $0.removeBindings(ofCluster: true)
            } set: {
                $0.set($1)
            } remove: {
                $0.removeBinding(namespace: "", name: $1.name)
            }
        }
        if let bindings {
            let changes: ResourceCache.Changes = bindings.changes(since: &state.cursors.bindings)
            changes.apply(to: &state.index, as: RoleBinding.self) {
                $0.removeBindings(ofCluster: false)
            } set: {
                $0.set($1)
            } remove: {
                $0.removeBinding(namespace: $1.namespace, name: $1.name)
            }
        }
    }
}
