import APICore
import APIMachinery
import APIServer
import Codec
import Foundation
import Testing

/// Jane may read one config map, masters everything.
private struct OneMap: Authorizer {
    func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        if attributes.user.groups.contains(UserInfo.mastersGroup) { return .allow(reason: "") }
        let isTheOne: Bool =
            attributes.user.name == "jane" && attributes.verb == "get" && attributes.resource == "configmaps"
            && attributes.group.isEmpty && attributes.namespace == "default" && attributes.name == "hers"
            && attributes.subresource.isEmpty
        return isTheOne ? .allow(reason: "") : .noOpinion(reason: "")
    }
}

private let jane: [String] = ["-H", "Authorization: Bearer jane"]

@Suite(.timeLimit(.minutes(5)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")))
struct AttackTests {
    private func withTwoMaps(_ body: @Sendable @escaping (String) async throws -> Void) async throws {
        try await withHTTP(authorizer: OneMap()) { server, url in
            _ = try await server.createConfigMap("hers", value: "open")
            _ = try await server.createConfigMap("other", value: "secret-value")
            try await body(url)
        }
    }

    @Test(arguments: [
        "hers/../other", "hers/..%2fother", "hers%2f..%2fother", "%2e%2e/configmaps/other", "./other", "hers//../other",
        "other", "other/", "other?x=hers", "other#hers", "other%00hers", "hers%00/../other", "other;hers",
        "hers;/../other",
        "hers\\..\\other", "?fieldSelector=metadata.name%3Dother", "?watch=true", "hers/status",
        "hers/proxy/../../other",
        "hers?watch=true", "",
    ])
    func `a path does not lead beyond what is allowed`(_ tail: String) async throws {
        try await withTwoMaps { url in
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            let target: String = maps + (tail.hasPrefix("?") || tail.isEmpty ? "" : "/") + tail
            let answer = try await curl(jane + ["--request-target", String(target.dropFirst(url.count)), url])
            #expect(answer.code >= 400, "\(answer.code) \(answer.body)")
            #expect(!answer.body.contains("secret-value"))
        }
    }

    @Test(arguments: [
        "/api/v1/namespaces/default/configmaps/hers", "/api/v1/watch/namespaces/default/configmaps/other",
        "/apis/v1/namespaces/default/configmaps/other", "/API/v1/namespaces/default/configmaps/other",
        "/api/v1/namespaces/default/configmaps/other?namespace=default&name=hers",
        "/api/v1/namespaces/kube-system/../default/configmaps/other", "//api/v1/namespaces/default/configmaps/other",
        "/api/v1/namespaces//configmaps/hers", "/api/v1/configmaps/hers",
        "http://other.example/api/v1/namespaces/default/configmaps/other",
    ])
    func `an address has one meaning`(_ target: String) async throws {
        try await withTwoMaps { url in
            let answer = try await curl(jane + ["--request-target", target, url])
            #expect(answer.code == (target.hasSuffix("default/configmaps/hers") ? 200 : answer.code))
            #expect(!answer.body.contains("secret-value"))
            #expect(answer.code >= 400 || target.hasSuffix("default/configmaps/hers"))
        }
    }

    @Test(arguments: [
        ["X-Remote-User: root", "X-Remote-Group: system:masters"], ["X-Forwarded-User: root"],
        ["Impersonate-User: root"],
        ["Impersonate-User: jane", "Impersonate-Group: system:masters"], ["impersonate-group: system:masters"],
        ["Impersonate-Uid: 0"], ["Impersonate-Extra-scopes: all"], ["Impersonate_User: root"],
        ["X-Http-Method-Override: GET"], ["X-Original-Url: /api/v1/namespaces/default/configmaps/hers"],
        ["X-Rewrite-Url: /api/v1/namespaces/default/configmaps/hers"], ["Authorization: Bearer root"],
        ["Cookie: Authorization=Bearer root"],
    ])
    func `a header does not make anybody somebody else`(_ headers: [String]) async throws {
        try await withTwoMaps { url in
            let target: String = url + "/api/v1/namespaces/default/configmaps/other"
            let answer = try await curl(jane + headers.flatMap { ["-H", $0] } + [target])
            #expect(answer.code >= 400, "\(answer.code) \(answer.body)")
            #expect(!answer.body.contains("secret-value"))
        }
    }

    @Test func `a huge selector is refused, and the server goes on`() async throws {
        try await withTwoMaps { url in
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            let terms: String = (0..<4000).map { "key\($0)=value" }.joined(separator: ",")
            let long = try await curl(["-H", "Authorization: Bearer root", maps + "?labelSelector=" + terms])
            #expect(long.code == 200 || (400..<500).contains(long.code), "\(long.code)")
            let deep: String = String(repeating: "(", count: 20_000)
            let odd = try await curl(["-H", "Authorization: Bearer root", maps + "?labelSelector=" + deep])
            #expect((400..<500).contains(odd.code), "\(odd.code)")
            #expect(try await curl(jane + [maps + "/hers"]).code == 200)
        }
    }

    @Test func `a body that grows when it is read is refused`() async throws {
        try await withTwoMaps { url in
            let maps: String = url + "/api/v1/namespaces/default/configmaps"
            let root: [String] = ["-H", "Authorization: Bearer root", "-X", "POST"]
            var bomb: String = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
            for level in 1..<12 {
                let names: String = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
                bomb += "a\(level): &a\(level) [\(names)]\n"
            }
            let yaml = try await curl(root + ["-H", "Content-Type: application/yaml", "--data-binary", bomb, maps])
            #expect((400..<500).contains(yaml.code), "\(yaml.code)")
            let deep: String = String(repeating: "[", count: 100_000)
            let json = try await curl(root + ["-H", "Content-Type: application/json", "--data-binary", deep, maps])
            #expect((400..<500).contains(json.code), "\(json.code)")
            let packed = try await curl(
                root + [
                    "-H", "Content-Type: application/json", "-H", "Content-Encoding: gzip", "--data-binary", "x", maps,
                ])
            #expect((400..<500).contains(packed.code), "\(packed.code)")
            #expect(try await curl(jane + [maps + "/hers"]).code == 200)
        }
    }
}
