import APIMachinery
import APIRBAC
import APIServer
import Testing

/// Upstream's semantics, written down as simply as can be: everything is looked at each time.
private struct Model {
    var clusterRoles: [String: [PolicyRule]] = [:]
    var roles: [String: [PolicyRule]] = [:]
    var clusterBindings: [String: ClusterRoleBinding] = [:]
    var bindings: [String: RoleBinding] = [:]

    func allows(_ asked: AuthorizationAttributes) -> Bool {
        for binding in clusterBindings.values where applies(binding.subjects, asked.user, "") {
            if rules(binding.roleRef, "").contains(where: { allows($0, asked) }) { return true }
        }
        for binding in bindings.values
        where binding.metadata.namespace == asked.namespace && !asked.namespace.isEmpty
            && applies(binding.subjects, asked.user, asked.namespace)
        {
            if rules(binding.roleRef, asked.namespace).contains(where: { allows($0, asked) }) { return true }
        }
        return false
    }

    private func rules(_ role: RoleRef, _ namespace: String) -> [PolicyRule] {
        (role.kind == "ClusterRole" ? clusterRoles[role.name] : roles[namespace + "/" + role.name]) ?? []
    }

    private func applies(_ subjects: [Subject], _ user: UserInfo, _ namespace: String) -> Bool {
        subjects.contains { subject in
            switch subject.kind {
            case "User": return user.name == subject.name
            case "Group": return user.groups.contains(subject.name)
            default:
                let namespace: String = subject.namespace.isEmpty ? namespace : subject.namespace
                return !namespace.isEmpty && user.name == "system:serviceaccount:\(namespace):\(subject.name)"
            }
        }
    }

    private func allows(_ rule: PolicyRule, _ asked: AuthorizationAttributes) -> Bool {
        guard rule.verbs.contains("*") || rule.verbs.contains(asked.verb) else { return false }
        guard !asked.resource.isEmpty else {
            return rule.nonResourceURLs.contains {
                $0 == asked.path || ($0.hasSuffix("*") && asked.path.hasPrefix($0.dropLast()))
            }
        }
        let full: String = asked.subresource.isEmpty ? asked.resource : asked.resource + "/" + asked.subresource
        let isResource: Bool = rule.resources.contains {
            $0 == "*" || $0 == full || (!asked.subresource.isEmpty && $0 == "*/" + asked.subresource)
        }
        return isResource && (rule.apiGroups.contains("*") || rule.apiGroups.contains(asked.group))
            && (rule.resourceNames.isEmpty || rule.resourceNames.contains(asked.name))
    }
}

@Suite(.timeLimit(.minutes(5)))
struct RBACTests {
    private static let verbs: [String] = ["get", "list", "create", "deletecollection", "impersonate", "*"]
    private static let groups: [String] = ["", "apps", "*"]
    private static let resources: [String] = ["pods", "pods/log", "deployments", "deployments/scale", "*/scale", "*"]
    private static let names: [String] = ["a", "b"]
    private static let urls: [String] = ["/healthz", "/api/*", "/apis*", "*"]
    private static let subjects: [Subject] = [
        subject("User", "alice"), subject("User", "bob"), subject("Group", "dev"), subject("Group", "ops"),
        subject("ServiceAccount", "sa", namespace: "n1"), subject("ServiceAccount", "sa"),
    ]
    private static let users: [UserInfo] = [
        UserInfo(name: "alice"), UserInfo(name: "bob", groups: ["dev"]),
        UserInfo(name: "carol", groups: ["ops", "dev"]),
        UserInfo(name: "system:serviceaccount:n1:sa", groups: ["system:serviceaccounts"]),
        UserInfo(name: "system:serviceaccount:n2:sa"),
    ]

    private static func some<T>(_ list: [T], _ random: inout SeededGenerator) -> [T] {
        list.filter { _ in UInt64.random(in: 0..<3, using: &random) == 0 }
    }

