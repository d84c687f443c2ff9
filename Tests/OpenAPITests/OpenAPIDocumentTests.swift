import API
import APIServer
import Codec
import Foundation
import Testing

@Suite struct OpenAPIDocumentTests {
    @Test func `every reference of every document leads to a definition`() throws {
        for name in Ours.documents.names {
            let document: JSONValue = try Ours.version3(name)
            let definitions: Set<String> = document.at("components", "schemas")?.names ?? []
            for reference in Self.references(document) {
                let target = String(reference.dropFirst("#/components/schemas/".count))
                #expect(definitions.contains(target), "\(name): \(reference)")
            }
        }
        let version2: JSONValue = try JSONReader.decode(JSONValue.self, from: Ours.documents.version2())
        for reference in Self.references(version2) {
            let parts: [String] = reference.split(separator: "/").map { String($0) }
            #expect(version2.at(parts[1], parts[2]) != nil, "\(reference)")
        }
    }

    private static func references(_ value: JSONValue) -> Set<String> {
        var found: Set<String> = []
        var waiting: [JSONValue] = [value]
        while let next = waiting.popLast() {
            switch next {
            case .array(let items): waiting += items
            case .object(let members):
                for (key, member) in members {
                    if key == "$ref", let text = member.string { found.insert(text) } else { waiting.append(member) }
                }
            default: break
            }
        }
        return found
    }

    @Test func `operations have names of their own`() throws {
        let version2: JSONValue = try JSONReader.decode(JSONValue.self, from: Ours.documents.version2())
        var seen: Set<String> = []
        for item in try #require(version2["paths"]?.object).values {
            for (method, operation) in try #require(item.object) where method != "parameters" {
                let id: String = try #require(operation["operationId"]?.string)
                #expect(seen.insert(id).inserted, "\(id) twice")
            }
        }
        #expect(seen.isSuperset(of: ["createCoreV1NamespacedPodBinding", "listCoreV1PodForAllNamespaces"]))
    }

    @Test func `a field has its type, default, list keys and patch strategy`() throws {
        let schemas: JSONValue = try #require(try Ours.version3("api/v1").at("components", "schemas"))
        let spec: JSONValue = try #require(schemas["io.k8s.api.core.v1.PodSpec"])
        #expect(spec["required"] == ["containers"])
        let containers: JSONValue = try #require(spec.at("properties", "containers"))
        #expect(containers["type"] == "array")
        #expect(containers["x-kubernetes-list-map-keys"] == ["name"])
        #expect(containers["x-kubernetes-patch-merge-key"] == "name")
        #expect(containers["x-kubernetes-patch-strategy"] == "merge")
        #expect(containers.at("items", "allOf", "0", "$ref") == "#/components/schemas/io.k8s.api.core.v1.Container")
        #expect(containers.at("items", "default") == [:])
        let port: JSONValue = try #require(schemas["io.k8s.api.core.v1.ContainerPort"]?["properties"])
        #expect(port.at("protocol", "default") == "TCP")
        #expect(port.at("containerPort", "format") == "int32")
    }

    /// For looking at documents with other tools: `OPENAPI_DUMP=folder`.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["OPENAPI_DUMP"] != nil))
    func `documents are written to a folder`() throws {
        let folder: String = try #require(ProcessInfo.processInfo.environment["OPENAPI_DUMP"])
        let clock = ContinuousClock()
        var times: [String] = []
        var files: [(String, [UInt8])] = []
        for _ in 0..<2 {
            for name in Ours.documents.names {
                let time: Duration = clock.measure {
                    files.append((name.replacing("/", with: "__"), Ours.documents.version3(name) ?? []))
                }
                times.append("\(name) \(time) \(files.last?.1.count ?? 0)")
            }
            let time2: Duration = clock.measure { files.append(("v2.json", Ours.documents.version2())) }
            let time3: Duration = clock.measure { files.append(("v2.pb", Ours.documents.version2Protobuf())) }
            times.append("v2 \(time2), protobuf \(time3), \(files.suffix(2).map { $0.1.count })")
        }
        let discovery = DiscoveryDocuments(Ours.resources.map { $0.info })
        files.append(("api.agg", discovery.aggregated(core: true, version: "v2")))
        files.append(("apis.agg", discovery.aggregated(core: false, version: "v2")))
        files.append(("times", Array(times.joined(separator: "\n").utf8)))
        for (name, bytes) in files { try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
    }
}
