package import APIFlowControl
import APIMachinery

/// The flow schemas and priority levels that every cluster begins with, as upstream has them.
package enum FlowControlPresets {
    package static let exempt = "exempt"
    private static let catchAll = "catch-all"

    package static func mandatorySchema(_ name: String) -> FlowSchema? {
        mandatorySchemas.first { $0.metadata.name == name }
    }

    package static func mandatoryLevel(_ name: String) -> PriorityLevelConfiguration? {
        mandatoryLevels.first { $0.metadata.name == name }
    }

    // MARK: - Levels

    /// What the server cannot do without: their specs are fixed.
    package static let mandatoryLevels: [PriorityLevelConfiguration] = [
        PriorityLevelConfiguration.with { level in
            level.metadata.name = exempt
            level.spec.type = "Exempt"
            level.spec.exempt = ExemptPriorityLevelConfiguration.with {
                $0.nominalConcurrencyShares = 0
                $0.lendablePercent = 0
            }
        },
        level(catchAll, shares: 5, lendable: 0, queues: nil),
    ]

    package static let suggestedLevels: [PriorityLevelConfiguration] = [
        level("system", shares: 30, lendable: 33, queues: (64, 6)),
        level("node-high", shares: 40, lendable: 25, queues: (64, 6)),
        level("leader-election", shares: 10, lendable: 0, queues: (16, 4)),
        level("workload-high", shares: 40, lendable: 50, queues: (128, 6)),
        level("workload-low", shares: 100, lendable: 90, queues: (128, 6)),
        level("global-default", shares: 20, lendable: 50, queues: (128, 6)),
    ]

    /// - Parameter queues: how many, and how many of them one flow is dealt; nil: refuse instead of waiting.
    private static func level(_ name: String, shares: Int, lendable: Int, queues: (all: Int, hand: Int)?)
        -> PriorityLevelConfiguration
    {
        PriorityLevelConfiguration.with { level in
            level.metadata.name = name
            level.spec.type = "Limited"
            level.spec.limited = LimitedPriorityLevelConfiguration.with { limited in
                limited.nominalConcurrencyShares = shares
                limited.lendablePercent = lendable
                limited.limitResponse.type = queues == nil ? "Reject" : "Queue"
                guard let queues else { return }
                limited.limitResponse.queuing = QueuingConfiguration.with {
                    $0.queues = queues.all
                    $0.handSize = queues.hand
                    $0.queueLengthLimit = 50
                }
            }
        }
    }

    // MARK: - Schemas

    private static let everybody: [Subject] = groups("system:unauthenticated", "system:authenticated")
    private static let election: [ResourcePolicyRule] = [
        resource(["get", "create", "update"], "coordination.k8s.io", ["leases"])
    ]

    package static let mandatorySchemas: [FlowSchema] = [
        schema(exempt, exempt, 1, by: nil, everything(groups("system:masters"))),
        schema(catchAll, catchAll, 10_000, by: "ByUser", everything(everybody)),
    ]

    package static let suggestedSchemas: [FlowSchema] = [
        schema("system-nodes", "system", 500, by: "ByUser", everything(groups("system:nodes"))),
        schema("system-node-high", "node-high", 400, by: "ByUser", nodeRules),
        schema("probes", exempt, 2, by: nil, probeRules),
        schema(
            "system-leader-election", "leader-election", 100, by: "ByUser",
            rules(users("system:kube-controller-manager", "system:kube-scheduler") + accounts("*"), election)),
        schema("workload-leader-election", "leader-election", 200, by: "ByUser", rules(accounts("*"), election)),
        schema(
            "endpoint-controller", "workload-high", 150, by: "ByUser",
            rules(
                users("system:kube-controller-manager")
                    + accounts("endpoint-controller", "endpointslicemirroring-controller"),
                [resource(["get", "create", "update"], "", ["endpoints"])])),
        schema(
            "kube-controller-manager", "workload-high", 800, by: "ByNamespace",
            everything(users("system:kube-controller-manager"))),
        schema(
            "kube-scheduler", "workload-high", 800, by: "ByNamespace", everything(users("system:kube-scheduler"))),
        schema("kube-system-service-accounts", "workload-high", 900, by: "ByNamespace", everything(accounts("*"))),
        schema("service-accounts", "workload-low", 9_000, by: "ByUser", everything(groups("system:serviceaccounts"))),
        schema("global-default", "global-default", 9_900, by: "ByUser", everything(everybody)),
    ]

    private static var nodeRules: PolicyRulesWithSubjects {
        var nodes: ResourcePolicyRule = resource(["*"], "", ["nodes", "nodes/status"])
        nodes.clusterScope = true
        var leases: ResourcePolicyRule = resource(["*"], "coordination.k8s.io", ["leases"])
        leases.namespaces = ["kube-node-lease"]
        return rules(groups("system:nodes"), [nodes, leases])
    }

    private static var probeRules: PolicyRulesWithSubjects {
        PolicyRulesWithSubjects.with {
            $0.subjects = everybody
            $0.nonResourceRules = [nonResource(["get"], ["/healthz", "/readyz", "/livez"])]
        }
    }

    private static func schema(
        _ name: String, _ level: String, _ precedence: Int, by method: String?, _ rules: PolicyRulesWithSubjects
    ) -> FlowSchema {
        FlowSchema.with { schema in
            schema.metadata.name = name
            schema.spec.priorityLevelConfiguration.name = level
            schema.spec.matchingPrecedence = precedence
            schema.spec.distinguisherMethod = method.map { type in FlowDistinguisherMethod.with { $0.type = type } }
            schema.spec.rules = [rules]
        }
    }

    /// Whatever these subjects ask for.
    private static func everything(_ subjects: [Subject]) -> PolicyRulesWithSubjects {
        var all: ResourcePolicyRule = resource(["*"], "*", ["*"])
        all.clusterScope = true
        var result: PolicyRulesWithSubjects = rules(subjects, [all])
        result.nonResourceRules = [nonResource(["*"], ["*"])]
        return result
    }

    private static func rules(_ subjects: [Subject], _ rules: [ResourcePolicyRule]) -> PolicyRulesWithSubjects {
        PolicyRulesWithSubjects.with {
            $0.subjects = subjects
            $0.resourceRules = rules
        }
    }

    /// In all namespaces.
    private static func resource(_ verbs: [String], _ group: String, _ resources: [String]) -> ResourcePolicyRule {
        ResourcePolicyRule.with {
            $0.verbs = verbs
            $0.apiGroups = [group]
            $0.resources = resources
            $0.namespaces = ["*"]
        }
    }

    private static func nonResource(_ verbs: [String], _ urls: [String]) -> NonResourcePolicyRule {
        NonResourcePolicyRule.with {
            $0.verbs = verbs
            $0.nonResourceURLs = urls
        }
    }

    private static func groups(_ names: String...) -> [Subject] {
        names.map { name in
            Subject.with {
                $0.kind = "Group"
                $0.group = GroupSubject.with { $0.name = name }
            }
        }
    }

    private static func users(_ names: String...) -> [Subject] {
        names.map { name in
            Subject.with {
                $0.kind = "User"
                $0.user = UserSubject.with { $0.name = name }
            }
        }
    }

    /// Of `kube-system`.
    private static func accounts(_ names: String...) -> [Subject] {
        names.map { name in
            Subject.with {
                $0.kind = "ServiceAccount"
                $0.serviceAccount = ServiceAccountSubject.with {
                    $0.name = name
                    $0.namespace = "kube-system"
                }
            }
        }
    }
}
