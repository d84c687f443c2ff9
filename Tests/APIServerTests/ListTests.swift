import APICore
import APIMachinery
import APIServer
import Codec
import Store
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ListTests {
    @Test func `lists are sorted by namespace and name, and selected`() async throws {
        try await withServer { server in
            _ = try await server.createConfigMap("b", labels: ["app": "x"])
            _ = try await server.createConfigMap("a", labels: ["app": "y", "extra": ""])
            _ = try await server.createConfigMap("c", namespace: "another")
            let cases: [(namespace: String, query: [(name: String, value: String)], names: [String])] = [
                ("", [], ["c", "a", "b"]), ("default", [], ["a", "b"]), ("nowhere", [], []),
                ("", [("labelSelector", "app")], ["a", "b"]), ("", [("labelSelector", "app!=x")], ["c", "a"]),
                ("default", [("labelSelector", "app in (x,z)")], ["b"]),
                ("default", [("fieldSelector", "metadata.name=a")], ["a"]),
                ("", [("fieldSelector", "metadata.name!=a")], ["c", "b"]),
                ("", [("fieldSelector", "metadata.namespace=another")], ["c"]),
            ]
            for item in cases {
                let names = try await server.request(
                    .list, configMaps, namespace: item.namespace, query: item.query
                ).names
                #expect(names == item.names)
            }
            let unknown = await failure { () throws(StatusError) in
                _ = try await server.request(.list, configMaps, query: [("fieldSelector", "spec.x=1")])
            }
            #expect(unknown?.code == 400 && unknown?.message == "field label not supported: spec.x")
        }
    }

    @Test func `pages show one moment, also across a restart`() async throws {
        try await withDirectory { directory in
            let token: String = try await withServer(in: directory) { server in
                for name in ["a", "b", "c", "d", "e"] { _ = try await server.createConfigMap(name) }
                let first = try await server.request(.list, configMaps, query: [("limit", "2")])
                #expect(first.names == ["a", "b"] && first.remaining == 3)
                _ = try await server.request(.delete, configMaps, "c")
                _ = try await server.createConfigMap("bb")
                let second = try await server.request(
                    .list, configMaps, query: [("limit", "2"), ("continue", first.continueToken)])
                #expect(second.names == ["c", "d"] && second.remaining == 1)
                #expect(second.revision == first.revision)
                return second.continueToken
            }
            try await withServer(in: directory) { server in
                let third = try await server.request(
                    .list, configMaps, query: [("limit", "2"), ("continue", token)])
                #expect(third.names == ["e"] && third.continueToken.isEmpty && third.remaining == nil)
                #expect(try await server.request(.list, configMaps).names == ["a", "b", "bb", "d", "e"])
                try await server.store.compact(server.store.revision)
                let expired = await failure { () throws(StatusError) in
                    _ = try await server.request(.list, configMaps, query: [("limit", "2"), ("continue", token)])
                }
                #expect(expired?.code == 410 && expired?.reason == "Expired")
                let again: String = try #require(expired?.status.metadata.continue)
                let rest = try await server.request(.list, configMaps, query: [("continue", again)])
                #expect(rest.names == ["e"])
            }
        }
    }

    @Test func `versions in lists mean what upstream says`() async throws {
        try await withServer { server in
            let first = try await server.createConfigMap("a")
            let old: String = first.metadata.resourceVersion
            _ = try await server.createConfigMap("b")
            let exact: [(name: String, value: String)] = [
                ("resourceVersion", old), ("resourceVersionMatch", "Exact"),
            ]
            #expect(try await server.request(.list, configMaps, query: exact).names == ["a"])
            #expect(try await server.request(.list, configMaps, query: [("resourceVersion", old)]).names.contains("a"))
            #expect(try await server.request(.list, configMaps, query: [("resourceVersion", "0")]).names.contains("a"))
            let bad = await failure { () throws(StatusError) in
                _ = try await server.request(.list, configMaps, query: [("resourceVersionMatch", "Exact")])
            }
            #expect(bad?.code == 422)
            let token = await failure { () throws(StatusError) in
                _ = try await server.request(.list, configMaps, query: [("continue", "!!")])
            }
            #expect(token?.code == 400)
            let text = await failure { () throws(StatusError) in
                _ = try await server.request(.list, configMaps, query: [("resourceVersion", "x")])
            }
            #expect(text?.code == 422)
        }
    }

    @Test func `an object of an older epoch is shown with today's defaults`() async throws {
        try await withDirectory { directory in
            try await withServer(in: directory) { server in
                let plain: String =
                    #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"default","uid":"u"},"spec":{}}"#
                _ = try await server.store.transact(
                    Transaction(
                        compares: [],
                        writes: [.put(Array("/registry/pods/default/p".utf8), value: Array(plain.utf8), lease: 0)]))
                let pod = try await server.request(.get, pods, "p").object(Pod.self)
                #expect(pod.spec.terminationGracePeriodSeconds == 30 && pod.metadata.resourceVersion == "1")
            }
        }
    }

    @Test(arguments: [1, 255, 256, 257, 3000])
    func `the table keeps its order through inserts and removals`(count: Int) async throws {
        try await withServer { server in
            let cache: ResourceCache = try #require(server.core.registry.resource(configMaps)).cache
            var table = TableProbe(cache.info)
            for index in 0..<count { table.put((index * 7919) % count) }
            #expect(table.isSorted && table.count == count)
            for index in stride(from: 0, to: count, by: 3) { table.remove(index) }
            #expect(table.isSorted && table.count == count - (count + 2) / 3)
        }
    }
}
