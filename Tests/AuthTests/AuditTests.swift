import APICore
import APIMachinery
import APIServerAudit
import Codec
import Foundation
import Synchronization
import Testing

@testable import APIServer

/// Keeps lines; has room for so many.
private final class LineSink: AuditSink {
    private let lines = Mutex<[[UInt8]]>([])
    private let room: Int

    init(room: Int = .max) {
        self.room = room
    }

    func append(_ line: [UInt8]) -> Bool {
        lines.withLock { lines in
            guard lines.count < room else { return false }
            lines.append(line)
            return true
        }
    }

    var events: [JSONValue] { lines.withLock { $0 }.compactMap { try? JSONValue(parsing: $0) } }
}

private func policy(_ rules: String, _ more: String = "") throws -> AuditPolicy {
    try AuditPolicy(yaml: Array("apiVersion: audit.k8s.io/v1\nkind: Policy\n\(more)\nrules:\n\(rules)".utf8))
}

private func request(
    _ verb: String, _ resource: String = "", group: String = "", namespace: String = "", name: String = "",
    subresource: String = "", path: String = "", user: UserInfo = UserInfo(name: "jane", groups: ["dev"])
) -> RequestContext {
    RequestContext(
        user: user, verb: verb, resource: GroupVersionResource(group: group, version: "v1", resource: resource),
        namespace: namespace, name: name, subresource: subresource, path: path)
}

@Suite struct AuditPolicyTests {
    private struct Case: Sendable {
        var rule: String
        var matches: [RequestContext]
        var misses: [RequestContext]
    }

    private static let cases: [Case] = [
        Case(
            rule: "{level: Metadata}", matches: [request("get", "pods"), request("get", path: "/healthz")], misses: []),
        Case(
            rule: "{level: Metadata, users: [jane], userGroups: [dev, ops], verbs: [get]}",
            matches: [request("get", "pods")],
            misses: [
                request("list", "pods"), request("get", "pods", user: UserInfo(name: "joe", groups: ["dev"])),
                request("get", "pods", user: UserInfo(name: "jane")),
            ]),
        Case(
            rule: "{level: Metadata, resources: [{group: '', resources: [pods, 'pods/log']}], namespaces: [a, '']}",
            matches: [
                request("get", "pods", namespace: "a"), request("list", "pods"),
                request("get", "pods", namespace: "a", subresource: "log"),
            ],
            misses: [
                request("get", "pods", namespace: "b"), request("get", "pods", group: "x", namespace: "a"),
                request("get", "pods", namespace: "a", subresource: "exec"), request("get", path: "/healthz"),
            ]),
        Case(
            rule: "{level: Metadata, resources: [{group: apps, resources: ['*/status']}, {group: '', resources: "
                + "['nodes/*'], resourceNames: [one]}, {group: batch}]}",
            matches: [
                request("update", "deployments", group: "apps", subresource: "status"),
                request("get", "jobs", group: "batch"),
                request("get", "nodes", name: "one", subresource: "proxy"), request("get", "nodes", name: "one"),
            ],
            misses: [
                request("update", "deployments", group: "apps"), request("get", "nodes", name: "m"),
                request("get", "pods"),
            ]),
        Case(
            rule: "{level: Metadata, nonResourceURLs: ['/healthz', '/api*']}",
            matches: [request("get", path: "/healthz"), request("get", path: "/apis/apps")],
            misses: [request("get", path: "/healthz/x"), request("get", "pods")]),
    ]

    @Test func `a rule fits what it says`() throws {
        for item in Self.cases {
            let parsed: AuditPolicy = try policy("- " + item.rule)
            for context in item.matches {
                #expect(parsed.decision(context, user: context.user).level == .metadata, "\(item.rule) \(context)")
            }
            for context in item.misses {
                #expect(parsed.decision(context, user: context.user).level == .none, "\(item.rule) \(context)")
            }
        }
    }

