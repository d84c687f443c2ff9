import APICore
import APIMachinery
import APIServer
import Codec
import Store
import Testing

/// What many watches of all kinds saw, compared with the store's log.
@Suite(.timeLimit(.minutes(5)))
struct WatchCheckTests {
    @Test(arguments: [UInt64(1), 2])
    func `a hundred random watches see the log, whole and in order`(seed: UInt64) async throws {
        try await withServer { server in
            // A watch from version 0 would begin with what is there.
            _ = try await server.createConfigMap("before")
            let first: Revision = server.store.revision
            var random = CheckRandom(state: seed)
            let seen: [(watched: Watched, events: [String])] = try await withThrowingTaskGroup(
                of: (Watched, [String]).self
            ) { group in
                for round in 0..<20 {
                    for _ in 0..<5 {
                        let watched = Watched(from: first, to: server.store.revision, &random)
                        group.addTask { (watched, try await watched.events(server)) }
                    }
                    try await Self.write(server, round: round, &random)
                }
                try await Self.writeEnds(server)
                var seen: [(watched: Watched, events: [String])] = []
                for try await (watched, events) in group { seen.append((watched, events)) }
                return seen
            }
            #expect(seen.count == 100)
            let log: [LoggedChange] = try await Self.log(server, after: first)
            #expect(log.count > 200)
            for (watched, events) in seen {
                #expect(events == watched.expected(log), "\(watched)")
            }
        }
    }

    /// Three writers at once, each of which creates, changes or deletes objects of its own.
    private static func write(_ server: TestServer, round: Int, _ random: inout CheckRandom) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<3 {
                let numbers: [UInt64] = (0..<4).map { _ in random.next() }
                group.addTask {
                    for number in numbers { try await change(server, "w\(writer)-\(number % 5)", number / 5) }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func change(_ server: TestServer, _ name: String, _ number: UInt64) async throws {
        let namespace: String = Watched.namespaces[Int(number % 2)]
        let app: String = Watched.apps[Int(number / 2 % 3)]
        do throws(StatusError) {
            if number / 6 % 4 == 0 {
                _ = try await server.request(.delete, configMaps, name, namespace: namespace)
                return
            }
            let patch: String = #"{"metadata":{"labels":{"app":"\#(app)"}},"data":{"number":"\#(number)"}}"#
            _ = try await server.request(
                .patch, configMaps, name, namespace: namespace, body: patch, type: "application/merge-patch+json")
        } catch {
            guard error.code == 404 else { throw error }
            _ = try await server.createConfigMap(name, labels: ["app": app], namespace: namespace)
        }
    }

    /// One object for each selection, by which a watch knows that it has everything.
    private static func writeEnds(_ server: TestServer) async throws {
        for namespace in Watched.namespaces {
            for app in Watched.apps {
                _ = try await server.createConfigMap("end-\(app)", labels: ["app": app], namespace: namespace)
            }
        }
    }

    private static func log(_ server: TestServer, after first: Revision) async throws -> [LoggedChange] {
        let resource = try #require(server.core.registry.resource(configMaps))
        let prefix: [UInt8] = Array(resource.info.storagePrefix.utf8)
        let watch: any StoreWatch = try server.store.watch(prefix: prefix, from: first + 1)
        let last: Revision = server.store.revision
        var log: [LoggedChange] = []
        var known: Revision = first
        while known < last, let (events, revision) = try await watch.next() {
            for event in events { log.append(try LoggedChange(event, resource)) }
            known = revision
        }
        watch.cancel()
        return log
    }
}

/// A change as the store has it.
private struct LoggedChange {
    struct State {
        var namespace: String
        var name: String
        var app: String
    }

    var revision: Revision
    var before: State?
    var after: State?

    init(_ event: StoreEvent, _ resource: any ServedResource) throws {
        revision = event.current.modRevision
        before = try event.previous.map { try Self.state($0, resource) }
        after = event.kind == .delete ? nil : try Self.state(event.current, resource)
    }

    private static func state(_ stored: KeyValue, _ resource: any ServedResource) throws -> State {
        let map: ConfigMap = try resource.snapshot(of: stored).decode(ConfigMap.self)
        return State(
            namespace: map.metadata.namespace, name: map.metadata.name, app: map.metadata.labels["app"] ?? "")
    }
}

/// One watch: from where, and of what.
private struct Watched: Sendable, CustomStringConvertible {
    static let namespaces: [String] = ["default", "other"]
    static let apps: [String] = ["a", "b", "c"]

    private let start: Revision
    /// Empty: all.
    private let namespace: String
    private let app: String

    init(from first: Revision, to last: Revision, _ random: inout CheckRandom) {
        start = Revision.random(in: first...last, using: &random)
        namespace = (Self.namespaces + [""]).randomElement(using: &random) ?? ""
        app = (Self.apps + [""]).randomElement(using: &random) ?? ""
    }

    var description: String { "from \(start) in namespace \"\(namespace)\" with app \"\(app)\"" }

    private func selects(_ state: LoggedChange.State?) -> Bool {
        guard let state else { return false }
        return (namespace.isEmpty || namespace == state.namespace) && (app.isEmpty || app == state.app)
    }

    /// Reads until all the last objects have come.
    func events(_ server: TestServer) async throws -> [String] {
        var query: [(name: String, value: String)] = [("resourceVersion", String(start))]
        if !app.isEmpty { query.append(("labelSelector", "app=\(app)")) }
        let stream: any WatchStream = try await server.watch(configMaps, namespace: namespace, query)
        var missing: Int = (namespace.isEmpty ? 2 : 1) * (app.isEmpty ? 3 : 1)
        var seen: [String] = []
        while missing > 0, let events = try await stream.next() {
            for event in events {
                let object: Snapshot = event.object
                seen.append("\(event.kind.rawValue) \(object.namespace)/\(object.name) \(object.revision)")
                if object.name.hasPrefix("end-") { missing -= 1 }
            }
        }
        stream.cancel()
        return seen
    }

    /// What the log makes of it: an object that begins to match is added, one that stops is deleted.
    func expected(_ log: [LoggedChange]) -> [String] {
        log.filter { $0.revision > start }.compactMap { change in
            guard let state = change.after ?? change.before else { return nil }
            let kind: WatchEvent.Kind
            switch (selects(change.before), selects(change.after)) {
            case (false, false): return nil
            case (false, true): kind = .added
            case (true, true): kind = .modified
            case (true, false): kind = .deleted
            }
            return "\(kind.rawValue) \(state.namespace)/\(state.name) \(change.revision)"
        }
    }
}

/// SplitMix64.
private struct CheckRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed: UInt64 = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
