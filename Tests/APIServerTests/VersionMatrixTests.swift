import APIMachinery
import APIServer
import Store
import Testing

/// What `resourceVersion`, `resourceVersionMatch`, `limit` and `continue` mean together.
@Suite(.timeLimit(.minutes(5)))
struct VersionMatrixTests {
    enum Outcome: Sendable, Equatable {
        case names([String])
        case failure(code: Int, String)
    }

    struct Case: Sendable {
        var version: String?
        var match: String?
        var limit: String?
        var more: [String: String] = [:]
        var outcome: Outcome

        var query: [(name: String, value: String)] {
            var pairs: [(name: String, value: String)] = []
            if let version { pairs.append(("resourceVersion", version)) }
            if let match { pairs.append(("resourceVersionMatch", match)) }
            if let limit { pairs.append(("limit", limit)) }
            for (name, value) in more { pairs.append((name, value)) }
            return pairs
        }
    }

    private static let options: String = #"ListOptions.meta.k8s.io "" is invalid: "#

    private static func forbidden(_ text: String, _ field: String = "resourceVersionMatch") -> Outcome {
        .failure(code: 422, options + "\(field): Forbidden: \(text)")
    }

    /// The store has a (1), b (2), c (3), a without b (4).
    static let lists: [Case] = [
        Case(outcome: .names(["a", "c"])), Case(limit: "1", outcome: .names(["a"])),
        Case(version: "", outcome: .names(["a", "c"])),
        Case(version: "0", outcome: .names(["a", "c"])),
        // Any version will do: upstream's cache gives all of it.
        Case(version: "0", limit: "1", outcome: .names(["a", "c"])),
        Case(version: "0", match: "NotOlderThan", outcome: .names(["a", "c"])),
        Case(
            version: "0", match: "Exact",
            outcome: forbidden(#"resourceVersionMatch "exact" is forbidden for resourceVersion "0""#)),
        Case(version: "2", outcome: .names(["a", "c"])), Case(version: "2", limit: "9", outcome: .names(["a", "b"])),
        Case(version: "2", match: "NotOlderThan", outcome: .names(["a", "c"])),
        Case(version: "2", match: "NotOlderThan", limit: "1", outcome: .names(["a"])),
        Case(version: "2", match: "Exact", outcome: .names(["a", "b"])),
        Case(version: "1", match: "Exact", limit: "1", outcome: .names(["a"])),
        Case(
            match: "Exact", outcome: forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided")),
        Case(
            match: "NotOlderThan",
            outcome: forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided")),
        Case(
            version: "1", match: "Newest",
            outcome: .failure(
                code: 422,
                options
                    + #"resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", """#
            )),
        Case(
            more: ["sendInitialEvents": "true"],
            outcome: forbidden("sendInitialEvents is forbidden for list", "sendInitialEvents")),
        Case(
            version: "5", more: ["continue": "x"],
            outcome: .failure(code: 400, "specifying resource version is not allowed when using continue")),
        Case(
            more: ["continue": "!"],
            outcome: .failure(code: 400, "continue key is not valid: illegal base64 data")),
    ]

    private static func withHistory(_ body: @Sendable @escaping (TestServer) async throws -> Void) async throws {
        try await withServer { server in
            for name in ["a", "b", "c"] { _ = try await server.createConfigMap(name) }
            _ = try await server.request(.delete, configMaps, "b")
            // Any version will do for some: the cache shall have seen all.
            #expect(try await server.request(.list, configMaps).names == ["a", "c"])
            try await body(server)
        }
    }

    @Test(arguments: VersionMatrixTests.lists)
    func `a list shows what its version means`(item: Case) async throws {
        try await Self.withHistory { server in
            var seen: Outcome = .names([])
            do throws(StatusError) {
                seen = .names(try await server.request(.list, configMaps, query: item.query).names)
            } catch {
                seen = .failure(code: error.code, error.message)
            }
            #expect(seen == item.outcome)
        }
    }

    @Test func `a version ahead of the server's is waited for, and then 504`() async throws {
        try await Self.withHistory { server in
            let query: [(name: String, value: String)] = [("resourceVersion", "1000")]
            let error: StatusError? = await withTaskGroup(of: StatusError?.self) { group in
                group.addTask {
                    await failure { () throws(StatusError) in
                        _ = try await server.request(.list, configMaps, query: query)
                    }
                }
                // Time passes until the reader, whenever it began to wait, has lost its patience.
                group.addTask {
                    while !Task.isCancelled {
                        server.time.advance(seconds: 4)
                        server.core.tick()
                        await Task.yield()
                    }
                    return nil
                }
                let first: StatusError?? = await group.next()
                group.cancelAll()
                return first ?? nil
            }
            #expect(error?.code == 504 && error?.message == "Timeout: Too large resource version: 1000, current: 4")
            #expect(error?.hasCause("ResourceVersionTooLarge") == true)
        }
    }

    @Test func `what remains is told where it is known`() async throws {
        try await Self.withHistory { server in
            _ = try await server.createConfigMap("d", labels: ["app": "x"])
            let page = try await server.request(.list, configMaps, query: [("limit", "1")])
            #expect(page.remaining == 2 && !page.continueToken.isEmpty)
            let last = try await server.request(.list, configMaps, query: [("limit", "3")])
            #expect(last.remaining == nil && last.continueToken.isEmpty)
            let selected = try await server.request(
                .list, configMaps, query: [("limit", "1"), ("labelSelector", "app!=y")])
            #expect(selected.remaining == nil && !selected.continueToken.isEmpty)
            let past = try await server.request(
                .list, configMaps,
                query: [("limit", "1"), ("resourceVersion", "3"), ("resourceVersionMatch", "Exact")])
            #expect(past.names == ["a"] && past.remaining == 2 && past.revision == 3)
        }
    }

    /// Where a watch begins: the query, and what is seen first; nil for an error in the given text.
    static let watches: [(query: [String: String], first: [String], error: String?)] = [
        ([:], ["ADDED a", "ADDED c"], nil), (["resourceVersion": "0"], ["ADDED a", "ADDED c"], nil),
        (["resourceVersion": "2"], ["ADDED c", "DELETED b"], nil),
        (["resourceVersion": "4"], [], nil),
        (
            ["sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"], ["ADDED a", "ADDED c"], nil
        ),
        (
            ["sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "3"],
            ["ADDED a", "ADDED c"], nil
        ),
        (["sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"], [], nil),
        (
            ["sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "2"],
            ["ADDED c", "DELETED b"], nil
        ),
        (
            ["sendInitialEvents": "true"], [],
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        ),
        (
            ["resourceVersion": "1", "resourceVersionMatch": "NotOlderThan"], [],
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        ),
    ]

    @Test(arguments: VersionMatrixTests.watches.indices)
    func `a watch begins where its version says`(index: Int) async throws {
        let (query, first, text): ([String: String], [String], String?) = Self.watches[index]
        try await Self.withHistory { server in
            var stream: (any WatchStream)?
            let error = await failure { () throws(StatusError) in
                stream = try await server.watch(configMaps, query.map { ($0.key, $0.value) })
            }
            guard let text else {
                #expect(error == nil)
                _ = try await server.createConfigMap("z")
                let wanted: [String] = first + ["ADDED z"]
                #expect(try await take(wanted.count, from: try #require(stream)) == wanted)
                return
            }
            #expect(error?.code == 422 && error?.message == Self.options + text)
        }
    }
}
