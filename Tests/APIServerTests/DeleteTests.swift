import APICore
import APIMachinery
import APIServer
import Codec
import Testing

@Suite(.timeLimit(.minutes(5)))
struct DeleteTests {
    private func makePod(_ server: TestServer, _ name: String, node: String, finalizers: [String] = []) async throws
        -> Pod
    {
        let pod = Pod.with { pod in
            pod.metadata.name = name
            pod.metadata.finalizers = finalizers
            pod.spec.nodeName = node
            pod.spec.containers = [Container.with { $0.name = "c" }]
        }
        return try await server.client.perform(
            APIRequest(.create, pods, namespace: "default", body: pod.jsonBytes)
        ).object(Pod.self)
    }

    @Test func `a plain object is gone at once and a Status tells its uid`() async throws {
        try await withServer { server in
            let map = try await server.createConfigMap("a")
            let response = try await server.request(.delete, configMaps, "a")
            #expect(response.code == 200)
            #expect(response.status?.status == "Success" && response.status?.details?.uid == map.metadata.uid)
            #expect(response.status?.details?.kind == "configmaps")
            let gone = await failure { () throws(StatusError) in _ = try await server.request(.get, configMaps, "a") }
            #expect(gone?.code == 404)
            let again = await failure { () throws(StatusError) in _ = try await server.request(.delete, configMaps, "a")
            }
            #expect(again?.code == 404)
        }
    }

    @Test func `preconditions protect`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("a")
            let uid = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .delete, configMaps, "a",
                    body: #"{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"other"}}"#)
            }
            #expect(uid?.code == 409)
            let version = await failure { () throws(StatusError) in
                _ = try await server.request(
                    .delete, configMaps, "a", body: #"{"preconditions":{"resourceVersion":"999"}}"#)
            }
            #expect(version?.code == 409)
            let policy = await failure { () throws(StatusError) in
                _ = try await server.request(.delete, configMaps, "a", query: [("propagationPolicy", "Never")])
            }
            #expect(policy?.code == 422)
        }
    }

    @Test func `finalizers keep an object until the last one is taken away`() async throws {
        try await withServer { server in
            let pod = try await makePod(server, "a", node: "", finalizers: ["x.io/f"])
            let marked = try await server.request(.delete, pods, "a").object(Pod.self)
            #expect(marked.metadata.deletionTimestamp == server.time.wall.now)
            #expect(marked.metadata.deletionGracePeriodSeconds == 0 && marked.metadata.uid == pod.metadata.uid)
            var more = marked
            more.metadata.finalizers.append("x.io/g")
            let extended: Pod = more
            let added = await failure { () throws(StatusError) in _ = try await server.update(pods, extended) }
            #expect(added?.code == 422)
            more.metadata.finalizers = []
            _ = try await server.update(pods, more)
            let gone = await failure { () throws(StatusError) in _ = try await server.request(.get, pods, "a") }
            #expect(gone?.code == 404)
        }
    }

    @Test func `propagation policies leave their finalizers`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("a")
            let orphaned = try await server.request(
                .delete, configMaps, "a", query: [("propagationPolicy", "Orphan")])
            #expect(orphaned.code == 200)
            #expect(try orphaned.object(ConfigMap.self).metadata.finalizers == ["orphan"])
            let waiting = try await server.request(
                .delete, configMaps, "a", query: [("propagationPolicy", "Foreground")])
            #expect(waiting.code == 202)
            #expect(try waiting.object(ConfigMap.self).metadata.finalizers == ["foregroundDeletion"])
            _ = try await server.request(.delete, configMaps, "a", query: [("propagationPolicy", "Background")])
            #expect(try await server.request(.list, configMaps).names.isEmpty)
        }
    }

    @Test func `a pod on a node goes in two steps, and grace only shrinks`() async throws {
        try await withServer { server in
            _ = try await makePod(server, "a", node: "n1")
            let first = try await server.request(.delete, pods, "a").object(Pod.self)
            #expect(first.metadata.deletionGracePeriodSeconds == 30)
            #expect(first.metadata.deletionTimestamp == server.time.wall.now.adding(seconds: 30))
            #expect(first.metadata.generation == 2)
            let longer = try await server.request(.delete, pods, "a", query: [("gracePeriodSeconds", "60")]).object(
                Pod.self)
            #expect(longer == first)
            let shorter = try await server.request(.delete, pods, "a", query: [("gracePeriodSeconds", "5")]).object(
                Pod.self)
            #expect(shorter.metadata.deletionTimestamp == server.time.wall.now.adding(seconds: 5))
            #expect(shorter.metadata.deletionGracePeriodSeconds == 5)
            let last = try await server.request(.delete, pods, "a", query: [("gracePeriodSeconds", "0")])
            #expect(try last.object(Pod.self).metadata.uid == first.metadata.uid)
            #expect(try await server.request(.list, pods).names.isEmpty)
            _ = try await makePod(server, "b", node: "")
            _ = try await server.request(.delete, pods, "b")
            #expect(try await server.request(.list, pods).names.isEmpty)
        }
    }

    @Test func `a collection is deleted by its selector`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("a", labels: ["app": "x"])
            _ = try await server.createConfigMap("b", labels: ["app": "y"])
            _ = try await server.createConfigMap("c", labels: ["app": "x"])
            let gone = try await server.request(.deletecollection, configMaps, query: [("labelSelector", "app=x")])
            #expect(gone.names == ["a", "c"])
            #expect(try await server.request(.list, configMaps).names == ["b"])
        }
    }
}
