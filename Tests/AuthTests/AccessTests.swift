import APIAuthentication
import APIAuthorization
import APICore
import APIMachinery
import APIRBAC
import APIServer
import Codec
import Testing

@Suite(.timeLimit(.minutes(5)))
struct AccessTests {
    private typealias User = APIServer.UserInfo

    /// Alice may read pods in `web`, and no more.
    private static func prepare(_ cluster: TestCluster) async throws {
        let reader = Role.with {
            $0.metadata.name = "reader"
            $0.metadata.namespace = "web"
            $0.rules = [rule("get list", "core", "pods")]
        }
        _ = try await cluster.create(reader, "roles")
        _ = try await cluster.create(
            binding("web", "alice", reference("Role", "reader"), [subject("User", "alice")]), "rolebindings")
        try await cluster.settle()
    }

    private static func allow(_ cluster: TestCluster, _ user: String, _ rules: [PolicyRule]) async throws {
        _ = try await cluster.create(clusterRole("of-" + user, rules), "clusterroles")
        _ = try await cluster.create(
            clusterBinding("of-" + user, reference("ClusterRole", "of-" + user), [subject("User", user)]),
            "clusterrolebindings")
        try await cluster.settle()
    }

    @Test func `rights count from the moment that they are written`() async throws {
        try await withCluster { cluster in
            let pods = GroupVersionResource(Pod.gvk, "pods")
            let alice: InProcessTransport = cluster.transport(User(name: "alice"))
            let refused: StatusError? = await failure {
                _ = try await alice.perform(APIRequest(.list, pods, namespace: "web"))
            }
            #expect(refused?.code == 403)
            #expect(
                refused?.message
                    == #"pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "web""#
            )
            try await Self.prepare(cluster)
            _ = try await alice.perform(APIRequest(.list, pods, namespace: "web"))
            let elsewhere: StatusError? = await failure {
                _ = try await alice.perform(APIRequest(.list, pods, namespace: "other"))
            }
            #expect(elsewhere?.code == 403)
            try await cluster.delete(Role.self, "roles", "web", "reader")
            try await cluster.settle()
            let again: StatusError? = await failure {
                _ = try await alice.perform(APIRequest(.list, pods, namespace: "web"))
            }
            #expect(
                again?.message.hasSuffix(
                    #"in the namespace "web": RBAC: role.rbac.authorization.k8s.io "reader" not found"#) == true)
        }
    }

    // MARK: - Escalation

