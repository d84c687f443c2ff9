import API
import APIMachinery
import Client
import Testing

@testable import Kubelet

@Suite struct WatchedObjectSourcesTests {
    private func pod(_ uid: String, _ yaml: String) -> Pod {
        var pod: Pod = .web(yaml)
        pod.metadata.uid = uid
        return pod
    }

    @Test func `all that a pod names is found`() {
        let pod: Pod = .web(
            """
            spec:
              imagePullSecrets: [{name: pull}]
              initContainers: [{name: i, envFrom: [{configMapRef: {name: i}}]}]
              containers:
              - name: main
                envFrom: [{secretRef: {name: e}}]
                env:
                - {name: A, valueFrom: {configMapKeyRef: {name: k, key: a}}}
                - {name: B, valueFrom: {secretKeyRef: {name: s, key: b}}}
                - {name: C, value: c}
              volumes:
              - {name: v, configMap: {name: v}}
              - {name: w, secret: {secretName: w}}
              - {name: p, projected: {sources: [{configMap: {name: pc}}, {secret: {name: ps}}]}}
            """)
        let found: Set<ObjectReferenceKey> = pod.objectReferences
        #expect(found.filter { $0.kind == .configMap }.map(\.object.name).sorted() == ["i", "k", "pc", "v"])
        #expect(found.filter { $0.kind == .secret }.map(\.object.name).sorted() == ["e", "ps", "pull", "s", "w"])
    }

    @Test func `an object is watched once, by name, while any pod refers to it`() async throws {
        let server = ScriptedServer()
        server.put(ConfigMap.settings(["a": "1"]))
        var settings = InformerSettings()
        settings.clock = ManualMonotonicClock()
        let sources = WatchedObjectSources(over: server, settings: settings)
        let yaml = "spec: {volumes: [{name: v, configMap: {name: settings}}]}"
        try await with([{ await sources.run() }]) {
            sources.register(pod("one", yaml))
            sources.register(pod("two", yaml))
            sources.register(pod("two", yaml))
            #expect(await eventually { server.isWatched("configmaps", "settings") })
            #expect(server.count(.watch, "configmaps") == 1)
            let list: APIRequest = try #require(server.requests.first { $0.resource.resource == "configmaps" })
            #expect(list.namespace == "default")
            #expect(list.query.contains { $0.name == "fieldSelector" && $0.value == "metadata.name=settings" })

            #expect(try await sources.configMap(namespace: "default", name: "settings").data["a"] == "1")
            #expect(server.count(.get, "configmaps") == 0, "answered from the cache")
            server.put(ConfigMap.settings(["a": "2"]))
            var seen: String?
            for _ in 0..<10_000 where seen != "2" {
                seen = try await sources.configMap(namespace: "default", name: "settings").data["a"]
                await Task.yield()
            }
            #expect(seen == "2")

            sources.unregister(uid: "one")
            #expect(sources.watchCount == 1)
            sources.register(pod("two", "spec: {}"))
            #expect(sources.watchCount == 0)
            #expect(await eventually { !server.isWatched("configmaps", "settings") })
            // Without a watch: asked each time.
            #expect(try await sources.configMap(namespace: "default", name: "settings").data["a"] == "2")
            #expect(server.count(.get, "configmaps") == 1)
            // The same object again gets a watch of its own.
            sources.register(pod("three", yaml))
            #expect(await eventually { server.isWatched("configmaps", "settings") })
        }
    }

    @Test func `watches are bounded, reading is not`() async throws {
        let server = ScriptedServer()
        server.put(Secret.keys(["k": [1]]))
        let sources = WatchedObjectSources(over: server, limit: 1)
        sources.register(.web("spec: {volumes: [{name: v, configMap: {name: a}}, {name: w, configMap: {name: b}}]}"))
        #expect(sources.watchCount == 1)
        #expect(try await sources.secret(namespace: "default", name: "keys").data["k"] == [1])
        await #expect(throws: StatusError.notFound(.init(group: "", version: "v1", resource: "secret"), "none")) {
            try await sources.secret(namespace: "default", name: "none")
        }
    }

    @Test func `services are known once they were read`() async throws {
        let server = ScriptedServer()
        let clock = ManualMonotonicClock()
        var settings = InformerSettings()
        settings.clock = clock
        let sources = WatchedObjectSources(over: server, settings: settings)
        server.put(
            Service.with {
                $0.metadata.namespace = "default"
                $0.metadata.name = "web"
            })
        await with([
            {
                await clock.waitForSleepers()
                clock.advance(by: .seconds(5))
            }
        ]) {
            await #expect(throws: StatusError.self) { try await sources.services(namespace: "default") }
            return
        }
        try await with([{ await sources.run() }]) {
            let known: [Service] = try await sources.services(namespace: "default")
            #expect(known.map(\.metadata.name) == ["web"])
            let others: [Service] = try await sources.services(namespace: "other")
            #expect(others.isEmpty)
        }
    }
}
