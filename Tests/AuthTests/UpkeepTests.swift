import APIFlowControl
import APIMachinery
import APIRegistration
import APIServerUpkeep
import APIValidation
import Client
import Testing

@testable import APIServer

/// What a running server does with its own objects.
@Suite(.timeLimit(.minutes(5))) struct UpkeepTests {
    private static let schemas = GroupVersionResource(FlowSchema.gvk, "flowschemas")
    private static let levels = GroupVersionResource(PriorityLevelConfiguration.gvk, "prioritylevelconfigurations")

    private static var registry: ResourceRegistry {
        ResourceRegistry(KindRegistrations.all(services: ClusterServiceAllocator(link: ServerLink())))
    }

    private static func level(_ name: String) -> PriorityLevelConfiguration {
        PriorityLevelConfiguration.with {
            $0.metadata.name = name
            $0.spec.type = "Limited"
            $0.spec.limited = LimitedPriorityLevelConfiguration.with { limited in
                limited.nominalConcurrencyShares = 7
                limited.lendablePercent = 20
                limited.borrowingLimitPercent = 50
                limited.limitResponse.type = "Queue"
                limited.limitResponse.queuing = QueuingConfiguration.with {
                    $0.queues = 4
                    $0.handSize = 2
                    $0.queueLengthLimit = 9
                }
            }
        }
    }

    private static func schema(_ name: String, level: String) -> FlowSchema {
        FlowSchema.with {
            $0.metadata.name = name
            $0.spec.matchingPrecedence = 50
            $0.spec.priorityLevelConfiguration.name = level
            $0.spec.distinguisherMethod = FlowDistinguisherMethod.with { $0.type = "ByNamespace" }
            var rule = PolicyRulesWithSubjects()
            var user = APIFlowControl.Subject()
            user.kind = "User"
            user.user = UserSubject.with { $0.name = "jane" }
            rule.subjects = [user]
            rule.resourceRules = [
                ResourcePolicyRule.with {
                    $0.verbs = ["get"]
                    $0.apiGroups = [""]
                    $0.resources = ["configmaps"]
                    $0.namespaces = ["*"]
                }
            ]
            $0.spec.rules = [rule]
        }
    }

    /// Does something again until it is so.
    private static func eventually(_ isSo: () async throws -> Bool) async throws {
        while try await !isSo() { await Task.yield() }
    }

    private static func jane(_ resource: String = "configmaps") -> RequestContext {
        RequestContext(
            user: UserInfo(name: "jane", groups: ["system:authenticated"]), verb: "get",
            resource: GroupVersionResource(group: "", version: "v1", resource: resource), namespace: "n")
    }

    @Test func `objects make the plan, in upstream's terms`() {
        let plan = FlowPlan([Self.schema("s", level: "l")], [Self.level("l")])
        var level = FlowPlan.Level("l")
        level.shares = 7
        level.lendablePercent = 20
        level.borrowingPercent = 50
        level.queuing = FlowPlan.Queuing(queues: 4, handSize: 2, lengthLimit: 9)
        #expect(plan.levels["l"] == level)
        // Nobody took away what every server needs.
        #expect(plan.levels["exempt"]?.isExempt == true && plan.levels["catch-all"] != nil)
        #expect(plan.match(Self.jane()).schema == "s" && plan.match(Self.jane()).flow == "n")
        #expect(plan.match(Self.jane("pods")).schema == "catch-all")
        let standard = FlowPlan(
            FlowControlPresets.mandatorySchemas + FlowControlPresets.suggestedSchemas,
            FlowControlPresets.mandatoryLevels + FlowControlPresets.suggestedLevels)
        #expect(standard.levels == FlowPlan.standard.levels)
        #expect(standard.schemas.map(\.name) == FlowPlan.standard.schemas.map(\.name))
    }

    @Test func `a schema that is made while the server runs takes effect, with its UIDs, and ends when it goes`()
        async throws
    {
        try await withCluster(registry: Self.registry) { cluster in
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    await FlowControlConsumer(cluster.core.fairness, over: cluster.admin, clock: cluster.clock).run()
                }
                let level = try await cluster.create(Self.level("l"), "prioritylevelconfigurations")
                let schema = try await cluster.create(Self.schema("s", level: "l"), "flowschemas")
                try await Self.eventually { cluster.core.fairness.match(Self.jane()).schema == "s" }
                let match: FlowMatch = cluster.core.fairness.match(Self.jane())
                #expect(match.schemaUID == schema.metadata.uid && match.levelUID == level.metadata.uid)
                try await cluster.delete(FlowSchema.self, "flowschemas", "", "s")
                try await Self.eventually { cluster.core.fairness.match(Self.jane()).schema == "catch-all" }
                group.cancelAll()
            }
        }
    }

    @Test func `a schema says whether its level exists`() async throws {
        try await withCluster(registry: Self.registry) { cluster in
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    await FlowControlConsumer(cluster.core.fairness, over: cluster.admin, clock: cluster.clock).run()
                }
                let client = APIClient(cluster.admin)
                _ = try await cluster.create(Self.schema("s", level: "l"), "flowschemas")
                func condition() async throws -> FlowSchemaCondition? {
                    try await client.get(FlowSchema.self, ObjectKey("", "s")).status.conditions.first
                }
                try await Self.eventually { try await condition()?.status == "True" }
                #expect(try await condition()?.type == "Dangling")
                #expect(try await condition()?.reason == "NotFound")
                #expect(
                    try await condition()?.message
                        == "This FlowSchema references the PriorityLevelConfiguration object named \"l\" but there is "
                        + "no such object")
                #expect(cluster.core.fairness.match(Self.jane()).schema == "catch-all")
                _ = try await cluster.create(Self.level("l"), "prioritylevelconfigurations")
                try await Self.eventually { try await condition()?.status == "False" }
                #expect(try await condition()?.reason == "Found")
                #expect(try await condition()?.message.hasSuffix("named \"l\" and it exists") == true)
                group.cancelAll()
            }
        }
    }

    @Test func `a condition that says the same is not written again`() throws {
        let now = Time(seconds: 5)
        let told: FlowSchema = try #require(
            FlowControlConsumer.told(Self.schema("s", level: "l"), levels: ["l"], now: now))
        #expect(FlowControlConsumer.told(told, levels: ["l"], now: Time(seconds: 9)) == nil)
        let dangling: FlowSchema? = FlowControlConsumer.told(told, levels: [], now: Time(seconds: 9))
        #expect(dangling?.status.conditions.first?.lastTransitionTime == Time(seconds: 9))
    }

    @Test func `an API service that somebody deletes or changes is put back`() async throws {
        try await withCluster(registry: Self.registry) { cluster in
            let bootstrap = APIServiceBootstrap(served: cluster.core.registry.resources.map { $0.info.gvr })
            try await bootstrap.ensure(over: cluster.admin)
            let client = APIClient(cluster.admin)
            let key = ObjectKey("", "v1.apps")
            let before: APIService = try await client.get(APIService.self, key)
            try await withThrowingDiscardingTaskGroup { group in
                let keeper = Keeper(over: cluster.admin, watching: [Informer(APIService.self, over: cluster.admin)]) {
                    (transport: any Transport) async throws(StatusError) in
                    try await bootstrap.ensure(over: transport)
                }
                group.addTask { await keeper.run() }
                try await cluster.delete(APIService.self, "apiservices", "", "v1.apps")
                try await Self.eventually {
                    let now: APIService? = try? await client.get(APIService.self, key)
                    return now.map { $0.metadata.uid != before.metadata.uid && $0.spec == before.spec } ?? false
                }
                var changed: APIService = try await client.get(APIService.self, key)
                changed.spec.groupPriorityMinimum = 1
                _ = try await client.update(changed)
                try await Self.eventually {
                    try await client.get(APIService.self, key).spec.groupPriorityMinimum
                        == before.spec.groupPriorityMinimum
                }
                group.cancelAll()
            }
        }
    }
}