    // tidy:allow length: one table of questions and answers.
    @Test func `nobody gives what he has not`() async throws {
        try await withCluster { cluster in
            try await Self.allow(
                cluster, "alice",
                [
                    rule("*", "rbac.authorization.k8s.io", "roles rolebindings clusterroles"),
                    rule("get list", "core", "pods"),
                ])
            let alice: InProcessTransport = cluster.transport(User(name: "alice"))
            func role(_ name: String, _ rules: [PolicyRule]) -> Role {
                Role.with {
                    $0.metadata.name = name
                    $0.metadata.namespace = "web"
                    $0.rules = rules
                }
            }
            // The star holds `escalate` and `bind`, too: take them away.
            let held: [PolicyRule] = [
                rule("create update get", "rbac.authorization.k8s.io", "roles rolebindings clusterroles"),
                rule("get list", "core", "pods"),
            ]
            _ = try await cluster.admin.perform(
                APIRequest(
                    .update, GroupVersionResource(ClusterRole.gvk, "clusterroles"), name: "of-alice",
                    body: clusterRole("of-alice", held).jsonBytes))
            try await cluster.settle()
            _ = try await cluster.create(role("fine", [rule("get", "core", "pods")]), "roles", as: alice)
            let denied: StatusError? = await failure {
                _ = try await cluster.create(
                    role("more", [rule("get delete", "core", "pods secrets")]), "roles", as: alice)
            }
            #expect(denied?.code == 403)
            #expect(
                denied?.message == """
                    roles.rbac.authorization.k8s.io "more" is forbidden: user "alice" (groups=["system:authenticated"]) is \
                    attempting to grant RBAC permissions not currently held:
                    {APIGroups:[""], Resources:["pods"], Verbs:["delete"]}
                    {APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}
                    """)
            let aggregate = ClusterRole.with {
                $0.metadata.name = "sum"
                $0.aggregationRule = AggregationRule.with { $0.clusterRoleSelectors = [LabelSelector()] }
            }
            let gathered: StatusError? = await failure {
                _ = try await cluster.create(aggregate, "clusterroles", as: alice)
            }
            #expect(
                gathered?.message
                    == #"clusterroles.rbac.authorization.k8s.io "sum" is forbidden: must have cluster-admin privileges to use the aggregationRule"#
            )
            // Bindings.
            _ = try await cluster.create(clusterRole("strong", [rule("*", "*", "*")]), "clusterroles")
            try await cluster.settle()
            func bind(_ role: RoleRef) async -> StatusError? {
                await failure {
                    _ = try await cluster.create(
                        binding("web", "b-\(role.name)", role, [subject("User", "alice")]), "rolebindings", as: alice)
                }
            }
            #expect(await bind(reference("Role", "fine")) == nil)
            #expect(await bind(reference("ClusterRole", "strong"))?.code == 403)
            let lost: StatusError? = await bind(reference("ClusterRole", "none"))
            #expect(lost?.message == #"clusterrole.rbac.authorization.k8s.io "none" not found"#)
            // With the verbs it goes.
            try await Self.allow(
                cluster, "bob",
                [
                    rule("create", "rbac.authorization.k8s.io", "roles rolebindings"),
                    rule("bind", "rbac.authorization.k8s.io", "clusterroles", names: "strong"),
                    rule("escalate", "rbac.authorization.k8s.io", "roles"),
                ])
            let bob: InProcessTransport = cluster.transport(User(name: "bob"))
            _ = try await cluster.create(role("bobs", [rule("*", "*", "*")]), "roles", as: bob)
            _ = try await cluster.create(
                binding("web", "bobs", reference("ClusterRole", "strong"), [subject("User", "x")]), "rolebindings",
                as: bob)
        }
    }

    // MARK: - Reviews

    @Test func `access reviews answer as a request would`() async throws {
        try await withCluster { cluster in
            try await Self.prepare(cluster)
            func ask(_ user: String, _ verb: String, _ namespace: String) async throws -> SubjectAccessReviewStatus {
                let review = SubjectAccessReview.with { review in
                    review.spec.user = user
                    review.spec.resourceAttributes = ResourceAttributes.with {
                        $0.verb = verb
                        $0.resource = "pods"
                        $0.namespace = namespace
                    }
                }
                return try await cluster.ask(review, "subjectaccessreviews").status
            }
            let yes: SubjectAccessReviewStatus = try await ask("alice", "get", "web")
            #expect(yes.allowed && !yes.denied)
            #expect(yes.reason == #"RBAC: allowed by RoleBinding "alice/web" of Role "reader" to User "alice""#)
            #expect(try await !ask("alice", "delete", "web").allowed)
            #expect(try await !ask("alice", "get", "").allowed)
            let path = SubjectAccessReview.with { review in
                review.spec.groups = ["system:masters"]
                review.spec.nonResourceAttributes = NonResourceAttributes.with {
                    $0.verb = "get"
                    $0.path = "/metrics"
                }
            }
            #expect(try await cluster.ask(path, "subjectaccessreviews").status.allowed)

            let local = LocalSubjectAccessReview.with { review in
                review.spec.user = "alice"
                review.spec.resourceAttributes = ResourceAttributes.with {
                    $0.verb = "list"
                    $0.resource = "pods"
                    $0.namespace = "web"
                }
            }
            #expect(try await cluster.ask(local, "localsubjectaccessreviews", namespace: "web").status.allowed)
        }
    }

    @Test func `wrong reviews are refused in upstream's words`() async throws {
        try await withCluster { cluster in
            let group: String = "authorization.k8s.io"
            let resource = ResourceAttributes.with {
                $0.verb = "get"
                $0.resource = "pods"
            }
            let nothing: StatusError? = await failure {
                _ = try await cluster.ask(SubjectAccessReview(), "subjectaccessreviews")
            }
            #expect(
                nothing?.message
                    == #"SubjectAccessReview.\#(group) "" is invalid: [spec.resourceAttributes: Invalid value: null: "#
                    + "exactly one of nonResourceAttributes or resourceAttributes must be specified, spec.user: "
                    + #"Invalid value: "": at least one of user or group must be specified]"#)
            let both = SelfSubjectAccessReview.with {
                $0.spec.resourceAttributes = resource
                $0.spec.nonResourceAttributes = NonResourceAttributes.with { $0.path = "/x" }
            }
            let twice: StatusError? = await failure {
                _ = try await cluster.ask(both, "selfsubjectaccessreviews")
            }
            #expect(twice?.code == 422)
            #expect(twice?.causes.map { $0.field } == ["spec.nonResourceAttributes"])
            let elsewhere = LocalSubjectAccessReview.with {
                $0.metadata.namespace = "web"
                $0.spec.user = "a"
                $0.spec.resourceAttributes = resource
            }
            let other: StatusError? = await failure {
                _ = try await cluster.ask(elsewhere, "localsubjectaccessreviews", namespace: "web")
            }
            #expect(other?.causes.map { $0.field } == ["spec.resourceAttributes.namespace"])
            var foreign: LocalSubjectAccessReview = elsewhere
            foreign.metadata.namespace = "other"
            let given: LocalSubjectAccessReview = foreign
            let mixed: StatusError? = await failure {
                _ = try await cluster.ask(given, "localsubjectaccessreviews", namespace: "web")
            }
            #expect(
                mixed?.message
                    == "the namespace of the provided object does not match the namespace sent on the request")
            let rules: StatusError? = await failure {
                _ = try await cluster.ask(SelfSubjectRulesReview(), "selfsubjectrulesreviews")
            }
            #expect(rules?.message == "no namespace on request")
            let token: StatusError? = await failure { _ = try await cluster.ask(TokenReview(), "tokenreviews") }
            #expect(token?.message == "token is required for TokenReview in authentication")
        }
    }

    @Test func `everybody can ask about himself`() async throws {
        try await withCluster { cluster in
            try await cluster.access.policy.ensure(over: cluster.admin)
            try await Self.prepare(cluster)
            let alice: InProcessTransport = cluster.transport(User(name: "alice", uid: "7", extra: ["k": ["v"]]))
            let me: SelfSubjectReview = try await cluster.ask(SelfSubjectReview(), "selfsubjectreviews", as: alice)
            #expect(me.status.userInfo.username == "alice" && me.status.userInfo.uid == "7")
            #expect(me.status.userInfo.groups == ["system:authenticated"])
            #expect(me.status.userInfo.extra == ["k": ["v"]])
            let asked = SelfSubjectRulesReview.with { $0.spec.namespace = "web" }
            let rules: SelfSubjectRulesReview = try await cluster.ask(asked, "selfsubjectrulesreviews", as: alice)
            #expect(rules.status.resourceRules.contains { $0.resources == ["pods"] && $0.verbs == ["get", "list"] })
            #expect(rules.status.nonResourceRules.contains { $0.nonResourceURLs.contains("/api/*") })
            #expect(!rules.status.incomplete && rules.status.evaluationError.isEmpty)
            let may = SelfSubjectAccessReview.with { review in
                review.spec.resourceAttributes = ResourceAttributes.with {
                    $0.verb = "delete"
                    $0.resource = "pods"
                    $0.namespace = "web"
                }
            }
            #expect(try await !cluster.ask(may, "selfsubjectaccessreviews", as: alice).status.allowed)
            // Others may not be asked about.
            let other: StatusError? = await failure {
                _ = try await cluster.ask(SubjectAccessReview(), "subjectaccessreviews", as: alice)
            }
            #expect(other?.code == 403)
        }
    }

    @Test func `a token review tells whose token it is`() async throws {
        try await withCluster { cluster in
            let account = ServiceAccount.with {
                $0.metadata.name = "robot"
                $0.metadata.namespace = "web"
            }
            _ = try await cluster.create(account, "serviceaccounts")
            let token: String = try await cluster.ask(
                TokenRequest(), GroupVersionResource(ServiceAccount.gvk, "serviceaccounts"), namespace: "web",
                name: "robot", subresource: "token"
            ).status.token
            func review(_ token: String, _ audiences: [String] = []) async throws -> TokenReviewStatus {
                let review = TokenReview.with {
                    $0.spec.token = token
                    $0.spec.audiences = audiences
                }
                return try await cluster.ask(review, "tokenreviews").status
            }
            let good: TokenReviewStatus = try await review(token)
            #expect(good.authenticated && good.error.isEmpty)
            #expect(good.user.username == "system:serviceaccount:web:robot")
            #expect(good.user.groups.last == "system:authenticated")
            #expect(good.audiences == ["https://kubernetes.default.svc"])
            let bad: TokenReviewStatus = try await review("nonsense")
            #expect(!bad.authenticated && bad.error == "invalid bearer token" && bad.user.username.isEmpty)
            let other: TokenReviewStatus = try await review(token, ["vault"])
            #expect(!other.authenticated && other.error.hasPrefix("[invalid bearer token, token audiences"))
        }
    }

    // MARK: - Impersonation

    private static func impersonate(_ headers: [(name: String, value: String)], _ rules: [PolicyRule])
        throws(StatusError) -> User?
    {
        var index = RBACIndex()
        index.setRole(namespace: "", name: "r", rules: rules)
        index.set(clusterBinding("b", reference("ClusterRole", "r"), [subject("User", "boss")]))
        struct Fixed: Authorizer {
            let index: RBACIndex
            func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision { index.decide(attributes) }
        }
        return try Impersonation(headers: headers)?.resolve(
            requester: User(name: "boss"), authorizer: Fixed(index: index))
    }

    @Test func `who may, acts as another`() throws {
        let all: [PolicyRule] = [rule("impersonate", "* core", "*")]
        #expect(try Self.impersonate([("Accept", "x")], all) == nil)
        #expect(
            try Self.impersonate([("Impersonate-User", "jane")], [rule("impersonate", "core", "users", names: "jane")])
                == User(name: "jane", groups: ["system:authenticated"]))
        #expect(
            try Self.impersonate([("impersonate-user", "system:anonymous")], all)
                == User(name: "system:anonymous", groups: ["system:unauthenticated"]))
        #expect(
            try Self.impersonate([("Impersonate-User", "system:serviceaccount:web:robot")], all)
                == User(
                    name: "system:serviceaccount:web:robot",
                    groups: ["system:serviceaccounts", "system:serviceaccounts:web", "system:authenticated"]))
        #expect(
            try Self.impersonate(
                [
                    ("Impersonate-User", "jane"), ("Impersonate-Group", "dev"), ("Impersonate-Group", "ops"),
                    ("Impersonate-Uid", "7"), ("Impersonate-Extra-Acme.com%2FScope", "a"),
                    ("Impersonate-Extra-Acme.com%2fscope", "b"),
                ], all)
                == User(
                    name: "jane", uid: "7", groups: ["dev", "ops", "system:authenticated"],
                    extra: ["acme.com/scope": ["a", "b"]]))
    }

    @Test func `who may not, does not`() {
        let onlyUsers: [PolicyRule] = [rule("impersonate", "core", "users")]
        let cases: [([(name: String, value: String)], [PolicyRule], Int, String)] = [
            (
                [("Impersonate-User", "jane")], [rule("impersonate", "core", "users", names: "joe")], 403,
                #"users "jane" is forbidden: User "boss" cannot impersonate resource "users" in API group "" at the cluster scope"#
            ),
            (
                [("Impersonate-User", "jane"), ("Impersonate-Group", "system:masters")], onlyUsers, 403,
                #"groups "system:masters" is forbidden: User "boss" cannot impersonate resource "groups" in API group "" at the cluster scope"#
            ),
            (
                [("Impersonate-User", "jane"), ("Impersonate-Uid", "1")], onlyUsers, 403,
                #"uids.authentication.k8s.io "1" is forbidden: User "boss" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope"#
            ),
            (
                [("Impersonate-User", "jane"), ("Impersonate-Extra-K", "v")], onlyUsers, 403,
                #"userextras.authentication.k8s.io "v" is forbidden: User "boss" cannot impersonate resource "userextras/k" in API group "authentication.k8s.io" at the cluster scope"#
            ),
            (
                [("Impersonate-User", "system:serviceaccount:web:robot")], onlyUsers, 403,
                #"serviceaccounts "robot" is forbidden: User "boss" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "web""#
            ),
            ([("Impersonate-Group", "dev")], [rule("*", "*", "*")], 500, ""),
        ]
        for (headers, rules, code, message) in cases {
            do throws(StatusError) {
                _ = try Self.impersonate(headers, rules)
                Issue.record("allowed: \(headers)")
            } catch {
                #expect(error.code == code)
                if !message.isEmpty { #expect(error.message == message) }
            }
        }
    }

    @Test func `anonymous requests are for health alone, if so configured`() {
        let health: AnonymousPolicy = .health
        for path in ["/healthz", "/livez", "/readyz", "/readyz/etcd"] { #expect(health.allows(path)) }
        for path in ["/", "/healthzz", "/api", "/version", ""] { #expect(!health.allows(path)) }
        #expect(AnonymousPolicy.everything.allows("/api") && !AnonymousPolicy.nothing.allows("/healthz"))
    }
}
