import APICore
import APIMachinery
import APIServer
import Codec
import Store
import Testing

/// Takes events until there are `count`.
func take(_ count: Int, from stream: any WatchStream) async throws -> [String] {
    var taken: [String] = []
    while taken.count < count, let events = try await stream.next() {
        taken += events.map { "\($0.kind.rawValue) \($0.object.name)" }
    }
    return taken
}

@Suite(.timeLimit(.minutes(5)))
struct WatchTests {
    @Test func `a watch from a version tells what came after it`() async throws {
        try await withServer { server in
            let first = try await server.createConfigMap("a")
            var second = try await server.createConfigMap("b")
            second.data["value"] = "2"
            _ = try await server.update(configMaps, second)
            let stream = try await server.watch(configMaps, [("resourceVersion", first.metadata.resourceVersion)])
            _ = try await server.request(.delete, configMaps, "a")
            #expect(try await take(3, from: stream) == ["ADDED b", "MODIFIED b", "DELETED a"])
            stream.cancel()
            #expect(try await stream.next() == nil)
        }
    }

    @Test func `a deletion carries the last state with its own version`() async throws {
        try await withServer { server in
            let map = try await server.createConfigMap("a", value: "last")
            let stream = try await server.watch(configMaps, [("resourceVersion", map.metadata.resourceVersion)])
            _ = try await server.request(.delete, configMaps, "a")
            let event = try #require(try await stream.next()?.first)
            let last = try event.object.decode(ConfigMap.self)
            #expect(last.data["value"] == "last")
            #expect(Int64(last.metadata.resourceVersion) ?? 0 > Int64(map.metadata.resourceVersion) ?? 0)
        }
    }

