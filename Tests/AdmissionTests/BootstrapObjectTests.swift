import APIAutoscaling
import APIAutoscalingV2
import APICertificates
import APICore
import APIFlowControl
import APIMachinery
import APIRegistration
import APIServer
import Codec
import Testing

/// What a cluster begins with, and kinds in two versions, on a server.
@Suite(.timeLimit(.minutes(5)))
struct BootstrapObjectTests {
    private static let schemas = GroupVersionResource(
        group: "flowcontrol.apiserver.k8s.io", version: "v1", resource: "flowschemas")
    private static let levels = GroupVersionResource(
        group: "flowcontrol.apiserver.k8s.io", version: "v1", resource: "prioritylevelconfigurations")
    private static let services = GroupVersionResource(
        group: "apiregistration.k8s.io", version: "v1", resource: "apiservices")

    private static func get<Object: APIObject>(
        _ type: Object.Type, _ at: GroupVersionResource, _ name: String, namespace: String = "",
        _ server: AdmissionServer
    ) async throws -> Object {
        let response: APIResponse = try await server.client.perform(
            APIRequest(.get, at, namespace: namespace, name: name))
        guard case .object(let snapshot) = response.body else { throw StatusError.internalError("no object") }
        return try snapshot.decode(type)
    }

    private static func put<Object: APIObject>(_ object: Object, _ at: GroupVersionResource, _ server: AdmissionServer)
        async throws
    {
        _ = try await server.client.perform(
            APIRequest(
                .update, at, namespace: object.metadata.namespace, name: object.metadata.name,
                body: object.jsonBytes))
    }

    @Test func `flow schemas and levels are made once, and kept unless somebody takes them over`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            let bootstrap = FlowControlBootstrap()
            #expect(try await bootstrap.ensure(over: server.client) == 21)
            #expect(try await bootstrap.ensure(over: server.client) == 0)

