import APICore
import APIMachinery
import APIPolicy
import APIServer
import Codec
import Testing

@Suite struct EvictionTests {
    private static func pod(_ name: String, ready: Bool = true, phase: String = "Running") -> Pod {
        makePod(name) { pod in
            pod.metadata.labels = ["app": "web"]
            pod.status.phase = phase
            let condition = PodCondition.with {
                $0.type = "Ready"
                $0.status = ready ? "True" : "False"
            }
            pod.status.conditions = [condition]
        }
    }

    private static func budget(
        _ name: String = "web", allowed: Int, healthy: Int = 3, desired: Int = 2, policy: String? = nil
    ) -> PodDisruptionBudget {
        PodDisruptionBudget.with { budget in
            budget.metadata.name = name
            budget.metadata.namespace = "default"
            budget.spec.selector = .with { $0.matchLabels = ["app": "web"] }
            budget.spec.unhealthyPodEvictionPolicy = policy
            budget.status.disruptionsAllowed = allowed
            budget.status.currentHealthy = healthy
            budget.status.desiredHealthy = desired
        }
    }

    /// A server with these pods and budgets.
    private static func with<T: Sendable>(
        _ pods: [Pod], _ budgets: [PodDisruptionBudget], _ body: @Sendable (AdmissionServer) async throws -> T
    ) async throws -> T {
        try await withServer { server in
            for pod in pods { try await server.create(podResource, pod) }
            for budget in budgets { try await server.create(budgetResource, budget) }
            return try await body(server)
        }
    }

    private static func error(_ server: AdmissionServer, _ pod: String, _ fill: (inout Eviction) -> Void = { _ in })
        async -> StatusError?
    {
        await refusal { () async throws(StatusError) in _ = try await server.evict(pod, fill) }
    }

    @Test func `without a budget a pod is marked and deleted gracefully`() async throws {
        try await Self.with([Self.pod("a")], []) { server in
            let response = try await server.evict("a")
            #expect(response.code == 201)
            let pod = try await server.get(Pod.self, podResource, "a")
            #expect(pod.metadata.deletionTimestamp != nil)
            #expect(pod.metadata.deletionGracePeriodSeconds == 30)
            let condition = try #require(pod.status.conditions.first { $0.type == "DisruptionTarget" })
            #expect(condition.status == "True")
            #expect(condition.reason == "EvictionByEvictionAPI")
            #expect(condition.message == "Eviction API: evicting")
        }
    }

    @Test func `a budget is used up by as many evictions as it allows`() async throws {
        let names: [String] = ["a", "b", "c", "d"]
        try await Self.with(names.map { Self.pod($0) }, [Self.budget(allowed: 2)]) { server in
            let errors: [StatusError?] = await withTaskGroup(of: StatusError?.self) { group in
                for name in names { group.addTask { await Self.error(server, name) } }
                var errors: [StatusError?] = []
                for await error in group { errors.append(error) }
                return errors
            }
            #expect(errors.filter { $0 == nil }.count == 2)
            let refused = try #require(errors.compactMap { $0 }.first)
            #expect(refused.code == 429)
            #expect(refused.message == "Cannot evict pod as it would violate the pod's disruption budget.")
            #expect(refused.causes.first?.reason == "DisruptionBudget")
            #expect(
                refused.causes.first?.message
                    == "The disruption budget web needs 2 healthy pods and has 3 currently")
            let budget = try await server.get(PodDisruptionBudget.self, budgetResource, "web")
            #expect(budget.status.disruptionsAllowed == 0)
            #expect(budget.status.disruptedPods.count == 2)
            #expect(budget.status.conditions.first?.reason == "InsufficientPods")
        }
    }

    @Test func `a dry run asks and changes nothing`() async throws {
        try await Self.with([Self.pod("a")], [Self.budget(allowed: 1)]) { server in
            _ = try await server.evict("a") { $0.deleteOptions = .with { $0.dryRun = ["All"] } }
            #expect(try await server.get(Pod.self, podResource, "a").metadata.deletionTimestamp == nil)
            let budget = try await server.get(PodDisruptionBudget.self, budgetResource, "web")
            #expect(budget.status.disruptionsAllowed == 1)
            #expect(budget.status.disruptedPods.isEmpty)
        }
    }

    @Test(arguments: ["Succeeded", "Failed", "Pending"])
    func `pods that do no work need no budget`(phase: String) async throws {
        try await Self.with([Self.pod("a", phase: phase)], [Self.budget(allowed: 0)]) { server in
            #expect(await Self.error(server, "a") == nil)
        }
    }

    @Test(
        arguments: [(nil, 2, true), (nil, 1, false), ("AlwaysAllow", 1, true), ("IfHealthyBudget", 1, false)]
            as [(String?, Int, Bool)])
    func `unhealthy pods go by the budget's policy`(policy: String?, healthy: Int, goes: Bool) async throws {
        let budget = Self.budget(allowed: 0, healthy: healthy, desired: 2, policy: policy)
        try await Self.with([Self.pod("a", ready: false)], [budget]) { server in
            let error = await Self.error(server, "a")
            #expect((error == nil) == goes)
            #expect(error == nil || error?.code == 429)
        }
    }

    @Test func `a budget that its controller has not seen yet is not used`() async throws {
        var budget = Self.budget(allowed: 1)
        budget.status.observedGeneration = -1
        try await Self.with([Self.pod("a")], [budget]) { server in
            let error = await Self.error(server, "a")
            #expect(error?.code == 429)
            #expect(error?.retryAfterSeconds == 10)
            #expect(
                error?.causes.first?.message == "The disruption budget web is still being processed by the server.")
            let pod = try await server.get(Pod.self, podResource, "a")
            #expect(pod.metadata.deletionTimestamp == nil)
        }
    }

    @Test func `what cannot be answered is refused in upstream's words`() async throws {
        var fresh: Pod = Self.pod("fresh")
        fresh.metadata.labels = ["app": "new"]
        let pods: [Pod] = [Self.pod("a"), fresh]
        try await Self.with(pods, [Self.budget("one", allowed: 1), Self.budget("two", allowed: 1)]) { server in
            let several = await Self.error(server, "a")
            #expect(several?.code == 500)
            #expect(several?.message.hasPrefix("This pod has more than one PodDisruptionBudget") == true)
            #expect(await Self.error(server, "gone")?.code == 404)
            let other = await Self.error(server, "a") { $0.metadata.name = "b" }
            #expect(other?.message == "name in URL does not match name in Eviction object")
            let stale = await Self.error(server, "fresh") {
                $0.deleteOptions = .with { $0.preconditions = .with { $0.uid = "other" } }
            }
            #expect(stale?.code == 409)
        }
    }
}
