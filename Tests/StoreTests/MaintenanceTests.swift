import Foundation
import Store
import Testing

@Suite(.timeLimit(.minutes(5)))
struct MaintenanceTests {
    @Test func `an expired lease deletes its keys and one kept alive does not`() async throws {
        let directory = try TestDirectory()
        let time = ManualTime()
        var configuration = directory.configuration
        configuration.clock = time.clock
        var store = try await EmbeddedStore.open(configuration)
        let short = try await store.grantLease(seconds: 10)
        let kept = try await store.grantLease(seconds: 10)
        try await store.put("/short", "1", lease: short)
        try await store.put("/kept", "1", lease: kept)
        time.advance(by: .seconds(9))
        try await store.keepAlive(kept)
        await store.performDueWork()
        #expect(try await store.value("/short") == "1")
        time.advance(by: .seconds(1))
        await store.performDueWork()
        #expect(try await store.value("/short") == nil)
        #expect(try await store.value("/kept") == "1")
        await #expect(throws: StoreError.leaseNotFound(short)) { try await store.keepAlive(short) }
        await store.close()

        // Deadlines start anew; ids and attachments are kept.
        store = try await EmbeddedStore.open(configuration)
        time.advance(by: .seconds(9))
        await store.performDueWork()
        #expect(try await store.value("/kept") == "1")
        time.advance(by: .seconds(1))
        await store.performDueWork()
        #expect(try await store.value("/kept") == nil)
        #expect(store.metrics.leases == 0)
        await store.close()
    }

    @Test(.enabled(if: MaintenanceTests.hasRoom, "the log is only extended where a gigabyte is free"))
    func `the log is extended ahead of the writes and means the same after a crash`() async throws {
        let directory = try TestDirectory()
        let store = try await EmbeddedStore.open(directory.configuration)
        try await store.put("/first", "1")
        await store.finishMaintenance()
        #expect(try Self.logSize(directory.path) < 1 << 20)
        for index in 0..<40 { try await store.put("/k/\(index)", [UInt8](repeating: 1, count: 100_000)) }
        await store.finishMaintenance()
        #expect(try Self.logSize(directory.path) > 16 << 20)
        try await store.put("/last", "1")

        // What a crash would leave: the files as they are, without a clean end.
        let crashed = try TestDirectory()
        for file in ["store.db", "store.db-wal"] {
            try FileManager.default.copyItem(
                atPath: "\(directory.path)/\(file)", toPath: "\(crashed.path)/\(file)")
        }
        let opened = try await EmbeddedStore.open(crashed.configuration)
        #expect(opened.revision == store.revision)
        #expect(try await opened.dump() == store.dump())
        await opened.close()
        await store.close()
    }

    private static var hasRoom: Bool {
        let path: String = FileManager.default.temporaryDirectory.path
        let room = try? FileManager.default.attributesOfFileSystem(forPath: path)[.systemFreeSize] as? NSNumber
        return (room?.int64Value ?? 0) > 1 << 31
    }

    private static func logSize(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/store.db-wal")
        return try #require(attributes[.size] as? Int)
    }

    @Test func `history is compacted by age and then there is nothing to write`() async throws {
        let directory = try TestDirectory()
        let time = ManualTime()
        var configuration = directory.configuration
        configuration.clock = time.clock
        configuration.autoCompactionAge = .seconds(300)
        let store = try await EmbeddedStore.open(configuration)
        try await store.put("/a", "1")
        let second = try await store.put("/a", "2")
        await store.performDueWork()
        time.advance(by: .seconds(299))
        let third = try await store.put("/a", "3")
        await store.performDueWork()
        #expect(store.metrics.compactedRevision == 0)
        time.advance(by: .seconds(1))
        await store.performDueWork()
        #expect(store.metrics.compactedRevision == second)
        time.advance(by: .seconds(300))
        await store.performDueWork()
        #expect(store.metrics.compactedRevision == third)
        let commits = store.metrics.commits
        for _ in 0..<20 {
            time.advance(by: .seconds(100))
            await store.performDueWork()
        }
        #expect(store.metrics.commits == commits)
        await store.close()
    }

    @Test func `history is compacted by size and the file stays bounded`() async throws {
        let directory = try TestDirectory()
        let time = ManualTime()
        var configuration = directory.configuration
        configuration.clock = time.clock
        configuration.autoCompactionBytes = 400_000
        let store = try await EmbeddedStore.open(configuration)
        let value = [UInt8](repeating: 1, count: 4000)
        var largest = 0
        for index in 0..<1500 {
            try await store.put("/k/\(index % 10)", value)
            if index % 10 == 0 {
                await store.performDueWork()
                await store.finishMaintenance()
                largest = max(largest, store.metrics.databaseBytes)
            }
        }
        // 6 MB were written.
        #expect(largest < 2_000_000, "\(largest) bytes")
        #expect(store.metrics.compactedRevision > 1300)
        await store.close()
    }

    /// The file, after random writes and compactions, against a list of all states.
    @Test(arguments: [11, 12, 13] as [UInt64])
    func `every revision that is not compacted reads as it was`(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let directory = try TestDirectory()
        var configuration = directory.configuration
        configuration.windowEvents = 20
        var store = try await EmbeddedStore.open(configuration)
        var states: [[KeyValue]] = [[]]
        var compacted: Revision = 0
        for step in 0..<250 {
            let key = "/k/\(Int.random(in: 0..<12, using: &random))"
            let isDelete = Int.random(in: 0..<3, using: &random) == 0
            let revision = isDelete ? try await store.delete(key) : try await store.put(key, "\(step)")
            if revision == Revision(states.count) {
                states.append(try await store.dump())
            }
            guard step % 50 == 49 else { continue }
            compacted = Revision.random(in: compacted...revision, using: &random)
            try await store.compact(compacted)
            if Bool.random(using: &random) {
                await store.finishMaintenance()
            }
            if Bool.random(using: &random) {
                await store.close()
                store = try await EmbeddedStore.open(configuration)
            }
            for past in compacted...revision {
                #expect(try await store.dump(at: past) == states[Int(past)], "revision \(past) of seed \(seed)")
            }
            try await MaintenanceTests.replay(store, states, from: compacted)
        }
        await store.close()
    }

    /// Events from `from` on lead from its state to the newest.
    private static func replay(_ store: EmbeddedStore, _ states: [[KeyValue]], from: Revision) async throws {
        guard store.revision > from else { return }
        var state: [[UInt8]: KeyValue] = [:]
        for item in states[Int(from)] {
            state[item.key] = item
        }
        let watch = try store.watch(prefix: [], from: from + 1)
        var reached = from
        while reached < store.revision, let batch = try await watch.next() {
            for event in batch.events {
                #expect(event.previous == state[event.current.key])
                state[event.current.key] = event.kind == .put ? event.current : nil
            }
            reached = batch.revision
            let now: [KeyValue] = state.values.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            #expect(now == states[Int(reached)])
        }
    }
}