            // A suggested one that is changed but not taken over is put back; one that is taken over is left alone.
            var schema: FlowSchema = try await Self.get(FlowSchema.self, Self.schemas, "service-accounts", server)
            #expect(schema.metadata.annotations["apf.kubernetes.io/autoupdate-spec"] == "true")
            schema.spec.matchingPrecedence = 8_000
            try await Self.put(schema, Self.schemas, server)
            var level: PriorityLevelConfiguration = try await Self.get(
                PriorityLevelConfiguration.self, Self.levels, "system", server)
            level.metadata.annotations["apf.kubernetes.io/autoupdate-spec"] = "false"
            level.spec.limited?.nominalConcurrencyShares = 99
            try await Self.put(level, Self.levels, server)
            try await server.delete(Self.schemas, "catch-all", namespace: "")
            try await server.create(
                Self.levels,
                PriorityLevelConfiguration.with {
                    $0.metadata.name = "old"
                    $0.metadata.annotations["apf.kubernetes.io/autoupdate-spec"] = "true"
                    $0.spec = level.spec
                })
            #expect(try await bootstrap.ensure(over: server.client) == 3)
            schema = try await Self.get(FlowSchema.self, Self.schemas, "service-accounts", server)
            #expect(schema.spec.matchingPrecedence == 9_000)
            level = try await Self.get(PriorityLevelConfiguration.self, Self.levels, "system", server)
            #expect(level.spec.limited?.nominalConcurrencyShares == 99)
            await #expect(throws: StatusError.self) {
                _ = try await Self.get(PriorityLevelConfiguration.self, Self.levels, "old", server)
            }
        }
    }

    @Test func `each version that is served has an API service`() async throws {
        try await withServer(kinds: builtinKinds) { server in
            let served: [GroupVersionResource] = server.core.registry.resources.map { $0.info.gvr }
            let bootstrap = APIServiceBootstrap(served: served)
            #expect(try await bootstrap.ensure(over: server.client) == 19)
            #expect(try await bootstrap.ensure(over: server.client) == 0)
            let core: APIService = try await Self.get(APIService.self, Self.services, "v1.", server)
            #expect(core.spec.groupPriorityMinimum == 18_000 && core.spec.versionPriority == 1)
            #expect(core.status.conditions.first?.status == "True")
            #expect(core.metadata.labels["kube-aggregator.kubernetes.io/automanaged"] == "onstart")
            let second: APIService = try await Self.get(APIService.self, Self.services, "v2.autoscaling", server)
            #expect(second.spec.versionPriority == 30)
            // A server without a group takes its registration away, but not what somebody else made.
            let fewer = APIServiceBootstrap(served: served.filter { $0.group != "batch" })
            #expect(try await fewer.ensure(over: server.client) == 1)
        }
    }

    @Test func `an autoscaler is one object in two versions`() async throws {
        let older = GroupVersionResource(group: "autoscaling", version: "v1", resource: "horizontalpodautoscalers")
        let current = GroupVersionResource(group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers")
        try await withServer(kinds: builtinKinds) { server in
            let made = APIAutoscaling.HorizontalPodAutoscaler.with {
                $0.metadata.name = "web"
                $0.metadata.namespace = "default"
                $0.spec.scaleTargetRef.kind = "Deployment"
                $0.spec.scaleTargetRef.name = "web"
                $0.spec.maxReplicas = 3
                $0.spec.targetCPUUtilizationPercentage = 50
            }
            try await server.create(older, made)
            var new: APIAutoscalingV2.HorizontalPodAutoscaler = try await Self.get(
                APIAutoscalingV2.HorizontalPodAutoscaler.self, current, "web", namespace: "default", server)
            #expect(new.spec.metrics.first?.resource?.target.averageUtilization == 50 && new.spec.minReplicas == 1)
            new.spec.metrics.append(
                MetricSpec.with { metric in
                    metric.type = "Resource"
                    metric.resource = ResourceMetricSource.with {
                        $0.name = "memory"
                        $0.target.type = "AverageValue"
                        $0.target.averageValue = try? Quantity("1Gi")
                    }
                })
            try await Self.put(new, current, server)
            var old: APIAutoscaling.HorizontalPodAutoscaler = try await Self.get(
                APIAutoscaling.HorizontalPodAutoscaler.self, older, "web", namespace: "default", server)
            #expect(old.metadata.annotations["autoscaling.alpha.kubernetes.io/metrics"]?.contains("1Gi") == true)
            // A client of the older version that changes a field keeps what it does not know.
            old.spec.maxReplicas = 7
            try await Self.put(old, older, server)
            new = try await Self.get(
                APIAutoscalingV2.HorizontalPodAutoscaler.self, current, "web", namespace: "default", server)
            #expect(new.spec.maxReplicas == 7 && new.spec.metrics.count == 2 && new.metadata.annotations.isEmpty)
            let list: APIResponse = try await server.client.perform(APIRequest(.list, older, namespace: "default"))
            guard case .list(let items, _, _, _) = list.body else { throw StatusError.internalError("no list") }
            let shown: [APIAutoscaling.HorizontalPodAutoscaler] = try items.map {
                try $0.decode(APIAutoscaling.HorizontalPodAutoscaler.self)
            }
            #expect(shown.first?.spec.targetCPUUtilizationPercentage == 50)
        }
    }

    @Test func `a request is approved where approval is asked`() async throws {
        let requests = GroupVersionResource(
            group: "certificates.k8s.io", version: "v1", resource: "certificatesigningrequests")
        try await withServer(kinds: builtinKinds) { server in
            let pem: String =
                "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"
            try await server.create(
                requests,
                CertificateSigningRequest.with {
                    $0.metadata.name = "anna"
                    $0.spec.request = Array(pem.utf8)
                    $0.spec.signerName = "example.com/signer"
                    $0.spec.usages = ["client auth"]
                })
            var request: CertificateSigningRequest = try await Self.get(
                CertificateSigningRequest.self, requests, "anna", server)
            #expect(request.spec.username == "tester" && request.spec.groups.contains("system:masters"))
            request.status.conditions = [
                CertificateSigningRequestCondition.with {
                    $0.type = "Approved"
                    $0.status = "True"
                }
            ]
            _ = try await server.client.perform(
                APIRequest(
                    .update, requests, name: "anna", subresource: "approval", body: request.jsonBytes))
            request = try await Self.get(CertificateSigningRequest.self, requests, "anna", server)
            #expect(request.status.conditions.first?.lastUpdateTime != nil)
        }
    }
}