    @Test func `an object that begins or stops to match is added or deleted`() async throws {
        try await withServer { server in
            let stream = try await server.watch(
                configMaps, [("labelSelector", "app=x"), ("resourceVersion", String(server.store.revision))])
            var map = try await server.createConfigMap("a", labels: ["app": "y"])
            for app in ["x", "x2", "x"] {
                map.metadata.labels["app"] = app
                map = try await server.update(configMaps, map).object(ConfigMap.self)
            }
            map.data["value"] = "2"
            _ = try await server.update(configMaps, map)
            _ = try await server.request(.delete, configMaps, "a")
            #expect(
                try await take(5, from: stream) == ["ADDED a", "DELETED a", "ADDED a", "MODIFIED a", "DELETED a"])
        }
    }

    @Test func `fields select, as a kubelet watches its pods`() async throws {
        try await withServer { server in
            let stream = try await server.watch(
                pods, namespace: "", [("fieldSelector", "spec.nodeName=n1"), ("resourceVersion", "0")])
            for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n1")] {
                let pod = Pod.with { pod in
                    pod.metadata.name = name
                    pod.spec.nodeName = node
                    pod.spec.containers = [Container.with { $0.name = "c" }]
                }
                _ = try await server.client.perform(
                    APIRequest(.create, pods, namespace: "default", body: pod.jsonBytes))
            }
            #expect(try await take(2, from: stream) == ["ADDED a", "ADDED c"])
        }
    }

    @Test func `initial events end with a marked bookmark`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("a")
            _ = try await server.createConfigMap("b")
            let stream = try await server.watch(
                configMaps,
                [
                    ("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan"),
                    ("allowWatchBookmarks", "true"),
                ])
            var kinds: [String] = []
            var end: Snapshot?
            while end == nil, let events = try await stream.next() {
                for event in events {
                    kinds.append(event.kind.rawValue)
                    if event.kind == .bookmark { end = event.object }
                }
            }
            #expect(kinds == ["ADDED", "ADDED", "BOOKMARK"])
            let bookmark = try #require(try end?.decode(ConfigMap.self))
            #expect(bookmark.metadata.annotations["k8s.io/initial-events-end"] == "true")
            #expect(bookmark.metadata.resourceVersion == String(server.store.revision))
        }
    }

    @Test func `time brings bookmarks, and then the end`() async throws {
        try await withServer { server in
            let stream = try await server.watch(
                configMaps,
                [
                    ("resourceVersion", String(server.store.revision)), ("allowWatchBookmarks", "true"),
                    ("timeoutSeconds", "90"),
                ])
            _ = try await server.createConfigMap("other", namespace: "elsewhere")
            _ = try await server.request(.list, configMaps)
            server.time.advance(seconds: 61)
            server.core.tick()
            let event = try #require(try await stream.next()?.first)
            #expect(event.kind == .bookmark && event.object.revision == server.store.revision)
            server.time.advance(seconds: 30)
            server.core.tick()
            #expect(try await stream.next() == nil)
        }
    }

    @Test func `a watch goes on over a restart, from the store's history`() async throws {
        try await withDirectory { directory in
            try await withServer(in: directory) { server in
                for name in ["a", "b", "c"] { _ = try await server.createConfigMap(name, labels: ["app": name]) }
                var map = try await server.request(.get, configMaps, "b").object(ConfigMap.self)
                map.metadata.labels["app"] = "a"
                _ = try await server.update(configMaps, map)
                _ = try await server.request(.delete, configMaps, "c")
                _ = try await server.request(.create, namespaces, body: #"{"metadata":{"name":"n"}}"#)
            }
            try await withServer(in: directory) { server in
                let all = try await server.watch(configMaps, [("resourceVersion", "1")])
                let some = try await server.watch(configMaps, [("resourceVersion", "1"), ("labelSelector", "app=b")])
                let late = try await server.watch(configMaps, [("resourceVersion", "5")])
                _ = try await server.createConfigMap("d", labels: ["app": "b"])
                #expect(
                    try await take(5, from: all) == ["ADDED b", "ADDED c", "MODIFIED b", "DELETED c", "ADDED d"])
                #expect(try await take(3, from: some) == ["ADDED b", "DELETED b", "ADDED d"])
                #expect(try await take(1, from: late) == ["ADDED d"])
            }
        }
    }

    @Test func `what is compacted is refused with 410, and a list leads on`() async throws {
        try await withDirectory { directory in
            try await withServer(in: directory) { server in
                for name in ["a", "b", "c"] { _ = try await server.createConfigMap(name) }
            }
            try await withServer(in: directory) { server in
                try await server.store.compact(2)
                for version in ["1", "2"] {
                    let error = await failure { () throws(StatusError) in
                        _ = try await server.watch(configMaps, [("resourceVersion", version)])
                    }
                    #expect((error?.code == 410) == (version == "1"), "\(version)")
                    #expect(error == nil || error?.reason == "Expired")
                }
                let list = try await server.request(.list, configMaps)
                let stream = try await server.watch(configMaps, [("resourceVersion", String(list.revision))])
                _ = try await server.createConfigMap("d")
                #expect(try await take(1, from: stream) == ["ADDED d"])
            }
        }
    }

    @Test func `all changes of one revision are told`() async throws {
        try await withServer { server in
            for name in ["a", "b", "c"] { _ = try await server.createConfigMap(name) }
            let stream = try await server.watch(configMaps, [("resourceVersion", String(server.store.revision))])
            // As a lease does that expires.
            _ = try await server.store.transact(
                Transaction(
                    compares: [],
                    writes: ["a", "b", "c"].map { .delete(Array("/registry/configmaps/default/\($0)".utf8)) }))
            #expect(try await take(3, from: stream) == ["DELETED a", "DELETED b", "DELETED c"])
        }
    }

    @Test func `a watcher that does not read is cut off and delays nobody`() async throws {
        try await withServer { server in
            let cache: ResourceCache = try #require(server.core.registry.resource(configMaps)).cache
            let slow = try await server.watch(configMaps, [("resourceVersion", String(server.store.revision))])
            let quick = try await server.watch(configMaps, [("resourceVersion", String(server.store.revision))])
            let probe = TableProbe(cache.info)
            probe.flood(cache, count: 9000, from: 1_000_000)
            var seen: Int = 0
            while seen < 9000, let events = try await quick.next() { seen += events.count }
            // Both were cut at the bound: neither had read yet. What was buffered is still delivered.
            #expect(seen > 8000 && seen <= 9000)
            var count: Int = 0
            while let events = try await slow.next() { count += events.count }
            #expect(count == seen)
        }
    }
}
