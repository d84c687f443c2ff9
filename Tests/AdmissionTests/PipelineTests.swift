import APICore
import APIMachinery
import APINetworking
import APIPolicy
import APIServer
import Codec
import Testing

/// The real kinds behind the standard admission.
@Suite struct PipelineTests {
    private static let services = GroupVersionResource(group: "", version: "v1", resource: "services")

    private static func pod(_ name: String) -> Pod {
        makePod(name) { $0.spec.containers[0].image = "busybox" }
    }

    private static func service(_ name: String, address: String = "", type: String = "ClusterIP") -> Service {
        Service.with { service in
            service.metadata.name = name
            service.metadata.namespace = "default"
            service.spec.type = type
            service.spec.clusterIP = address
            service.spec.selector = ["app": "web"]
            service.spec.ports = [ServicePort.with { $0.port = 80 }]
        }
    }

    @Test func `a plain pod comes out complete and valid`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            try await server.create(podResource, Self.pod("web"))
            let pod = try await server.get(Pod.self, podResource, "web")
            #expect(pod.spec.serviceAccountName == "default")
            #expect(pod.spec.volumes.first?.name.hasPrefix("kube-api-access-") == true)
            #expect(pod.spec.containers[0].volumeMounts.first?.name == pod.spec.volumes.first?.name)
            #expect(pod.spec.tolerations.count == 2)
            #expect(pod.spec.priority == 0)
        }
    }

    @Test func `ephemeral containers are added, and stay`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            try await server.create(podResource, Self.pod("web"))
            func patch(_ body: String) async throws(StatusError) {
                _ = try await server.client.perform(
                    APIRequest(
                        .patch, podResource, namespace: "default", name: "web", subresource: "ephemeralcontainers",
                        body: Array(body.utf8), contentType: "application/strategic-merge-patch+json"))
            }
            try await patch(#"{"spec":{"ephemeralContainers":[{"name":"debug","image":"busybox"}]}}"#)
            let pod = try await server.get(Pod.self, podResource, "web")
            #expect(pod.spec.ephemeralContainers.map { $0.name } == ["debug"])
            #expect(pod.metadata.generation == 2)
            let changed = await refusal { () async throws(StatusError) in
                try await patch(#"{"spec":{"ephemeralContainers":[{"name":"debug","image":"other"}]}}"#)
            }
            #expect(changed?.code == 422)
            let removed = await refusal { () async throws(StatusError) in
                try await patch(#"{"spec":{"ephemeralContainers":null}}"#)
            }
            #expect(removed?.message.contains("existing ephemeral containers") == true)
        }
    }

    @Test func `addresses are given, refused, and given back with their services`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            try await server.create(Self.services, Self.service("one", address: "10.96.0.10"))
            let second: () async -> StatusError? = {
                await refusal { () async throws(StatusError) in
                    try await server.create(Self.services, Self.service("two", address: "10.96.0.10"))
                }
            }
            #expect(await second()?.message.hasSuffix("provided IP is already allocated") == true)
            try await server.create(Self.services, Self.service("three", type: "NodePort"))
            let open = try await server.get(Service.self, Self.services, "three")
            #expect(open.spec.ports[0].nodePort >= 30000)
            #expect(open.spec.clusterIPs == [open.spec.clusterIP])
            try await server.create(Self.services, Self.service("dry", address: "10.96.0.11"), dryRun: true)
            try await server.create(Self.services, Self.service("wet", address: "10.96.0.11"))
            try await server.delete(Self.services, "one")
            #expect(await second() == nil)
        }
    }

    private static let ranges = GroupVersionResource(
        group: "networking.k8s.io", version: "v1", resource: "servicecidrs")

    /// What is said to a service that asks for an address; "" if it gets it.
    private static func answer(_ server: AdmissionServer, _ name: String, _ address: String = "") async -> String {
        let error: StatusError? = await refusal { () async throws(StatusError) in
            try await server.create(Self.services, Self.service(name, address: address))
        }
        return error?.message ?? ""
    }

    @Test func `addresses come from every range that is ready, and from none that goes`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            var extra = ServiceCIDR.with {
                $0.metadata.name = "extra"
                $0.metadata.finalizers = ["example.com/held"]
                $0.spec.cidrs = ["10.150.0.0/28"]
            }
            try await server.create(Self.ranges, extra)
            #expect(
                await Self.answer(server, "early", "10.150.0.5").hasSuffix(
                    "(10.150.0.5) is not in the valid range. The range of valid IPs is 10.96.0.0/16"))
            extra.status.conditions = [
                Condition.with {
                    $0.type = "Ready"
                    $0.status = "True"
                    $0.reason = "Ready"
                    $0.lastTransitionTime = Time(seconds: 1)
                }
            ]
            _ = try await server.client.perform(
                APIRequest(.update, Self.ranges, name: "extra", subresource: "status", body: extra.jsonBytes))
            #expect(await Self.answer(server, "one", "10.150.0.5") == "")
            #expect(await Self.answer(server, "two", "10.150.0.5").hasSuffix("provided IP is already allocated"))
            #expect(
                await Self.answer(server, "out", "10.151.0.5").hasSuffix(
                    "The range of valid IPs is 10.96.0.0/16,10.150.0.0/28"))
            try await server.delete(Self.ranges, "extra", namespace: "")
            #expect(await Self.answer(server, "late", "10.150.0.6").contains("is not in the valid range"))
            // What it gave stays with its service, and is known when that goes.
            #expect(try await server.get(Service.self, Self.services, "one").spec.clusterIP == "10.150.0.5")
            try await server.delete(Self.services, "one")
            #expect(await Self.answer(server, "any") == "")
        }
    }

    @Test func `an address that somebody else's object holds is not given`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            let addresses = GroupVersionResource(
                group: "networking.k8s.io", version: "v1", resource: "ipaddresses")
            func record(_ name: String, _ labels: StringMap<String>) async throws(StatusError) {
                let parent = ParentReference.with {
                    $0.group = "gateway.networking.k8s.io"
                    $0.resource = "gateways"
                    $0.namespace = "default"
                    $0.name = "g"
                }
                try await server.create(
                    addresses,
                    APINetworking.IPAddress.with {
                        $0.metadata.name = name
                        $0.metadata.labels = labels
                        $0.spec.parentRef = parent
                    })
            }
            try await record("10.96.0.77", [:])
            #expect(await Self.answer(server, "one", "10.96.0.77").hasSuffix("provided IP is already allocated"))
            // That of a service that went a moment ago does not matter.
            try await record("10.96.0.78", ["ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"])
            #expect(await Self.answer(server, "two", "10.96.0.78") == "")
        }
    }

    @Test func `an update that leaves out what was allocated keeps it`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            try await server.create(Self.services, Self.service("web", type: "NodePort"))
            let made = try await server.get(Service.self, Self.services, "web")
            var bare: Service = Self.service("web", type: "NodePort")
            bare.metadata.labels = ["new": "yes"]
            _ = try await server.client.perform(
                APIRequest(.update, Self.services, namespace: "default", name: "web", body: bare.jsonBytes))
            let now = try await server.get(Service.self, Self.services, "web")
            #expect(now.metadata.labels == ["new": "yes"])
            #expect(now.spec == made.spec)
            bare.spec.type = "ClusterIP"
            _ = try await server.client.perform(
                APIRequest(.update, Self.services, namespace: "default", name: "web", body: bare.jsonBytes))
            let closed = try await server.get(Service.self, Self.services, "web")
            #expect(closed.spec.clusterIP == made.spec.clusterIP)
            #expect(closed.spec.ports[0].nodePort == 0)
            // The port is free again.
            var other: Service = Self.service("other", type: "NodePort")
            other.spec.ports[0].nodePort = made.spec.ports[0].nodePort
            try await server.create(Self.services, other)
        }
    }

    @Test func `many services at once get different addresses`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        try? await server.create(Self.services, Self.service("s\(number)", type: "NodePort"))
                    }
                }
                await group.waitForAll()
            }
            let listed = try await server.client.perform(APIRequest(.list, Self.services, namespace: "default"))
            guard case .list(let items, _, _, _) = listed.body else { throw StatusError.internalError("no list") }
            let all: [Service] = try items.map { try $0.decode(Service.self) }
            #expect(all.count == 60)
            #expect(Set(all.map { $0.spec.clusterIP }).count == 60)
            #expect(Set(all.map { $0.spec.ports[0].nodePort }).count == 60)
        }
    }

    private static func mergeStatus(
        _ server: AdmissionServer, _ gvr: GroupVersionResource, _ name: String, _ status: String
    ) async throws(StatusError) {
        _ = try await server.client.perform(
            APIRequest(
                .patch, gvr, namespace: "default", name: name, subresource: "status",
                body: Array("{\"status\":\(status)}".utf8), contentType: "application/merge-patch+json"))
    }

    @Test func `limits fill in what a quota wants to see, until it is used up`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            let ranges = GroupVersionResource(group: "", version: "v1", resource: "limitranges")
            let item = LimitRangeItem.with {
                $0.type = "Container"
                $0.default = quantities(["cpu": "200m"])
            }
            let range = LimitRange.with {
                $0.metadata.name = "limits"
                $0.metadata.namespace = "default"
                $0.spec.limits = [item]
            }
            try await server.create(ranges, range)
            let quota = ResourceQuota.with {
                $0.metadata.name = "q"
                $0.metadata.namespace = "default"
                $0.spec.hard = quantities(["limits.cpu": "500m", "requests.cpu": "1"])
            }
            try await server.create(quotaResource, quota)
            let counted: String = #"{"hard":{"limits.cpu":"500m"},"used":{"limits.cpu":"0"}}"#
            try await Self.mergeStatus(server, quotaResource, "q", counted)
            try await server.create(podResource, Self.pod("one"))
            try await server.create(podResource, Self.pod("two"))
            let pod = try await server.get(Pod.self, podResource, "one")
            #expect(pod.spec.containers[0].resources.requests == quantities(["cpu": "200m"]))
            #expect(pod.status.qosClass == "Burstable")
            let error = await refusal { () async throws(StatusError) in
                try await server.create(podResource, Self.pod("three"))
            }
            #expect(
                error?.message == "pods \"three\" is forbidden: exceeded quota: q, requested: limits.cpu=200m, "
                    + "used: limits.cpu=400m, limited: limits.cpu=500m")
        }
    }

    @Test func `a budget guards real pods`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            let running: String = #"{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}"#
            for name in ["one", "two"] {
                var pod: Pod = Self.pod(name)
                pod.metadata.labels = ["app": "web"]
                pod.spec.nodeName = "node"
                try await server.create(podResource, pod)
                try await Self.mergeStatus(server, podResource, name, running)
            }
            let budget = PodDisruptionBudget.with { budget in
                budget.metadata.name = "web"
                budget.metadata.namespace = "default"
                budget.spec.minAvailable = .int(1)
                budget.spec.selector = .with { $0.matchLabels = ["app": "web"] }
            }
            try await server.create(budgetResource, budget)
            let unseen = await refusal { () async throws(StatusError) in _ = try await server.evict("one") }
            #expect(unseen?.retryAfterSeconds == 10)
            let seen: String =
                #"{"observedGeneration":1,"disruptionsAllowed":1,"currentHealthy":2,"desiredHealthy":1,"#
                + #""expectedPods":2}"#
            try await Self.mergeStatus(server, budgetResource, "web", seen)
            #expect(try await server.evict("one").code == 201)
            let second = await refusal { () async throws(StatusError) in _ = try await server.evict("two") }
            #expect(second?.code == 429)
            let pod = try await server.get(Pod.self, podResource, "one")
            #expect(pod.metadata.deletionTimestamp != nil)
            #expect(pod.status.conditions.contains { $0.type == "DisruptionTarget" && $0.status == "True" })
            let guarded = try await server.get(PodDisruptionBudget.self, budgetResource, "web")
            #expect(guarded.status.disruptedPods.map { $0.key } == ["one"])
            #expect(guarded.metadata.generation == 1)
        }
    }

    @Test func `the server's own namespaces stay, others go`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            let error = await refusal { () async throws(StatusError) in
                try await server.delete(namespaceResource, "default", namespace: "")
            }
            #expect(error?.message == "namespaces \"default\" is forbidden: this namespace may not be deleted")
            try await server.create(namespaceResource, Namespace.with { $0.metadata.name = "mine" })
            try await server.delete(namespaceResource, "mine", namespace: "")
            let late = await refusal { () async throws(StatusError) in
                try await server.create(podResource, makePod("p", namespace: "mine"))
            }
            #expect(late?.isNamespaceTerminating == true)
        }
    }
}
