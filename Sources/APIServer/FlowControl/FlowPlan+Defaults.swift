extension FlowPlan {
    /// What every cluster has, in upstream's numbers.
    package static let standard = FlowPlan(
        schemas: mandatorySchemas + suggestedSchemas, levels: mandatoryLevels + suggestedLevels)

    static let mandatoryLevels: [Level] = [exempt, limited("catch-all", shares: 5, lends: 0)]

    static let suggestedLevels: [Level] = [
        limited("system", shares: 30, lends: 33, queues: 64, hand: 6),
        limited("node-high", shares: 40, lends: 25, queues: 64, hand: 6),
        limited("leader-election", shares: 10, lends: 0, queues: 16, hand: 4),
        limited("workload-high", shares: 40, lends: 50, queues: 128, hand: 6),
        limited("workload-low", shares: 100, lends: 90, queues: 128, hand: 6),
        limited("global-default", shares: 20, lends: 50, queues: 128, hand: 6),
    ]

    private static var exempt: Level {
        var level = Level("exempt")
        level.isExempt = true
        return level
    }

    private static func limited(_ name: String, shares: Int, lends: Int, queues: Int = 0, hand: Int = 0) -> Level {
        var level = Level(name)
        level.shares = shares
        level.lendablePercent = lends
        if queues > 0 { level.queuing = Queuing(queues: queues, handSize: hand, lengthLimit: 50) }
        return level
    }

    static let mandatorySchemas: [Schema] = [
        schema("exempt", "exempt", 1, .none, groups: ["system:masters"]),
        schema("catch-all", "catch-all", 10_000, .user, groups: everybody),
    ]

    static let suggestedSchemas: [Schema] = [
        schema(
            "probes", "exempt", 2, .none, groups: everybody, resources: [],
            paths: NonResourceRule(verbs: ["get"], paths: ["/healthz", "/livez", "/readyz"])),
        schema(
            "system-leader-election", "leader-election", 100, .user,
            users: ["system:kube-controller-manager", "system:kube-scheduler"],
            accounts: [ServiceAccountName("kube-system", "*")], resources: [leases(in: ["kube-system"])], paths: nil),
        schema(
            "endpoint-controller", "workload-high", 150, .user, users: ["system:kube-controller-manager"],
            accounts: [
                ServiceAccountName("kube-system", "endpoint-controller"),
                ServiceAccountName("kube-system", "endpointslice-controller"),
                ServiceAccountName("kube-system", "endpointslicemirroring-controller"),
            ],
            resources: [
                ResourceRule(verbs: ["get", "create", "update"], groups: [""], resources: ["endpoints"]),
                ResourceRule(
                    verbs: ["create", "get", "update", "list"], groups: ["discovery.k8s.io"],
                    resources: ["endpointslices"]),
            ], paths: nil),
        schema(
            "workload-leader-election", "leader-election", 200, .user,
            accounts: [ServiceAccountName("kube-system", "*")], resources: [leases(in: ["*"])], paths: nil),
        schema(
            "system-node-high", "node-high", 400, .user, groups: ["system:nodes"],
            resources: [
                ResourceRule(groups: [""], resources: ["nodes", "nodes/status"], clusterScope: true),
                ResourceRule(groups: ["coordination.k8s.io"], resources: ["leases"]),
            ], paths: nil),
        schema("system-nodes", "system", 500, .user, groups: ["system:nodes"]),
        schema(
            "kube-controller-manager", "workload-high", 800, .namespace, users: ["system:kube-controller-manager"]),
        schema("kube-scheduler", "workload-high", 800, .namespace, users: ["system:kube-scheduler"]),
        schema(
            "kube-system-service-accounts", "workload-high", 900, .namespace,
            accounts: [ServiceAccountName("kube-system", "*")]),
        schema("service-accounts", "workload-low", 9000, .user, groups: ["system:serviceaccounts"]),
        schema("global-default", "global-default", 9900, .user, groups: everybody),
    ]

    private static let everybody: Set<String> = [UserInfo.authenticatedGroup, UserInfo.unauthenticatedGroup]

    private static func leases(in namespaces: Set<String>) -> ResourceRule {
        ResourceRule(
            verbs: ["get", "create", "update"], groups: ["coordination.k8s.io"], resources: ["leases"],
            namespaces: namespaces)
    }

    private static func schema(
        _ name: String, _ level: String, _ precedence: Int, _ distinguisher: Distinguisher, users: Set<String> = [],
        groups: Set<String> = [], accounts: [ServiceAccountName] = [],
        resources: [ResourceRule] = [ResourceRule(clusterScope: true)], paths: NonResourceRule? = NonResourceRule()
    ) -> Schema {
        var rule = Rule()
        rule.users = users
        rule.groups = groups
        rule.accounts = accounts
        rule.resources = resources
        rule.nonResources = paths.map { [$0] } ?? []
        var schema = Schema(name, level: level, precedence: precedence)
        schema.distinguisher = distinguisher
        schema.rules = [rule]
        return schema
    }
}
