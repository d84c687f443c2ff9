import APICore
import APIMachinery
import APIServer
import Codec
import Foundation
import Testing

private let protobuf: String = "application/vnd.kubernetes.protobuf"
private let takes: [String] = ["-H", "Accept: " + protobuf]

/// The message in an envelope.
private func opened(_ answer: CurlAnswer, _ apiVersion: String, _ kind: String) throws -> [UInt8] {
    #expect(answer.fields["content-type"] == protobuf)
    let envelope = try ProtobufEnvelope(decoding: answer.bytes)
    #expect(envelope.gvk == GroupVersionKind(apiVersion: apiVersion, kind: kind))
    return envelope.raw
}

private func sent(_ bytes: [UInt8], _ arguments: [String]) async throws -> CurlAnswer {
    try await withFile(bytes) { path in
        try await curl(root + takes + ["-H", "Content-Type: " + protobuf, "--data-binary", "@" + path] + arguments)
    }
}

@Suite(.timeLimit(.minutes(5)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")))
struct ProtobufWireTests {
    private static func map(_ name: String, _ value: String) -> ConfigMap {
        ConfigMap.with { map in
            map.metadata.name = name
            map.data = ["value": value]
        }
    }

    @Test func `every verb speaks protobuf`() async throws {
        try await withHTTP { server, url in
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            let made = try await sent(ProtobufEnvelope.encode(Self.map("a", "1")), [maps])
            #expect(made.code == 201)
            var map = try ProtobufReader.decode(ConfigMap.self, from: opened(made, "v1", "ConfigMap"))
            #expect(map.data["value"] == "1" && map.metadata.resourceVersion == "1" && !map.metadata.uid.isEmpty)
            let read = try await curl(root + takes + [maps + "/a"])
            #expect(read.code == 200 && read.bytes == made.bytes)
            map.data["value"] = "2"
            let updated = try await sent(ProtobufEnvelope.encode(map), ["-X", "PUT", maps + "/a"])
            #expect(updated.code == 200)
            let patch: [String] = [
                "-X", "PATCH", "-H", "Content-Type: application/merge-patch+json", "-d", #"{"data":{"value":"3"}}"#,
            ]
            let patched = try await curl(root + takes + patch + [maps + "/a"])
            let third = try ProtobufReader.decode(ConfigMap.self, from: opened(patched, "v1", "ConfigMap"))
            #expect(third.data["value"] == "3")
            let list = try await curl(root + takes + [maps])
            #expect(try opened(list, "v1", "ConfigMapList").isEmpty == false)
            let options = DeleteOptions.with { $0.dryRun = ["All"] }
            let gone = try await sent(ProtobufEnvelope.encode(options), ["-X", "DELETE", maps + "/a"])
            let status = try ProtobufReader.decode(Status.self, from: opened(gone, "v1", "Status"))
            #expect(gone.code == 200 && status.status == "Success")
            #expect(try await server.request(.get, configMaps, "a").object(ConfigMap.self).data["value"] == "3")
        }
    }

    @Test func `discovery speaks protobuf`() async throws {
        try await withHTTP { _, url in
            let groups = try await curl(root + takes + [url + "/apis"])
            let list = try ProtobufReader.decode(APIGroupList.self, from: opened(groups, "v1", "APIGroupList"))
            #expect(list.groups.map { $0.name }.contains("apps"))
            let core = try await curl(root + takes + [url + "/api/v1"])
            let resources = try ProtobufReader.decode(
                APIResourceList.self, from: opened(core, "v1", "APIResourceList"))
            #expect(resources.resources.contains { $0.name == "pods" && $0.kind == "Pod" && $0.namespaced })
            let version = try await curl(root + takes + [url + "/api"])
            #expect(try opened(version, "v1", "APIVersions").isEmpty == false)
        }
    }

    @Test func `errors come in the type that was asked for`() async throws {
        try await withHTTP { _, url in
            let missing: String = url + "/api/v1/namespaces/default/configmaps/none"
            let packed = try await curl(root + takes + [missing])
            let status = try ProtobufReader.decode(Status.self, from: opened(packed, "v1", "Status"))
            #expect(packed.code == 404 && status.reason == "NotFound" && status.code == 404)
            let yaml = try await curl(root + ["-H", "Accept: application/yaml", missing])
            #expect(yaml.code == 404 && yaml.fields["content-type"] == "application/yaml")
            #expect(yaml.body.contains("reason: NotFound\n"))
            // Refused before anything was negotiated.
            let unknown = try await curl(takes + ["-H", "Authorization: Bearer bad", missing])
            let refusal = try ProtobufReader.decode(Status.self, from: opened(unknown, "v1", "Status"))
            #expect(unknown.code == 401 && refusal.reason == "Unauthorized")
        }
    }

    @Test func `garbage and half an envelope are refused`() async throws {
        try await withHTTP { server, url in
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            let good: [UInt8] = ProtobufEnvelope.encode(Self.map("a", "1"))
            let wrong: [UInt8] = ProtobufEnvelope.encode(Pod.with { $0.metadata.name = "a" })
            for bytes in [
                Array("hello".utf8), Array(good.dropLast(3)), Array(good[4...]), [0x6B, 0x38, 0x73, 0], wrong,
            ] {
                let answer = try await sent(bytes, [maps])
                #expect(answer.code == 400 || answer.code == 422, "\(bytes.prefix(8))")
            }
            #expect(try await server.request(.list, configMaps).names.isEmpty)
        }
    }

    @Test func `a watch is frames behind their lengths, each an event with an envelope`() async throws {
        try await withHTTP { server, url in
            for name in ["a", "b"] { _ = try await server.createConfigMap(name) }
            let watch = Task {
                try await curl(
                    root + takes + [url + "/api/v1/configmaps?watch=1&resourceVersion=0&timeoutSeconds=5"])
            }
            let cache: ResourceCache = try #require(server.core.registry.resource(configMaps)).cache
            // tidy:allow sleep: a bounded wait for the watch to begin
            for _ in 0..<1000 where cache.isIdle { try await Task.sleep(for: .milliseconds(5)) }
            _ = try await server.request(.delete, configMaps, "a")
            _ = try await server.request(.list, configMaps)
            server.time.advance(seconds: 6)
            server.core.tick()
            let answer: CurlAnswer = try await watch.value
            #expect(answer.fields["content-type"] == protobuf + ";stream=watch")
            var rest: ArraySlice<UInt8> = answer.bytes[...]
            var events: [String] = []
            while rest.count >= 4 {
                let length: Int = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                let frame: [UInt8] = Array(rest.dropFirst(4).prefix(length))
                rest = rest.dropFirst(4 + length)
                events.append(try Self.event(frame))
            }
            #expect(rest.isEmpty && events == ["ADDED a", "ADDED b", "DELETED a"])
        }
    }

    /// `WatchEvent { type = 1, object = 2 { raw = 1 } }`
    private static func event(_ frame: [UInt8]) throws -> String {
        var reader = ProtobufReader(frame[...])
        var type: String = ""
        var name: String = ""
        while true {
            switch try reader.nextField() {
            case 0: return "\(type) \(name)"
            case 1: type = try reader.string()
            default:
                let outer: Int = try reader.enterMessage()
                let raw: Int = try reader.nextField()
                #expect(raw == 1)
                let envelope = try ProtobufEnvelope(decoding: try reader.bytes())
                name = try ProtobufReader.decode(ConfigMap.self, from: envelope.raw).metadata.name
                let end: Int = try reader.nextField()
                #expect(end == 0)
                reader.leaveMessage(outer)
            }
        }
    }

    @Test(.enabled(if: Protoc.isThere, "protoc or ../shared/facts is missing: there is nothing to compare with"))
    func `protoc reads what we write, and we read what it writes`() async throws {
        try await withDirectory { directory in
            let protoc = try await Protoc(in: directory)
            try await withHTTP { server, url in
                let pods: String = url + "/api/v1/namespaces/default/pods"
                let text: String = """
                    metadata { name: "p" labels { key: "app" value: "web" } annotations { key: "x" value: "" } }
                    spec {
                      containers {
                        name: "c" image: "i" ports { containerPort: 80 protocol: "TCP" }
                        resources { limits { key: "cpu" value { string: "500m" } } }
                        livenessProbe { handler { httpGet { path: "/" port { type: 1 strVal: "web" } } } }
                      }
                      terminationGracePeriodSeconds: 0
                      securityContext { runAsNonRoot: false }
                    }
                    """
                let message: [UInt8] = try await protoc.encode("k8s.io.api.core.v1.Pod", text)
                let gvk = GroupVersionKind(apiVersion: "v1", kind: "Pod")
                let made = try await sent(ProtobufEnvelope(gvk: gvk, raw: message).encoded, [pods])
                #expect(made.code == 201, "\(made.body)")
                let read = try await curl(root + [pods + "/p"]).json
                #expect(read["metadata", "annotations"] == ["x": ""])
                #expect(read["spec", "terminationGracePeriodSeconds"] == 0)
                #expect(read["spec", "securityContext", "runAsNonRoot"] == false)
                let container: JSONValue? = read["spec", "containers"]?[0]
                #expect(container?["resources", "limits", "cpu"]?.string == "500m")
                #expect(container?["livenessProbe", "httpGet", "port"]?.string == "web")
                let answer = try await curl(root + takes + [pods])
                let list: String = try await protoc.decode(
                    "k8s.io.api.core.v1.PodList", try opened(answer, "v1", "PodList"))
                for line in ["resourceVersion: \"1\"", "key: \"app\"", "strVal: \"web\"", "string: \"500m\""] {
                    #expect(list.contains(line), "\(list)")
                }
                #expect(!list.contains(": 0x"), "a field that upstream does not know: \(list)")
                let partial: [String] = ["-H", "Accept: \(protobuf);as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"]
                let metadata = try await curl(root + partial + [pods])
                let names: String = try await protoc.decode(
                    "k8s.io.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList",
                    try opened(metadata, "meta.k8s.io/v1", "PartialObjectMetadataList"))
                // The owners of fields name containers, too.
                #expect(names.contains("name: \"p\"") && !names.contains("restartPolicy: "))
                #expect(!names.contains("spec {"))
            }
        }
    }
}
