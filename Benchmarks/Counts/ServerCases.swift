import APICore
import APIMachinery
import APIServer
import Codec
import Glibc
import Store

/// Store and API server on a real directory, without sockets: what each verb costs behind HTTP and TLS.
enum ServerCases {
    static func all(_ server: CountedServer) -> [Case] {
        storing(server.spare) + reading(server) + writing(server)
    }

    private static func storing(_ store: any Store) -> [Case] {
        let value: [UInt8] = Documents.configMap("value")
        return [
            Case("store create", iterations: 200) { round, iterations in
                for index in 0..<iterations {
                    let key: [UInt8] = Array("/counts/\(round)/\(index)".utf8)
                    let transaction = Transaction(
                        compares: [.modRevision(key, 0)], writes: [.put(key, value: value, lease: 0)])
                    guard case .committed = try await store.transact(transaction) else { throw CountError.conflict }
                }
            },
            Case("store get", iterations: 500) { _, iterations in
                let key: [UInt8] = Array("/counts/0/7".utf8)
                for _ in 0..<iterations { blackHole(try await store.get(key, at: nil)) }
            },
            Case("store range of 100", iterations: 100) { _, iterations in
                let prefix: [UInt8] = Array("/counts/0/".utf8)
                for _ in 0..<iterations {
                    blackHole(try await store.range(prefix: prefix, after: nil, limit: 100, at: nil))
                }
            },
        ]
    }

    private static func reading(_ server: CountedServer) -> [Case] {
        [
            Case("server get", iterations: 500) { _, iterations in
                for _ in 0..<iterations { blackHole(try await server.perform(.get, name: "there-7")) }
            },
            Case("server list of 100", iterations: 100) { _, iterations in
                for _ in 0..<iterations {
                    blackHole(try await server.perform(.list, query: [("limit", "100")]))
                }
            },
            Case("server list by label", iterations: 20) { _, iterations in
                for _ in 0..<iterations {
                    blackHole(try await server.perform(.list, query: [("labelSelector", "app=other")]))
                }
            },
        ]
    }

    private static func writing(_ server: CountedServer) -> [Case] {
        [
            Case("server create", iterations: 200) { round, iterations in
                for index in 0..<iterations {
                    let name: String = "made-\(round)-\(index)"
                    blackHole(try await server.perform(.create, body: Documents.configMap(name)))
                }
            },
            Case("server merge patch", iterations: 200) { round, iterations in
                for index in 0..<iterations {
                    let patch: [UInt8] = Array("{\"metadata\":{\"annotations\":{\"n\":\"\(round)-\(index)\"}}}".utf8)
                    blackHole(try await server.perform(.patch, name: server.nameThere(index), body: patch))
                }
            },
            Case("server create and delete", iterations: 200) { round, iterations in
                for index in 0..<iterations {
                    let name: String = "gone-\(round)-\(index)"
                    blackHole(try await server.perform(.create, body: Documents.configMap(name)))
                    blackHole(try await server.perform(.delete, name: name))
                }
            },
            Case("server create, seen by 20 watches", iterations: 100) { round, iterations in
                let watches: [any WatchStream] = try await server.watches(20)
                for index in 0..<iterations {
                    let name: String = "seen-\(round)-\(index)"
                    blackHole(try await server.perform(.create, body: Documents.configMap(name)))
                    for watch in watches { try await server.expect(name, on: watch) }
                }
                for watch in watches { watch.cancel() }
            },
        ]
    }
}

enum CountError: Error {
    case conflict
    case watchEnded
    case failed(String)
}

/// An API server on a store of its own, and a second store for the store's own cases; both are removed afterwards.
struct CountedServer: Sendable {
    private static let configMaps = GroupVersionResource(group: "", version: "v1", resource: "configmaps")

    let spare: any Store
    let objects: Int
    private let transport: InProcessTransport

    /// Runs `body` with a server that holds so many ConfigMaps.
    static func with(objects: Int, _ body: (CountedServer) async throws -> Void) async throws {
        let directory: String = try temporaryDirectory()
        defer { removeTree(directory) }
        let spare: EmbeddedStore = try await EmbeddedStore.open(.init(path: directory + "/spare"))
        let store: EmbeddedStore = try await EmbeddedStore.open(.init(path: directory + "/store"))
        let registry = ResourceRegistry(KindRegistrations.all())
        let core = APIServerCore(.init(store: store, registry: registry, authorizer: AlwaysAllowAuthorizer()))
        try await core.start()
        let user = UserInfo(name: "counts", groups: [UserInfo.mastersGroup])
        let server = CountedServer(
            spare: spare, objects: objects, transport: InProcessTransport(core: core, user: user))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await core.run() }
            for index in 0..<objects {
                _ = try await server.perform(.create, body: Documents.configMap("there-\(index)"))
            }
            try await body(server)
            group.cancelAll()
        }
        await store.close()
        await spare.close()
    }

    /// One of the objects in turn: what was changed just now may not have come to the server's cache yet, and would have
    /// to be changed twice.
    func nameThere(_ index: Int) -> String { "there-\(index % objects)" }

    @discardableResult
    func perform(
        _ verb: APIRequest.Verb, name: String = "", query: [(name: String, value: String)] = [], body: [UInt8] = []
    ) async throws(StatusError) -> APIResponse {
        let type: String = verb == .patch ? "application/merge-patch+json" : "application/json"
        return try await transport.perform(
            APIRequest(
                verb, Self.configMaps, namespace: "default", name: name, query: query, body: body,
                contentType: type))
    }

    /// Watches of the namespace from now on.
    func watches(_ count: Int) async throws -> [any WatchStream] {
        let response: APIResponse = try await perform(.list, query: [("limit", "1")])
        guard case .list(_, let revision, _, _) = response.body else { throw CountError.failed("no list") }
        var watches: [any WatchStream] = []
        for _ in 0..<count {
            let query: [(name: String, value: String)] = [("resourceVersion", String(revision))]
            watches.append(
                try await transport.watch(
                    APIRequest(.watch, Self.configMaps, namespace: "default", query: query)))
        }
        return watches
    }

    func expect(_ name: String, on watch: any WatchStream) async throws {
        guard let events = try await watch.next(), events.last?.object.name == name else {
            throw CountError.watchEnded
        }
    }

    private static func temporaryDirectory() throws -> String {
        var template: [CChar] = Array("/tmp/swiftlet-counts-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CountError.failed("mkdtemp: errno \(errno)") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The directory holds two stores, each a flat directory of files.
    private static func removeTree(_ path: String) {
        for store in ["store", "spare"] {
            guard let listing = opendir("\(path)/\(store)") else { continue }
            while let entry = readdir(listing) {
                let name: String = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { unlink("\(path)/\(store)/\(name)") }
            }
            closedir(listing)
            rmdir("\(path)/\(store)")
        }
        rmdir(path)
    }
}
