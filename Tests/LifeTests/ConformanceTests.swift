import APIMachinery
import APIServer
import Client
import ClientHTTP
import Codec
import Testing

/// What conformance asks of the API server beyond the life of a resource; docs/conformance.md says which test answers
/// which demand.
@Suite(.timeLimit(.minutes(5)))
struct ConformanceTests {
    /// A run of one resource's row, for its paths and calls.
    private func run(_ resource: String, _ server: LifeServer) throws -> LifeRun {
        let life: Life = try #require(Lives.all.first { $0.resource == resource })
        let info: ResourceInfo? = LifeServer.kinds.map { $0.info }
            .first { "\($0.gvr.apiVersion) \($0.gvr.resource)" == resource }
        return LifeRun(server: server, life: life, info: try #require(info))
    }

    @Test func `discovery leads from each group over its preferred version to its resources`() async throws {
        try await LifeServer.run { server in
            let run: LifeRun = try run("v1 configmaps", server)
            let groups: [JSONValue] = try await run.call("GET", "/apis").body["groups"]?.array ?? []
            #expect(groups.count > 8)
            for group in groups {
                let name: String = group.text("name")
                let versions: [String] = group["versions"]?.array?.map { $0.text("groupVersion") } ?? []
                #expect(versions.contains(group.text("preferredVersion", "groupVersion")), "\(name)")
                #expect(try await run.call("GET", "/apis/\(name)").body["versions"] == group["versions"])
                for version in versions {
                    let list: JSONValue = try await run.call("GET", "/apis/\(version)").body
                    #expect(list.text("kind") == "APIResourceList" && list.text("groupVersion") == version)
                    #expect(list["resources"]?.array?.isEmpty == false, "\(version)")
                }
            }
            let core: JSONValue = try await run.call("GET", "/api").body
            #expect(core["versions"] == ["v1"])
            let aggregated: String = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            for path in ["/api", "/apis"] {
                let list: JSONValue = try await run.call("GET", path, accept: aggregated).body
                #expect(list.text("kind") == "APIGroupDiscoveryList")
                #expect(list.text("apiVersion") == "apidiscovery.k8s.io/v2")
                #expect(list["items"]?.array?.isEmpty == false)
            }
            let all: JSONValue = try await run.call("GET", "/apis", accept: aggregated).body
            let named: [String] = all["items"]?.array?.map { $0.text("metadata", "name") } ?? []
            #expect(Set(named) == Set(groups.map { $0.text("name") }))
        }
    }

    private static func body(_ name: String) -> String {
        #"{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"\#(name)","unknownMeta":1},"#
            + #""spec":{"unknown1":1,"paused":true,"paused":false,"selector":{"matchLabels":{"a":"b"}},"#
            + #""template":{"metadata":{"labels":{"a":"b"},"unknownMeta":2},"#
            + #""spec":{"containers":[{"name":"c","image":"i","unknownNested":1,"image":"j"}]}}}}"#
    }

    private static let problems: [String] = [
        #"unknown field "metadata.unknownMeta""#, #"unknown field "spec.unknown1""#,
        #"duplicate field "spec.paused""#, #"unknown field "spec.template.metadata.unknownMeta""#,
        #"unknown field "spec.template.spec.containers[0].unknownNested""#,
        #"duplicate field "spec.template.spec.containers[0].image""#,
    ]

    @Test(arguments: ["POST", "PUT", "PATCH"])
    func `unknown and duplicate fields are found at every depth`(method: String) async throws {
        try await LifeServer.run { server in
            let run: LifeRun = try run("apps/v1 deployments", server)
            if method != "POST" { _ = try await run.call("POST", run.path, run.object()) }
            let path: String = method == "POST" ? run.path : run.own
            let type: String = method == "PATCH" ? "application/merge-patch+json" : LifeRun.json
            func send(_ validation: String) async throws(StatusError) -> RawResponse {
                try await server.transport.send(
                    RawRequest(
                        method, path + "?dryRun=All" + validation, body: Array(Self.body(run.name).utf8),
                        contentType: type))
            }
            do throws(StatusError) {
                _ = try await send("&fieldValidation=Strict")
                Issue.record("strict validation accepted it")
            } catch {
                #expect(error.code == (method == "PATCH" ? 422 : 400))
                for problem in Self.problems { #expect(error.message.contains(problem)) }
            }
            for validation in ["", "&fieldValidation=Warn"] {
                let warnings: [String] = try await send(validation).warnings
                for problem in Self.problems { #expect(warnings.contains(problem), "\(warnings)") }
            }
            #expect(try await send("&fieldValidation=Ignore").warnings == [])
        }
    }

    @Test func `watches that run at the same time see the same events in the same order`() async throws {
        try await LifeServer.run { server in
            let run: LifeRun = try run("v1 configmaps", server)
            let start: String = try await run.call("GET", run.path).body.text("metadata", "resourceVersion")
            let seen: [[String]] = try await withThrowingTaskGroup(of: [String]?.self) { group in
                for _ in 0..<6 {
                    let stream: any WatchStream = try await server.transport.watch(
                        APIRequest(
                            .watch, run.info.gvr, namespace: "default", query: [("resourceVersion", start)]))
                    group.addTask { try await Self.events(stream) }
                }
                try await withThrowingTaskGroup(of: Void.self) { writers in
                    for writer in 0..<4 { writers.addTask { try await Self.write(run, writer) } }
                    try await writers.waitForAll()
                }
                _ = try await run.call("POST", run.path, run.object("end"))
                var seen: [[String]] = []
                for try await events in group { seen.append(events ?? []) }
                return seen
            }
            #expect(seen.count == 6 && seen[0].count == 4 * 10 * 3 + 1)
            for events in seen { #expect(events == seen[0]) }
        }
    }

    private static func write(_ run: LifeRun, _ writer: Int) async throws {
        for round in 0..<10 {
            let name: String = "w\(writer)-\(round)"
            let made: JSONValue = try await run.call("POST", run.path, run.object(name)).body
            _ = try await run.call("PUT", run.path + "/" + name, made.setting(["data", "k"], "changed"))
            _ = try await run.call("DELETE", run.path + "/" + name)
        }
    }

    /// All events until the object `end` appears.
    private static func events(_ stream: any WatchStream) async throws -> [String] {
        var seen: [String] = []
        while let events = try await stream.next() {
            for event in events {
                seen.append("\(event.kind.rawValue) \(event.object.name) \(event.object.revision)")
                if event.object.name == "end" { return seen }
            }
        }
        return seen
    }

    @Test func `a namespace's finalizers change through finalize alone`() async throws {
        try await LifeServer.run { server in
            let run: LifeRun = try run("v1 namespaces", server)
            let made: JSONValue = try await run.call("POST", run.path, run.object()).body
            #expect(made["spec"]?["finalizers"] == ["kubernetes"])
            let wanted: JSONValue = made.setting(["spec", "finalizers"], ["kubernetes", "example.com/held"])
            let main: JSONValue = try await run.call("PUT", run.own, wanted).body
            #expect(main["spec"] == made["spec"])
            // What was sent is owned now, whether or not it counted: that is a new version.
            let again: JSONValue = main.setting(["spec", "finalizers"], ["kubernetes", "example.com/held"])
            let held: JSONValue = try await run.call("PUT", run.own + "/finalize", again).body
            #expect(held["spec"]?["finalizers"] == ["kubernetes", "example.com/held"])
            _ = try await run.call("DELETE", run.own)
            let going: JSONValue = try await run.get()
            #expect(going.text("status", "phase") == "Terminating")
            _ = try await run.call("PUT", run.own + "/finalize", going.setting(["spec", "finalizers"], []))
            #expect(await run.refusal("GET", run.own)?.code == 404)
        }
    }
}
