import APICore
import APIMachinery
import APIServer
import Codec
import Compression
import Foundation
import Testing

@Suite(.timeLimit(.minutes(5)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")))
struct HTTPTests {
    @Test func `objects are written and read over HTTP`() async throws {
        try await withHTTP { server, url in
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            let body: String =
                #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"warn":"say \"x\""}}"#
            let made = try await curl(root + ["-H", "Content-Type: application/json", "-d", body, maps])
            #expect(made.code == 201 && made.json["metadata", "name"]?.string == "a")
            #expect(made.fields["warning"] == #"299 - "data.warn: say \"x\"""#)
            #expect(made.fields["audit-id"]?.isEmpty == false)
            let read = try await curl(root + [maps + "/a"])
            #expect(read.code == 200 && read.json == made.json)
            #expect(read.body.hasPrefix(#"{"# + "\n  \"kind\": \"ConfigMap\""), "curl gets it indented")
            let list = try await curl(root + ["-A", "x", url + "/api/v1/configmaps"])
            #expect(list.json["kind"]?.string == "ConfigMapList")
            #expect(list.json["items"]?[0]?["metadata", "name"]?.string == "a")
            #expect(list.json["items"]?[0]?["kind"] == nil)
            let yaml = try await curl(root + ["-H", "Accept: application/yaml", maps + "/a"])
            #expect(yaml.fields["content-type"] == "application/yaml" && yaml.body.contains("name: a\n"))
            let gone = try await curl(root + ["-X", "DELETE", maps + "/a"])
            #expect(gone.code == 200 && gone.json["status"]?.string == "Success")
            let missing = try await curl(root + [maps + "/a"])
            #expect(missing.code == 404 && missing.message == #"configmaps "a" not found"#)
        }
    }

    @Test func `who is nobody may nothing, and paths have one meaning`() async throws {
        try await withHTTP { _, url in
            let cases: [(arguments: [String], code: Int)] = [
                ([url + "/api/v1/pods"], 403), (["-H", "Authorization: Bearer bad", url + "/api/v1/pods"], 401),
                (["-H", "Authorization: Bearer jane", url + "/api/v1/pods"], 403),
                (root + [url + "/api/v1/pods"], 200), (root + [url + "/api/v1//pods"], 400),
                (root + [url + "/api/v1/namespaces/../pods"], 400), (root + [url + "/api/v1/pods%2f"], 400),
                (root + [url + "/api/v1/%zz"], 400), (root + [url + "/api/v1/widgets"], 404),
                (root + [url + "/nowhere"], 404), (root + ["-X", "BREW", url + "/api/v1/pods"], 405),
                (root + ["-X", "POST", "-d", "{}", url + "/api/v1/pods"], 405),
                (root + ["-X", "DELETE", url + "/api/v1/pods"], 405),
                (root + ["-H", "Accept: image/png", url + "/api/v1/pods"], 406),
                (
                    root + [
                        "-X", "POST", "-H", "Content-Type: text/html", "-d", "x",
                        url + "/api/v1/namespaces/default/configmaps",
                    ], 415
                ),
            ]
            for item in cases {
                let answer = try await curl(item.arguments)
                #expect(answer.code == item.code, "\(item.arguments)")
            }
            let anonymous = try await curl([url + "/healthz"])
            #expect(anonymous.message == #"forbidden: User "system:anonymous" cannot get path "/healthz""#)
        }
    }

    @Test func `a watch streams events, and bad history as an error event`() async throws {
        try await withHTTP { server, url in
            for name in ["a", "b"] { _ = try await server.createConfigMap(name) }
            let watch = Task {
                try await curl(root + [url + "/api/v1/configmaps?watch=1&resourceVersion=0&timeoutSeconds=5"])
            }
            // The watch ends when the test moves the server's time; give it the chance to begin first.
            let cache: ResourceCache = try #require(server.core.registry.resource(configMaps)).cache
            for _ in 0..<1000 where cache.isIdle { try await Task.sleep(for: .milliseconds(5)) }
            _ = try await server.request(.delete, configMaps, "a")
            _ = try await server.request(.list, configMaps)
            server.time.advance(seconds: 6)
            server.core.tick()
            let lines: [String] = try await watch.value.body.split(separator: "\n").map { String($0) }
            let events: [String] = lines.compactMap { line in
                guard let event = try? JSONValue(parsing: line) else { return nil }
                return "\(event["type"]?.string ?? "") \(event["object", "metadata", "name"]?.string ?? "")"
            }
            #expect(events == ["ADDED a", "ADDED b", "DELETED a"])
        }
    }

    @Test func `tables and metadata are what kubectl asks for`() async throws {
        try await withHTTP { server, url in
            let pod: String =
                #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}]}}"#
            _ = try await server.request(.create, pods, body: pod)
            server.time.advance(seconds: 90)
            let accept: String = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
            let table = try await curl(root + ["-H", accept, url + "/api/v1/namespaces/default/pods"]).json
            #expect(table["kind"]?.string == "Table")
            #expect(table["columnDefinitions"]?.array?.map { $0["name"]?.string ?? "" } == ["Name", "Status", "Age"])
            #expect(table["rows"]?[0]?["cells"]?.array == ["p", "", "90s"])
            #expect(table["rows"]?[0]?["object", "kind"]?.string == "PartialObjectMetadata")
            let partial: String = "Accept: application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
            let metadata = try await curl(root + ["-H", partial, url + "/api/v1/namespaces/default/pods"]).json
            #expect(metadata["kind"]?.string == "PartialObjectMetadataList")
            #expect(metadata["items"]?[0]?["metadata", "name"]?.string == "p")
            #expect(metadata["items"]?[0]?["spec"] == nil)
        }
    }

    @Test func `discovery, version, health and metrics answer`() async throws {
        try await withHTTP { server, url in
            let core = try await curl(root + [url + "/api/v1"]).json
            let names: [String] = core["resources"]?.array?.map { $0["name"]?.string ?? "" } ?? []
            #expect(
                names == ["bindings", "configmaps", "namespaces", "pods", "pods/binding", "pods/status"])
            let groups = try await curl(root + [url + "/apis"]).json
            #expect(groups["groups"]?[0]?["preferredVersion", "groupVersion"]?.string == "apps/v1")
            let accept: String =
                "Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
            let aggregated = try await curl(root + ["-H", accept, url + "/apis"])
            #expect(aggregated.fields["content-type"]?.contains("as=APIGroupDiscoveryList") == true)
            #expect(
                aggregated.json["items"]?[0]?["versions"]?[0]?["resources"]?[0]?["resource"]?.string == "deployments")
            let version = try await curl(root + [url + "/version"]).json
            #expect(version["major"]?.string == "1" && version["minor"]?.string == "34")
            let ready = try await curl(root + [url + "/readyz?verbose"])
            #expect(ready.code == 200 && ready.body.hasSuffix("readyz check passed\n"))
            #expect(try await curl(root + [url + "/livez/ping"]).body == "ok")
            _ = try await curl(root + [url + "/api/v1/pods"])
            let metrics = try await curl(root + [url + "/metrics"]).body
            #expect(metrics.contains(#"apiserver_request_total{code="200",component="apiserver""#))
            #expect(metrics.contains("# TYPE apiserver_request_duration_seconds histogram"))
        }
    }

    @Test func `a long list arrives whole`() async throws {
        try await withHTTP { server, url in
            let value = String(repeating: "x", count: 4000)
            for index in 0..<60 { _ = try await server.createConfigMap("m\(100 + index)", value: value) }
            let list = try await curl(root + ["-A", "x", url + "/api/v1/namespaces/default/configmaps"]).json
            #expect(list["items"]?.array?.count == 60)
        }
    }

    @Test func `large answers are compressed for those who take gzip`() async throws {
        try await withHTTP { server, url in
            let value = String(repeating: "x", count: 4000)
            for index in 0..<60 { _ = try await server.createConfigMap("m\(100 + index)", value: value) }
            let list: String = url + "/api/v1/namespaces/default/configmaps"
            _ = try await server.createConfigMap(
                "large", value: String(repeating: "y", count: 200_000), namespace: "other")
            let gzip: [String] = ["-A", "x", "-H", "Accept-Encoding: deflate, gzip;q=0.5", "--compressed"]
            let table: [String] = ["-H", "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"]
            let cases: [(arguments: [String], isCompressed: Bool)] = [
                (gzip + [list], true), (gzip + [url + "/api/v1/namespaces/other/configmaps/large"], true),
                (gzip + ["-H", "Accept: application/yaml", list], true),
                (
                    gzip + ["-H", "Accept: application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", list],
                    false
                ),
                (gzip + [list + "?limit=5"], false), (gzip + table + [list], false),
                (["-A", "x", list], false), (["-A", "x", "-H", "Accept-Encoding: gzip;q=0", list], false),
                (["-A", "x", "-H", "Accept-Encoding: identity", list], false),
            ]
            for item in cases {
                let answer = try await curl(root + item.arguments)
                #expect(answer.code == 200, "\(item.arguments)")
                #expect((answer.fields["content-encoding"] == "gzip") == item.isCompressed, "\(item.arguments)")
                #expect((answer.fields["vary"] == "Accept-Encoding") == item.isCompressed, "\(item.arguments)")
            }
            let plain = try await curl(root + ["-A", "x", list])
            let packed = try await curl(root + gzip + [list])
            #expect(packed.body == plain.body && plain.json["items"]?.array?.count == 60)
        }
    }

    @Test func `huge selectors are refused or cheap, and packed bodies are not unpacked`() async throws {
        try await withHTTP { server, url in
            _ = try await server.createConfigMap("a", labels: ["app": "x"])
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            let words: String = String(repeating: "v,", count: 15_000) + "x"
            let large = try await curl(root + [maps + "?labelSelector=app%20in%20(" + words + ")"])
            #expect(large.code == 200 && large.json["items"]?.array?.count == 1)
            let terms: String = String(repeating: "metadata.name!=b,", count: 2_500) + "metadata.name=a"
            let fields = try await curl(root + [maps + "?fieldSelector=" + terms])
            #expect(fields.code == 200 && fields.json["items"]?.array?.count == 1)
            let huge = try await curl(root + [maps + "?labelSelector=app%20in%20(" + words + words + words + ")"])
            #expect(huge.code == 200 && huge.json["items"]?.array?.count == 1)
            // 1 MiB of spaces as gzip; read as what it is, it is no JSON.
            var encoder = GzipEncoder()
            var bomb: [UInt8] = []
            encoder.append([UInt8](repeating: 0x20, count: 1 << 20), to: &bomb)
            encoder.finish(to: &bomb)
            let answer: CurlAnswer = try await withFile(bomb) { path in
                try await curl(
                    root + [
                        "-H", "Content-Type: application/json", "-H", "Content-Encoding: gzip", "--data-binary",
                        "@" + path, maps,
                    ])
            }
            #expect(answer.code == 400 && answer.message.contains("json parse error"))
        }
    }

    @Test func `a watch of tables tells the columns once`() async throws {
        try await withHTTP { server, url in
            for name in ["a", "b"] { _ = try await server.createConfigMap(name) }
            let accept: [String] = ["-H", "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"]
            let watch = Task {
                try await curl(
                    root + accept + [url + "/api/v1/configmaps?watch=1&resourceVersion=1&timeoutSeconds=5"])
            }
            let cache: ResourceCache = try #require(server.core.registry.resource(configMaps)).cache
            // tidy:allow sleep: a bounded wait for the watch to begin
            for _ in 0..<1000 where cache.isIdle { try await Task.sleep(for: .milliseconds(5)) }
            _ = try await server.request(.delete, configMaps, "a")
            _ = try await server.request(.list, configMaps)
            server.time.advance(seconds: 6)
            server.core.tick()
            let events: [JSONValue] = try await watch.value.body.split(separator: "\n").map {
                try JSONValue(parsing: String($0))
            }
            #expect(events.map { $0["type"]?.string ?? "" } == ["ADDED", "DELETED"])
            #expect(events.first?["object", "columnDefinitions"]?.array?.isEmpty == false)
            #expect(events.last?["object", "columnDefinitions"] == JSONValue.null)
            #expect(events.last?["object", "rows"]?[0]?["cells"]?[0]?.string == "a")
        }
    }
}