    private static func rules(_ random: inout SeededGenerator) -> [PolicyRule] {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in
            PolicyRule.with {
                $0.verbs = some(verbs, &random)
                if Bool.random(using: &random) {
                    $0.nonResourceURLs = some(urls, &random)
                } else {
                    $0.apiGroups = some(groups, &random)
                    $0.resources = some(resources, &random)
                    $0.resourceNames = Bool.random(using: &random) ? [] : some(names, &random)
                }
            }
        }
    }

    private static func question(_ random: inout SeededGenerator) -> AuthorizationAttributes {
        let user: UserInfo = users[Int.random(in: 0..<users.count, using: &random)]
        let verb: String = verbs[Int.random(in: 0..<(verbs.count - 1), using: &random)]
        if UInt64.random(in: 0..<4, using: &random) == 0 {
            let path: String =
                ["/healthz", "/healthz/x", "/api", "/api/v1", "/apis", "/apis/x"].randomElement(
                    using: &random) ?? "/"
            return AuthorizationAttributes(user: user, verb: verb, path: path)
        }
        let full: String = resources[Int.random(in: 0..<4, using: &random)]
        let parts: [Substring] = full.split(separator: "/")
        return AuthorizationAttributes(
            user: user, verb: verb, group: groups[Int.random(in: 0..<2, using: &random)], resource: String(parts[0]),
            subresource: parts.count > 1 ? String(parts[1]) : "",
            namespace: ["", "n1", "n2"].randomElement(using: &random) ?? "",
            name: ["", "a", "c"].randomElement(using: &random) ?? "")
    }

    /// Changes both by one object.
    private static func change(_ model: inout Model, _ index: inout RBACIndex, _ random: inout SeededGenerator) {
        let name: String = "x\(Int.random(in: 0..<4, using: &random))"
        let namespace: String = Bool.random(using: &random) ? "n1" : "n2"
        let removes: Bool = UInt64.random(in: 0..<4, using: &random) == 0
        let kind: String = Bool.random(using: &random) ? "ClusterRole" : "Role"
        let role: RoleRef = reference(kind, "x\(Int.random(in: 0..<4, using: &random))")
        switch UInt64.random(in: 0..<4, using: &random) {
        case 0:
            model.clusterRoles[name] = removes ? nil : rules(&random)
            index.setRole(namespace: "", name: name, rules: model.clusterRoles[name])
        case 1:
            model.roles[namespace + "/" + name] = removes ? nil : rules(&random)
            index.setRole(namespace: namespace, name: name, rules: model.roles[namespace + "/" + name])
        case 2 where removes:
            model.clusterBindings[name] = nil
            index.removeBinding(namespace: "", name: name)
        case 2:
            let made: ClusterRoleBinding = clusterBinding(name, role, some(subjects, &random))
            model.clusterBindings[name] = made
            index.set(made)
        case _ where removes:
            model.bindings[namespace + "/" + name] = nil
            index.removeBinding(namespace: namespace, name: name)
        default:
            let made: RoleBinding = binding(namespace, name, role, some(subjects, &random))
            model.bindings[namespace + "/" + name] = made
            index.set(made)
        }
    }

    @Test(arguments: 1...8)
    func `the index decides as the simple model does`(seed: UInt64) {
        var random = SeededGenerator(seed)
        var model = Model()
        var index = RBACIndex()
        var allowed: Int = 0
        for _ in 0..<150 {
            Self.change(&model, &index, &random)
            for _ in 0..<20 {
                let asked: AuthorizationAttributes = Self.question(&random)
                let expected: Bool = model.allows(asked)
                #expect(index.decide(asked).isAllowed == expected, "seed \(seed): \(asked)")
                // What is listed for a user is what decides.
                let listed = CompiledRole(index.rules(for: asked.user, namespace: asked.namespace).rules)
                #expect(listed.allows(asked) == expected, "seed \(seed): \(asked)")
                allowed += expected ? 1 : 0
            }
        }
        #expect(allowed > 50)
    }

    @Test func `reasons are upstream's`() {
        var index = RBACIndex()
        index.setRole(namespace: "", name: "reader", rules: [rule("get", "core", "pods")])
        index.set(clusterBinding("all", reference("ClusterRole", "reader"), [subject("Group", "dev")]))
        index.set(clusterBinding("lost", reference("ClusterRole", "none"), [subject("User", "eve")]))
        index.set(
            binding(
                "web", "sa", reference("ClusterRole", "reader"),
                [subject("ServiceAccount", "robot", namespace: "ci"), subject("ServiceAccount", "local")]))
        index.set(binding("web", "lost", reference("Role", "none"), [subject("User", "eve")]))
        let cases: [(UserInfo, AuthorizationDecision)] = [
            (
                UserInfo(name: "a", groups: ["dev"]),
                .allow(reason: #"RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "reader" to Group "dev""#)
            ),
            (
                UserInfo(name: "system:serviceaccount:ci:robot"),
                .allow(
                    reason:
                        #"RBAC: allowed by RoleBinding "sa/web" of ClusterRole "reader" to ServiceAccount "robot/ci""#)
            ),
            (
                UserInfo(name: "system:serviceaccount:web:local"),
                .allow(
                    reason:
                        #"RBAC: allowed by RoleBinding "sa/web" of ClusterRole "reader" to ServiceAccount "local/web""#
                )
            ),
            (
                UserInfo(name: "eve"),
                .noOpinion(
                    reason: #"RBAC: [clusterrole.rbac.authorization.k8s.io "none" not found, "#
                        + #"role.rbac.authorization.k8s.io "none" not found]"#)
            ),
            (UserInfo(name: "nobody"), .noOpinion(reason: "")),
        ]
        for (user, expected) in cases {
            let asked = AuthorizationAttributes(user: user, verb: "get", resource: "pods", namespace: "web", name: "x")
            #expect(index.decide(asked) == expected)
        }
    }

    @Test func `what somebody holds covers what he gives, or is told what is missing`() {
        let cases: [(held: [PolicyRule], wanted: [PolicyRule], missing: [String])] = [
            ([rule("*", "*", "*")], [rule("get", "core", "pods"), rule("x", "y", "z/w", names: "n")], []),
            ([rule("*", "*", "*")], [urlRule("get", "/metrics")], [#"{NonResourceURLs:["/metrics"], Verbs:["get"]}"#]),
            ([urlRule("*", "/met*")], [urlRule("get", "/metrics")], []),
            ([rule("get", "core", "*/log")], [rule("get", "core", "pods/log")], []),
            (
                [rule("get", "core", "pods")], [rule("get list watch", "core", "pods")],
                [#"{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}"#]
            ),
            (
                [rule("get", "core", "secrets", names: "a")], [rule("get", "core", "secrets")],
                [#"{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}"#]
            ),
            ([rule("get", "core", "secrets", names: "a b")], [rule("get", "core", "secrets", names: "b")], []),
            (
                [rule("get", "core", "secrets", names: "a")], [rule("get", "core", "secrets", names: "b")],
                [#"{APIGroups:[""], Resources:["secrets"], ResourceNames:["b"], Verbs:["get"]}"#]
            ),
        ]
        for (held, wanted, expected) in cases {
            let missing: [PolicyRule] = RuleCover.missing(from: held, wanted: wanted)
            #expect(RuleCover.compacted(missing).map { RuleCover.text($0) } == expected)
        }
    }

    @Test func `a typical decision takes microseconds`() {
        var index = RBACIndex()
        let policy = BootstrapPolicy()
        for role in policy.clusterRoles { index.setRole(namespace: "", name: role.metadata.name, rules: role.rules) }
        for binding in policy.clusterRoleBindings { index.set(binding) }
        let asked = AuthorizationAttributes(
            user: UserInfo(name: "system:kube-scheduler", groups: ["system:authenticated"]), verb: "patch",
            resource: "pods", subresource: "status", namespace: "default", name: "web-0")
        let began: ContinuousClock.Instant = .now
        for _ in 0..<10_000 where !index.decide(asked).isAllowed { Issue.record("refused") }
        let each: Duration = began.duration(to: .now) / 10_000
        // Generous: this is a debug build on a busy machine.
        #expect(each < .microseconds(200))
    }
}
