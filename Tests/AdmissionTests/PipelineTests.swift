import APICore
import APIMachinery
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
