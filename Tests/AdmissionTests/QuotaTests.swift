import APICore
import APIMachinery
import APIServer
import Codec
import Testing

@Suite struct QuotaTests {
    private static func quota(
        _ name: String, _ hard: [String: String], used: [String: String]? = nil,
        _ fill: (inout ResourceQuota) -> Void = { _ in }
    ) -> ResourceQuota {
        ResourceQuota.with { quota in
            quota.metadata.name = name
            quota.metadata.namespace = "default"
            quota.spec.hard = quantities(hard)
            quota.status.hard = quantities(hard)
            quota.status.used = quantities(used ?? hard.mapValues { _ in "0" })
            fill(&quota)
        }
    }

    private static func pod(_ name: String, _ requests: [String: String] = [:]) -> Pod {
        makePod(name) { $0.spec.containers[0].resources.requests = quantities(requests) }
    }

    @Test func `many writers at once never exceed a quota`() async throws {
        try await withServer { server in
            try await server.create(quotaResource, Self.quota("q", ["pods": "25", "requests.cpu": "10"]))
            let outcomes: [StatusError?] = await withTaskGroup(of: StatusError?.self) { group in
                for number in 0..<120 {
                    group.addTask {
                        await refusal { () async throws(StatusError) in
                            try await server.create(podResource, Self.pod("p\(number)", ["cpu": "100m"]))
                        }
                    }
                }
                var outcomes: [StatusError?] = []
                for await outcome in group { outcomes.append(outcome) }
                return outcomes
            }
            #expect(outcomes.filter { $0 == nil }.count == 25)
            #expect(outcomes.allSatisfy { $0 == nil || $0?.code == 403 })
            let text: String = "is forbidden: exceeded quota: q, requested: pods=1, used: pods=25, limited: pods=25"
            let refused: [String] = outcomes.compactMap { $0?.message }
            #expect(refused.allSatisfy { $0.hasSuffix(text) })
            let quota = try await server.get(ResourceQuota.self, quotaResource, "q")
            #expect(quota.status.used["pods"] == Quantity(25))
            #expect(quota.status.used["requests.cpu"] == Quantity(milli: 2500))
        }
    }

