import API
import APIServer
import Codec
import Foundation
import Testing

/// What we publish against what upstream publishes. The gaps that are known are in `dev/parity/known-gaps.txt`; a new
/// one fails. `dev/parity/run` prints the table.
@Suite struct ParityTests {
    private static func compare() throws -> Parity {
        var parity = Parity()
        let discovery = DiscoveryDocuments(Ours.resources.map { $0.info })
        let core: JSONValue = try #require(try Upstream.document("discovery-core.json"))
        let aggregated: JSONValue = try #require(try Upstream.document("discovery-aggregated.json"))
        let lists: [(group: String, version: String, list: JSONValue)] =
            [("", "v1", core)] + Parity.resourceLists(aggregated: aggregated)
        for (group, version, list) in lists {
            let name: String = group.isEmpty ? "api/\(version)" : "apis/\(group)/\(version)"
            // What is not stable is not on by default, here and there.
            guard let upstream = try Upstream.version3(name) else { continue }
            let own: JSONValue =
                try discovery.resourceList(group: group, version: version)
                .map { try JSONReader.decode(JSONValue.self, from: $0) } ?? ["resources": []]
            parity.compareDiscovery(name, ours: own, upstream: list)
            guard Ours.documents.names.contains(name) else { continue }
            parity.compareDocument(name, ours: try Ours.version3(name), upstream: upstream)
        }
        let swagger: JSONValue = try #require(try Upstream.document("swagger.json"))
        let version2: JSONValue = try JSONReader.decode(JSONValue.self, from: Ours.documents.version2())
        parity.compareVersion2(ours: version2, upstream: swagger)
        return parity
    }

    private static let knownGapsFile: String =
        Upstream.tree.appendingPathComponent("dev/parity/known-gaps.txt").path

    /// One per line; one star stands for anything; `#` begins a comment.
    private static func knownGaps() throws -> [String] {
        try String(contentsOfFile: knownGapsFile, encoding: .utf8).split(separator: "\n")
            .map { String($0) }.filter { !$0.hasPrefix("#") }
    }

    private static func covers(_ known: String, _ gap: String) -> Bool {
        guard let star = known.firstIndex(of: "*") else { return known == gap }
        let (head, tail): (Substring, Substring) = (known[..<star], known[known.index(after: star)...])
        return gap.count >= head.count + tail.count && gap.hasPrefix(head) && gap.hasSuffix(tail)
    }

    @Test(.enabled(if: Upstream.folder != nil, Upstream.missing))
    func `no gap to upstream opens that is not known`() throws {
        let parity: Parity = try Self.compare()
        let known: [String] = try Self.knownGaps()
        let new: [String] = parity.gaps.filter { gap in !known.contains { Self.covers($0, gap) } }
        if let report = ProcessInfo.processInfo.environment["PARITY_REPORT"] {
            let closed: [String] = known.filter { entry in !parity.gaps.contains { Self.covers(entry, $0) } }
            let parts: [String] =
                [parity.table, "", "\(parity.gaps.count) gaps, of which \(new.count) are new:"] + new
                + ["", "known gaps that are closed (take them off the list):"] + closed
            try (parts.joined(separator: "\n") + "\n").write(toFile: report, atomically: true, encoding: .utf8)
        }
        #expect(new.isEmpty, "\(new.count) new gaps, the first: \(new.prefix(20).joined(separator: "\n"))")
        #expect(parity.rows.contains { $0.group == "api/v1" && $0.same[.fields, default: 0] > 300 })
    }

    @Test func `a gap is seen in every part of a document`() throws {
        let upstream: JSONValue = try JSONReader.decode(
            JSONValue.self,
            from: Array(
                #"""
                {"paths":{"/api/v1/things":{"get":{"operationId":"list","responses":{"200":{"content":
                {"application/json":{"schema":{"$ref":"#/components/schemas/a.Thing"}}}}}},
                "post":{"operationId":"create","responses":{}}}},
                "components":{"schemas":{"a.Thing":{"type":"object","required":["name"],"properties":{
                "name":{"type":"string","default":""},"ports":{"type":"array","items":{"type":"integer"},
                "x-kubernetes-list-type":"set"},"more":{"type":"string"}}}}}}
                """#.utf8))
        let ours: JSONValue = try JSONReader.decode(
            JSONValue.self,
            from: Array(
                #"""
                {"paths":{"/api/v1/things":{"get":{"operationId":"lost","responses":{"200":{"content":
                {"application/json":{"schema":{"$ref":"#/components/schemas/a.Thing"}}}}}}}},
                "components":{"schemas":{"a.Thing":{"type":"object","properties":{
                "name":{"type":"integer"},"ports":{"type":"array","items":{"type":"string"}}}}}}}
                """#.utf8))
        var parity = Parity()
        parity.compareDocument("v1", ours: ours, upstream: upstream)
        #expect(
            Set(parity.gaps) == [
                #"get /api/v1/things operationId: "lost", upstream "list""#, "post /api/v1/things: lacking",
                "field Thing.more: lacking", "Thing required: lacks name",
                #"Thing.name type: "integer", upstream "string""#,
                #"Thing.name default: lacking, upstream has """#,
                #"Thing.ports x-kubernetes-list-type: lacking, upstream has "set""#,
                #"Thing.ports[] type: "string", upstream "integer""#,
            ])
        var none = Parity()
        none.compareDocument("v1", ours: upstream, upstream: upstream)
        #expect(none.gaps.isEmpty)
    }
}
