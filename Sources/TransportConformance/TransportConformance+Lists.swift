import APICore
import APIMachinery
import Client
import Codec

extension TransportConformance {
    private func selection(_ label: String) -> Selection {
        Selection(namespace: "default", labelSelector: "run=\(prefix),conformance=\(label)")
    }

    private func make(_ count: Int, _ label: String) async throws -> [ConfigMap] {
        var made: [ConfigMap] = []
        for index in 0..<count {
            made.append(try await client.create(configMap("\(label)-\(index)", label: label)))
        }
        return made
    }

    func lists() async throws {
        let made: [ConfigMap] = try await make(5, "list")
        let all: [ConfigMap] = try await client.list(ConfigMap.self, selection("list"))
        try require(all == made, "a list shows what was made, in the order of names")
        let first: ObjectPage = try await client.list(
            ConfigMap.resource, selection("list"), ReadOptions(limit: 2))
        try require(first.snapshots.count == 2 && !first.continueToken.isEmpty, "a limited list goes on")
        let late: ConfigMap = try await client.create(configMap("list-9", label: "list"))
        let rest: ObjectPage = try await client.list(
            ConfigMap.resource, selection("list"), ReadOptions(continueToken: first.continueToken))
        try require(
            rest.snapshots.map(\.name) == made.dropFirst(2).map(\.metadata.name),
            "the next pages show the revision of the first: \(rest.snapshots.map(\.name))")
        try require(rest.revision == first.revision, "all pages tell one revision")
        for map in made + [late] { await remove(map) }
    }

    func deleteCollection() async throws {
        _ = try await make(3, "sweep")
        let kept: [ConfigMap] = try await make(1, "kept")
        try await client.deleteCollection(ConfigMap.resource, selection("sweep"))
        let swept: [ConfigMap] = try await client.list(ConfigMap.self, selection("sweep"))
        try require(swept.isEmpty, "what was selected is gone")
        let left: [ConfigMap] = try await client.list(ConfigMap.self, selection("kept"))
        try require(left.count == 1, "what was not selected stays")
        for map in kept { await remove(map) }
    }

    // MARK: - Watches

    /// The next `count` events other than bookmarks.
    private func take(_ count: Int, from stream: any WatchStream) async throws -> [WatchEvent] {
        var events: [WatchEvent] = []
        while events.count < count {
            guard let more = try await stream.next() else {
                throw Violation(description: "a watch ended after \(events.count) of \(count) events")
            }
            events += more.filter { $0.kind != .bookmark }
        }
        return events
    }

    func watch() async throws {
        let start: Int64 = try await client.list(ConfigMap.resource, selection("watch")).revision
        let stream: any WatchStream = try await client.watch(ConfigMap.resource, selection("watch"), from: start)
        var map: ConfigMap = try await client.create(configMap("watch", label: "watch"))
        map.data["a"] = "1"
        map = try await client.update(map)
        // Out of the selection, for which it is as good as deleted; and in again.
        map.metadata.labels["conformance"] = "elsewhere"
        map = try await client.update(map)
        map.metadata.labels["conformance"] = "watch"
        map = try await client.update(map)
        try await client.delete(ConfigMap.self, map.key)
        let events: [WatchEvent] = try await take(5, from: stream)
        try require(
            events.map(\.kind) == [.added, .modified, .deleted, .added, .deleted],
            "each change shows once: \(events.map(\.kind.rawValue))")
        let revisions: [Int64] = events.map(\.object.revision)
        try require(revisions == revisions.sorted() && Set(revisions).count == 5, "in the order of revisions")
        let last: ConfigMap = try events[4].object.decode(ConfigMap.self)
        try require(last.data == ["a": "1"], "a deletion shows the last state")
        try require(last.metadata.resourceVersion == String(revisions[4]), "with the revision of the deletion")
        stream.cancel()
    }

    func watchFrom() async throws {
        let first: ConfigMap = try await client.create(configMap("from-1", label: "from"))
        let second: ConfigMap = try await client.create(configMap("from-2", label: "from"))
        let revision: Int64 = Int64(first.metadata.resourceVersion) ?? 0
        let stream: any WatchStream = try await client.watch(ConfigMap.resource, selection("from"), from: revision)
        let events: [WatchEvent] = try await take(1, from: stream)
        try require(events[0].object.name == second.metadata.name, "what came before is not shown again")
        stream.cancel()
        for map in [first, second] { await remove(map) }
    }

    func watchEnds() async throws {
        let start: Int64 = try await client.list(ConfigMap.resource, selection("ends")).revision
        let timed: any WatchStream = try await client.watch(
            ConfigMap.resource, selection("ends"), from: start, timeout: .seconds(1))
        while let events = try await timed.next() {
            try require(events.allSatisfy { $0.kind == .bookmark }, "nothing happened")
        }
        let left: any WatchStream = try await client.watch(ConfigMap.resource, selection("ends"), from: start)
        left.cancel()
        let rest: [WatchEvent]? = try await left.next()
        try require(rest?.contains { $0.kind != .bookmark } != true, "a cancelled watch is over")
    }

    func cancellation() async throws {
        let start: Int64 = try await client.list(ConfigMap.resource, selection("cancel")).revision
        let stream: any WatchStream = try await client.watch(ConfigMap.resource, selection("cancel"), from: start)
        let isOver: Bool = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                while let events = try await stream.next() {
                    if events.contains(where: { $0.kind != .bookmark }) { return false }
                }
                return true
            }
            group.cancelAll()
            return try await group.next() ?? false
        }
        try require(isOver, "a cancelled reader gets nil")
    }

    func informer() async throws {
        let informer = Informer(ConfigMap.self, selection: selection("informer"), over: client.transport)
        let made: [ConfigMap] = try await make(3, "informer")
        let moved = Signal()
        informer.addObserver { moved.raise() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await informer.run() }
            defer { group.cancelAll() }
            await informer.waitUntilSynced()
            try await client.delete(ConfigMap.self, made[0].key)
            var changed: ConfigMap = made[1]
            changed.data["a"] = "1"
            let updated: ConfigMap = try await client.update(changed)
            let wanted = Expectation(
                ConfigMap.resource, updated.key, .revision(Int64(updated.metadata.resourceVersion) ?? 0))
            while !informer.shows(wanted), !Task.isCancelled { await moved.wait() }
            try require(informer.cache.list() == [updated, made[2]], "the cache holds what the server has")
        }
        for map in made { await remove(map) }
    }
}