    @Test func `what one quota refuses is given back to the others`() async throws {
        try await withServer { server in
            try await server.create(quotaResource, Self.quota("a", ["pods": "10"]))
            try await server.create(quotaResource, Self.quota("b", ["count/pods": "3"]))
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask { try? await server.create(podResource, Self.pod("p\(number)")) }
                }
                await group.waitForAll()
            }
            #expect(try await server.get(ResourceQuota.self, quotaResource, "a").status.used["pods"] == Quantity(3))
            #expect(
                try await server.get(ResourceQuota.self, quotaResource, "b").status.used["count/pods"] == Quantity(3))
        }
    }

    @Test func `a dry run is checked and not charged`() async throws {
        try await withServer { server in
            try await server.create(quotaResource, Self.quota("q", ["pods": "1"]))
            try await server.create(podResource, Self.pod("x"), dryRun: true)
            #expect(try await server.get(ResourceQuota.self, quotaResource, "q").status.used["pods"] == Quantity(0))
            try await server.create(podResource, Self.pod("y"))
            let error = await refusal { () async throws(StatusError) in
                try await server.create(podResource, Self.pod("z"), dryRun: true)
            }
            #expect(error?.code == 403)
        }
    }

    @Test func `who tries a taken name again and again is charged once`() async throws {
        try await withServer { server in
            try await server.create(quotaResource, Self.quota("q", ["pods": "2"]))
            try await server.create(podResource, Self.pod("x"))
            for _ in 0..<5 {
                let error = await refusal { () async throws(StatusError) in
                    try await server.create(podResource, Self.pod("x"))
                }
                #expect(error?.isAlreadyExists == true)
            }
            #expect(try await server.get(ResourceQuota.self, quotaResource, "q").status.used["pods"] == Quantity(1))
            try await server.create(podResource, Self.pod("y"))
        }
    }

    @Test func `other kinds are counted by name, and events never`() async throws {
        try await withServer { server in
            let configMaps = GroupVersionResource(group: "", version: "v1", resource: "configmaps")
            try await server.create(quotaResource, Self.quota("q", ["configmaps": "1", "count/events": "0"]))
            func map(_ name: String) -> ConfigMap {
                ConfigMap.with {
                    $0.metadata.name = name
                    $0.metadata.namespace = "default"
                }
            }
            try await server.create(configMaps, map("one"))
            let error = await refusal { () async throws(StatusError) in
                try await server.create(configMaps, map("two"))
            }
            #expect(
                error?.message == "configmaps \"two\" is forbidden: exceeded quota: q, requested: configmaps=1, used: "
                    + "configmaps=1, limited: configmaps=1")
        }
        let events = ResourceInfo(APICore.Event.gvk, resource: "events", namespaced: true)
        let attributes = AdmissionAttributes(
            .create, context: context(), info: events, namespace: "default", name: "e", object: nil,
            caches: FakeCaches())
        #expect(!ResourceQuotaPlugin(link: ServerLink()).handles(attributes))
    }

    private static func message(_ pod: Pod, _ quota: ResourceQuota) async -> String? {
        let error = await refusal { () async throws(StatusError) in
            _ = try await admit(
                ResourceQuotaPlugin(link: ServerLink()), pod, info: Resources.pods, caches: FakeCaches([quota]))
        }
        let prefix: String = "pods \"\(pod.metadata.name)\" is forbidden: "
        return error.map { $0.message.hasPrefix(prefix) ? String($0.message.dropFirst(prefix.count)) : $0.message }
    }

    @Test func `what a quota restricts must be stated`() async {
        let quota = Self.quota("q", ["limits.cpu": "1", "requests.memory": "1Gi", "pods": "5"])
        #expect(
            await Self.message(Self.pod("p", ["memory": "1Mi"]), quota)
                == "failed quota: q: must specify limits.cpu for: main")
        #expect(
            await Self.message(Self.pod("p"), quota)
                == "failed quota: q: must specify limits.cpu for: main; requests.memory for: main")
        let uncounted = Self.quota("q", ["pods": "5"], used: [:])
        #expect(await Self.message(Self.pod("p"), uncounted) == "status unknown for quota: q, resources: pods")
    }

    @Test func `scopes choose the pods that count`() async {
        /// Whether a quota concerns a pod: one that has not been counted yet says so.
        func concerns(_ fill: (inout ResourceQuota) -> Void, _ pod: Pod) async -> Bool {
            await Self.message(pod, Self.quota("q", ["pods": "5"], used: [:], fill)) != nil
        }
        let bounded = makePod { $0.spec.activeDeadlineSeconds = 5 }
        #expect(await concerns({ $0.spec.scopes = ["Terminating"] }, bounded))
        #expect(await !concerns({ $0.spec.scopes = ["NotTerminating"] }, bounded))
        #expect(await concerns({ $0.spec.scopes = ["BestEffort"] }, makePod()))
        #expect(await !concerns({ $0.spec.scopes = ["BestEffort"] }, Self.pod("p", ["cpu": "1"])))
        #expect(await concerns({ $0.spec.scopes = ["NotBestEffort"] }, Self.pod("p", ["cpu": "1"])))
        func priority(_ operator: String, _ values: [String]) -> (inout ResourceQuota) -> Void {
            { quota in
                let term = ScopedResourceSelectorRequirement.with {
                    $0.scopeName = "PriorityClass"
                    $0.operator = `operator`
                    $0.values = values
                }
                quota.spec.scopeSelector = .with { $0.matchExpressions = [term] }
            }
        }
        let high = makePod { $0.spec.priorityClassName = "high" }
        #expect(await concerns(priority("In", ["high"]), high))
        #expect(await !concerns(priority("In", ["high"]), makePod()))
        #expect(await !concerns(priority("NotIn", ["high"]), high))
        #expect(await concerns(priority("Exists", []), high))
        #expect(await concerns(priority("DoesNotExist", []), makePod()))
    }
}