    @Test func `the first rule that fits counts, and stages add up`() throws {
        let parsed: AuditPolicy = try policy(
            """
            - {level: None, users: [joe]}
            - {level: Request, verbs: [create], omitStages: [ResponseComplete], omitManagedFields: true}
            - {level: Metadata}
            """, "omitStages: [RequestReceived]")
        let joe = request("create", "pods", user: UserInfo(name: "joe"))
        #expect(parsed.decision(joe, user: joe.user).level == .none)
        let create = request("create", "pods")
        #expect(
            parsed.decision(create, user: create.user)
                == AuditPolicy.Decision(
                    level: .request, omitStages: [.requestReceived, .responseComplete], omitManagedFields: true))
        #expect(parsed.decision(request("get", "pods"), user: create.user).omitManagedFields == false)
    }

    @Test(arguments: [
        ("- {level: Everything}", "rules[0].level: Unsupported value: \"Everything\""),
        ("- {level: None}\n- {users: [a]}", "rules[1].level"), ("- {level: None, user: [a]}", "rules[0].user: unknown"),
        ("- {level: None, users: [1]}", "a list of strings"), ("- {level: None, omitStages: [Later]}", "\"Later\""),
        ("- {level: None, nonResourceURLs: [healthz]}", "must begin with a '/'"),
        ("- {level: None, nonResourceURLs: ['/a*b']}", "'*' at most at its end"),
        ("- {level: None, nonResourceURLs: ['/a'], namespaces: [b]}", "both regular resources and non-resource URLs"),
        ("- {level: None, resources: [{resourceNames: [a]}]}", "requires at least one resource"),
        ("  []", "at least one rule"),
    ])
    func `what is wrong with a policy is named`(_ rules: String, _ text: String) {
        do {
            _ = try policy(rules)
            Issue.record("accepted: \(rules)")
        } catch {
            #expect("\(error)".contains(text), "\(error)")
        }
    }

    @Test func `other files are no policies`() {
        for text in ["", "{", "apiVersion: v1\nkind: Policy\nrules: [{level: None}]"] {
            #expect(throws: AuditPolicyError.self) { try AuditPolicy(yaml: Array(text.utf8)) }
        }
    }
}

@Suite struct AuditLogTests {
    private let secret = Secret.with {
        $0.metadata.name = "s"
        $0.metadata.namespace = "default"
        $0.data = ["password": Array("hunter2".utf8)]
    }

    @Test func `a request is told stage by stage, without bodies at Metadata`() async throws {
        let sink = LineSink()
        try await withCluster(audit: AuditLog(policy: try policy("- {level: Metadata}"), sink: sink)) { cluster in
            _ = try await cluster.create(secret, "secrets")
        }
        let events: [JSONValue] = sink.events
        #expect(events.map { $0["stage"]?.string } == ["RequestReceived", "ResponseComplete"])
        let end: JSONValue = try #require(events.last)
        #expect(end["kind"]?.string == "Event" && end["apiVersion"]?.string == "audit.k8s.io/v1")
        #expect(end["verb"]?.string == "create")
        #expect(end["auditID"]?.string == events.first?["auditID"]?.string)
        #expect(end["user", "username"]?.string == "admin")
        #expect(end["requestURI"]?.string == "/api/v1/namespaces/default/secrets")
        #expect(end["objectRef", "resource"]?.string == "secrets")
        #expect(end["objectRef", "name"]?.string == "s")
        #expect(end["responseStatus", "code"]?.int == 201)
        #expect(end["annotations", "authorization.k8s.io/decision"]?.string == "allow")
        #expect(end["requestObject"] == nil && end["responseObject"] == nil)
        #expect(!"\(events)".contains("aHVudGVyMg"))
    }

    @Test func `bodies are kept where the policy asks for them`() async throws {
        let sink = LineSink()
        let rules: String = """
            - {level: Request, verbs: [create], omitManagedFields: true}
            - {level: RequestResponse, verbs: [get, list]}
            """
        try await withCluster(
            audit: AuditLog(policy: try policy(rules, "omitStages: [RequestReceived]"), sink: sink)
        ) { cluster in
            let map = ConfigMap.with {
                $0.metadata.name = "m"
                $0.metadata.namespace = "default"
                $0.metadata.managedFields = [ManagedFieldsEntry.with { $0.manager = "me" }]
                $0.data = ["a": "b"]
            }
            _ = try await cluster.create(map, "configmaps")
            let gvr = GroupVersionResource(group: "", version: "v1", resource: "configmaps")
            _ = try await cluster.admin.perform(APIRequest(.get, gvr, namespace: "default", name: "m"))
            _ = try await cluster.admin.perform(APIRequest(.list, gvr, namespace: "default"))
            let missing = await failure {
                _ = try await cluster.admin.perform(APIRequest(.get, gvr, namespace: "default", name: "x"))
            }
            #expect(missing?.code == 404)
        }
        let events: [JSONValue] = sink.events
        try #require(events.count == 4)
        #expect(events[0]["requestObject", "data", "a"]?.string == "b")
        #expect(events[0]["requestObject", "metadata", "managedFields"] == nil)
        #expect(events[0]["responseObject"] == nil)
        #expect(events[1]["responseObject", "data", "a"]?.string == "b")
        #expect(events[1]["responseObject", "metadata", "resourceVersion"]?.string?.isEmpty == false)
        #expect(events[2]["responseObject", "items"]?.array?.count == 1)
        #expect(events[3]["responseStatus", "reason"]?.string == "NotFound")
        #expect(events[3]["responseStatus", "code"]?.int == 404)
    }

