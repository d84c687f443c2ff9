import APIMachinery
import APIServer
import Codec
import Foundation
import Testing

/// The whole life of every resource, over HTTP/2 and TLS, from one table.
@Suite(.timeLimit(.minutes(5)))
struct LifeTests {
    private static let served: [String: any ResourceStrategy] = Dictionary(
        uniqueKeysWithValues: LifeServer.kinds.map { (key($0.info), $0) })

    private static func key(_ info: ResourceInfo) -> String { "\(info.gvr.apiVersion) \(info.gvr.resource)" }

    @Test(arguments: Lives.all.filter { served[$0.resource] != nil })
    func `a resource lives from create to deletecollection as upstream's does`(life: Life) async throws {
        let info: ResourceInfo = try #require(Self.served[life.resource]).info
        try await LifeServer.run { server in
            try await LifeRun(server: server, life: life, info: info).whole()
        }
    }

    @Test func `every resource that is served has one row`() {
        let rows: [String] = Lives.all.map { $0.resource }
        #expect(Set(rows).count == rows.count)
        for resource in Self.served.keys.sorted() where !rows.contains(resource) {
            Issue.record("\(resource) is served and has no row in the table of lives")
        }
    }

    @Test(.enabled(if: Facts.text != nil, "../shared/facts is missing: there is no list of upstream's resources"))
    func `every resource of upstream's stable API has a row`() throws {
        let upstream: [String] = try Facts.resources()
        #expect(upstream.count > 50)
        let rows: Set<String> = Set(Lives.all.map { $0.resource })
        #expect(upstream.filter { !rows.contains($0) } == [])
        #expect(rows.subtracting(upstream) == [])
        let unserved: [String] = upstream.filter { Self.served[$0] == nil }
        withKnownIssue("resources of upstream's stable API that are not served yet", isIntermittent: true) {
            #expect(unserved == [])
        }
    }
}

/// `../shared/facts/resources.yaml`
enum Facts {
    static let text: String? = {
        let tree: URL = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file: URL = tree.deletingLastPathComponent().appendingPathComponent("shared/facts/resources.yaml")
        return try? String(contentsOf: file, encoding: .utf8)
    }()

    /// What can be created, read and deleted: `apps/v1 deployments`.
    static func resources() throws -> [String] {
        let documents: [JSONValue] = try YAML.decode(Array((text ?? "").utf8))
        var found: [String] = []
        for (version, resources) in documents.first?.object ?? JSONObject() {
            for (resource, facts) in resources.object ?? JSONObject() {
                let verbs: [String] = facts["verbs"]?.array?.compactMap { $0.string } ?? []
                if verbs.contains("delete"), verbs.contains("create") { found.append("\(version) \(resource)") }
            }
        }
        return found
    }
}
