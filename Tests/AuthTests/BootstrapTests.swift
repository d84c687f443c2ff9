import APICore
import APIMachinery
import APIRBAC
import APIServer
import Codec
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(5)))
struct BootstrapTests {
    /// The policy as an index, with the aggregates filled in.
    private static func index() -> RBACIndex {
        let policy = BootstrapPolicy()
        var roles: [ClusterRole] = policy.clusterRoles
        for _ in 0..<3 {
            for (at, role) in roles.enumerated() {
                guard let rule = role.aggregationRule else { continue }
                roles[at].rules = ClusterRoleAggregationReconciler.rules(
                    of: rule, for: role.metadata.name, from: roles)
            }
        }
        var index = RBACIndex()
        for role in roles { index.setRole(namespace: "", name: role.metadata.name, rules: role.rules) }
        for role in policy.roles {
            index.setRole(namespace: role.metadata.namespace, name: role.metadata.name, rules: role.rules)
        }
        for binding in policy.clusterRoleBindings { index.set(binding) }
        for binding in policy.roleBindings { index.set(binding) }
        for name in ["admin", "edit", "view"] {
            index.set(binding("web", name, reference("ClusterRole", name), [subject("User", name)]))
        }
        return index
    }

    @Test func `the policy allows what upstream's allows`() {
        let index: RBACIndex = Self.index()
        let anonymous: UserInfo = .anonymous
        let user: UserInfo = UserInfo(name: "u").authenticated()
        func account(_ name: String) -> UserInfo { UserInfo(name: "system:serviceaccount:kube-system:" + name) }
        func may(
            _ user: UserInfo, _ verb: String, _ group: String, _ resource: String, _ namespace: String = "",
            name: String = "", subresource: String = ""
        ) -> Bool {
            index.decide(
                AuthorizationAttributes(
                    user: user, verb: verb, group: group, resource: resource, subresource: subresource,
                    namespace: namespace, name: name)
            ).isAllowed
        }
        func mayGet(_ user: UserInfo, _ path: String) -> Bool {
            index.decide(AuthorizationAttributes(user: user, verb: "get", path: path)).isAllowed
        }
        #expect(mayGet(anonymous, "/healthz") && mayGet(anonymous, "/version"))
        #expect(!mayGet(anonymous, "/api") && !mayGet(anonymous, "/metrics") && !mayGet(anonymous, "/healthz/etcd"))
        #expect(mayGet(user, "/api/v1") && mayGet(user, "/openapi/v3") && !mayGet(user, "/metrics"))
        #expect(mayGet(UserInfo(name: "p", groups: ["system:monitoring"]), "/metrics"))
        #expect(mayGet(UserInfo(name: "p", groups: ["system:serviceaccounts"]), "/openid/v1/jwks"))
        #expect(may(user, "create", "authorization.k8s.io", "selfsubjectaccessreviews"))
        #expect(!may(user, "list", "", "pods", "web"))
        #expect(may(UserInfo(name: "r", groups: ["system:masters"]), "x", "y", "z"))

        let admin = UserInfo(name: "admin")
        let edit = UserInfo(name: "edit")
        let view = UserInfo(name: "view")
        #expect(may(view, "list", "apps", "deployments", "web") && !may(view, "get", "", "secrets", "web"))
        #expect(!may(view, "create", "", "pods", "web") && !may(view, "list", "", "pods", "other"))
        #expect(may(edit, "create", "", "pods", "web", subresource: "exec") && may(edit, "get", "", "secrets", "web"))
        #expect(!may(edit, "create", "rbac.authorization.k8s.io", "roles", "web"))
        #expect(may(admin, "create", "rbac.authorization.k8s.io", "roles", "web"))
        #expect(may(admin, "list", "", "pods", "web") && !may(admin, "update", "", "resourcequotas", "web"))
        #expect(!may(admin, "escalate", "rbac.authorization.k8s.io", "roles", "web"))

        #expect(may(UserInfo(name: "system:kube-scheduler"), "create", "", "pods", "a", subresource: "binding"))
        #expect(!may(UserInfo(name: "system:kube-scheduler"), "create", "", "pods", "a"))
        #expect(may(UserInfo(name: "system:kube-controller-manager"), "list", "any.example", "things"))
        #expect(may(account("deployment-controller"), "create", "apps", "replicasets", "a"))
        #expect(!may(account("deployment-controller"), "create", "", "pods", "a"))
        #expect(may(account("horizontal-pod-autoscaler"), "update", "x.example", "w", "a", subresource: "scale"))
        #expect(
            may(account("clusterrole-aggregation-controller"), "escalate", "rbac.authorization.k8s.io", "clusterroles"))
        #expect(may(account("token-cleaner"), "delete", "", "secrets", "kube-system"))
        #expect(!may(account("token-cleaner"), "delete", "", "secrets", "default"))
        // No node has rights by the group alone; the node authorizer decides.
        #expect(!may(UserInfo(name: "system:node:a", groups: ["system:nodes"]), "get", "", "nodes", name: "a"))
    }

    @Test func `every binding has its role, and every object says that it is kept`() {
        let policy = BootstrapPolicy()
        let names: Set<String> = Set(policy.clusterRoles.map { $0.metadata.name })
        #expect(names.count == policy.clusterRoles.count)
        #expect(policy.clusterRoles.count == 68)
        #expect(policy.roles.count == 7 && policy.roleBindings.count == 7)
        for binding in policy.clusterRoleBindings { #expect(names.contains(binding.roleRef.name)) }
        let roles: Set<String> = Set(policy.roles.map { $0.metadata.namespace + "/" + $0.metadata.name })
        for binding in policy.roleBindings {
            #expect(roles.contains(binding.metadata.namespace + "/" + binding.roleRef.name))
        }
        for role in policy.clusterRoles {
            #expect(role.metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"] == "true")
            #expect(role.metadata.labels["kubernetes.io/bootstrapping"] == "rbac-defaults")
            #expect(!role.rules.isEmpty || role.aggregationRule != nil)
            for rule in role.rules { #expect(rule.verbs == rule.verbs.sorted() && !rule.verbs.isEmpty) }
        }
        let scheduler = policy.clusterRoles.first { $0.metadata.name == "system:kube-scheduler" }
        #expect(scheduler?.rules.first == rule("create patch update", "core events.k8s.io", "events"))
    }

    @Test func `a start writes what is missing, and nothing else`() async throws {
        try await withCluster { cluster in
            let policy: BootstrapPolicy = cluster.access.policy
            let all: Int =
                policy.clusterRoles.count + policy.clusterRoleBindings.count + policy.roles.count
                + policy.roleBindings.count + 2
            #expect(try await policy.ensure(over: cluster.admin) == all)
            #expect(try await policy.ensure(over: cluster.admin) == 0)

            let roles = GroupVersionResource(ClusterRole.gvk, "clusterroles")
            func change(_ name: String, _ body: (inout ClusterRole) -> Void) async throws {
                let got: APIResponse = try await cluster.admin.perform(APIRequest(.get, roles, name: name))
                guard case .object(let snapshot) = got.body else { return }
                var role: ClusterRole = try snapshot.decode(ClusterRole.self)
                body(&role)
                _ = try await cluster.admin.perform(APIRequest(.update, roles, name: name, body: role.jsonBytes))
            }
            let extra: PolicyRule = rule("get", "core", "nodes")
            try await change("system:kube-dns") { $0.rules = [extra] }
            try await change("system:heapster") {
                $0.rules = []
                $0.metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"] = "false"
            }
            try await change("view") { $0.rules = [extra] }
            try await cluster.delete(
                ClusterRoleBinding.self, "clusterrolebindings", "", "system:discovery")
            #expect(try await policy.ensure(over: cluster.admin) == 2)
            try await cluster.settle()
            let dns: ClusterRole? = cluster.core.services.caches.get(
                ClusterRole.self, namespace: "", name: "system:kube-dns")
            let kept: [PolicyRule] = dns?.rules ?? []
            #expect(kept.first == extra && kept.count > 1)
            let wanted: PolicyRule = rule("list watch", "core", "endpoints services")
            #expect(RuleCover.missing(from: kept, wanted: [wanted]).isEmpty)
            let heapster: ClusterRole? = cluster.core.services.caches.get(
                ClusterRole.self, namespace: "", name: "system:heapster")
            #expect(heapster?.rules.isEmpty == true)
        }
    }

    @Test func `the real kinds accept the policy, and keep it as it is`() async throws {
        try await withCluster(registry: ResourceRegistry(KindRegistrations.all())) { cluster in
            let policy: BootstrapPolicy = cluster.access.policy
            #expect(try await policy.ensure(over: cluster.admin) == 133)
            #expect(try await policy.ensure(over: cluster.admin) == 0)
            let user: InProcessTransport = cluster.transport(UserInfo(name: "u"))
            let pods = GroupVersionResource(Pod.gvk, "pods")
            let refused: StatusError? = await failure { _ = try await user.perform(APIRequest(.list, pods)) }
            #expect(refused?.code == 403)
            let scheduler: InProcessTransport = cluster.transport(UserInfo(name: "system:kube-scheduler"))
            _ = try await scheduler.perform(APIRequest(.list, pods))
        }
    }

    @Test func `a binding to another role is made anew`() async throws {
        try await withCluster { cluster in
            let wrong: ClusterRoleBinding = clusterBinding(
                "system:discovery", reference("ClusterRole", "view"), [subject("User", "kept")])
            _ = try await cluster.create(wrong, "clusterrolebindings")
            try await cluster.access.policy.ensure(over: cluster.admin)
            try await cluster.settle()
            let now: ClusterRoleBinding? = cluster.core.services.caches.get(
                ClusterRoleBinding.self, namespace: "", name: "system:discovery")
            #expect(now?.roleRef.name == "system:discovery")
            #expect(now?.subjects == [subject("User", "kept"), subject("Group", "system:authenticated")])
        }
    }

    @Test func `an aggregate gathers each rule once, and not its own`() {
        func labelled(_ name: String, _ label: String, _ rules: [PolicyRule]) -> ClusterRole {
            var role: ClusterRole = clusterRole(name, rules)
            role.metadata.labels = ["to": label]
            return role
        }
        let first: PolicyRule = rule("get", "core", "pods")
        let second: PolicyRule = rule("get", "core", "nodes")
        let roles: [ClusterRole] = [
            labelled("b", "x", [second, first]), labelled("a", "x", [first]),
            labelled("other", "y", [rule("*", "*", "*")]),
            labelled("self", "x", [rule("*", "*", "*")]),
        ]
        let aggregate = AggregationRule.with {
            $0.clusterRoleSelectors = [LabelSelector.with { $0.matchLabels = ["to": "x"] }]
        }
        #expect(ClusterRoleAggregationReconciler.rules(of: aggregate, for: "self", from: roles) == [first, second])
    }
}