    @Test func `bodies in protobuf are kept as JSON`() async throws {
        let sink = LineSink()
        let rules: String = "- {level: Request}"
        try await withCluster(
            audit: AuditLog(policy: try policy(rules, "omitStages: [RequestReceived]"), sink: sink)
        ) { cluster in
            let map = ConfigMap.with {
                $0.metadata.name = "m"
                $0.data = ["a": "b"]
            }
            let gvr = GroupVersionResource(group: "", version: "v1", resource: "configmaps")
            _ = try await cluster.admin.perform(
                APIRequest(
                    .create, gvr, namespace: "default", body: ProtobufEnvelope.encode(map),
                    contentType: "application/vnd.kubernetes.protobuf"))
        }
        #expect(sink.events.first?["requestObject", "data", "a"]?.string == "b")
        #expect(sink.events.first?["requestObject", "kind"]?.string == "ConfigMap")
    }

    @Test func `a watch begins and ends`() async throws {
        let sink = LineSink()
        try await withCluster(audit: AuditLog(policy: try policy("- {level: Metadata}"), sink: sink)) { cluster in
            let gvr = GroupVersionResource(group: "", version: "v1", resource: "configmaps")
            let watch = try await cluster.admin.watch(APIRequest(.watch, gvr, namespace: "default"))
            watch.cancel()
        }
        #expect(
            sink.events.map { $0["stage"]?.string } == ["RequestReceived", "ResponseStarted", "ResponseComplete"])
    }

    @Test func `what is lost is counted`() async throws {
        let log = AuditLog(policy: try policy("- {level: Metadata}"), sink: LineSink(room: 1))
        try await withCluster(audit: log) { cluster in _ = try await cluster.create(secret, "secrets") }
        var text: String = ""
        log.writeMetrics(to: &text)
        #expect(text.contains("apiserver_audit_event_total 1\n"))
        #expect(text.contains("apiserver_audit_error_total{plugin=\"log\"} 1\n"))
    }
}

@Suite struct AuditFileTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path: String = "/tmp/swiftlet-audit-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func `lines are in the file when it is closed`() throws {
        try withDirectory { directory in
            let file = try AuditFile(AuditFile.Settings(path: directory + "/audit.log"), clock: ManualWallClock()) {
                Issue.record("\($0)")
            }
            for number in 0..<100 { #expect(file.append(Array("{\"n\":\(number)}".utf8))) }
            file.close()
            #expect(!file.append([]))
            let text = try String(contentsOfFile: directory + "/audit.log", encoding: .utf8)
            #expect(text.split(separator: "\n").count == 100)
            #expect(text.hasPrefix("{\"n\":0}\n{\"n\":1}\n"))
        }
    }

    @Test func `a large file is turned over, and old ones go`() throws {
        try withDirectory { directory in
            let clock = ManualWallClock()
            var settings = AuditFile.Settings(path: directory + "/audit.log")
            settings.maxSize = 1
            settings.maxBackups = 2
            let line = [UInt8](repeating: 0x61, count: 700_000)
            for _ in 0..<5 {
                let file = try AuditFile(settings, clock: clock) { Issue.record("\($0)") }
                #expect(file.append(line))
                file.close()
                clock.advance(seconds: 1)
            }
            let names: [String] = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            #expect(names.count == 3, "\(names)")
            #expect(names.filter { $0.hasPrefix("audit-") && $0.hasSuffix(".log") }.count == 2)
        }
    }

    @Test func `a file that cannot be made is told at once`() {
        #expect(throws: AuditFile.Failure.self) {
            try AuditFile(AuditFile.Settings(path: "/nowhere/audit.log"), clock: ManualWallClock()) { _ in }
        }
    }
}
