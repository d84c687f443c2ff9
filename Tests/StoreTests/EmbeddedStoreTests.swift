import Foundation
import Synchronization
import Testing

@testable import Store

/// What was said, from any thread.
private final class Recorder: Sendable {
    private let said = Mutex<[String]>([])

    var messages: [String] { said.withLock { $0 } }

    func record(_ message: String) {
        said.withLock { $0.append(message) }
    }
}

@Suite(.timeLimit(.minutes(5)))
struct EmbeddedStoreTests {
    @Test func `everything is there after opening again`() async throws {
        let directory = try TestDirectory()
        var store = try await EmbeddedStore.open(directory.configuration)
        try await store.put("/a", "1")
        let second = try await store.put("/a", "2")
        try await store.put("/b", "x")
        let lease = try await store.grantLease(seconds: 60)
        try await store.put("/c", "leased", lease: lease)
        let deleted = try await store.delete("/b")
        let before = try await store.dump()
        await store.close()

        store = try await EmbeddedStore.open(directory.configuration)
        #expect(store.revision == deleted)
        #expect(try await store.dump() == before)
        #expect(try await store.value("/b", at: deleted - 1) == "x")
        #expect(try await store.value("/a", at: second - 1) == "1")
        let watch = try store.watch(prefix: utf8("/"), from: second)
        #expect(try await watch.next()?.events.count == 4)
        try await store.revokeLease(lease)
        #expect(try await store.value("/c") == nil)
        #expect(try await store.grantLease(seconds: 60) > lease)
        await store.close()
    }

    @Test func `the revision survives compaction of everything`() async throws {
        let directory = try TestDirectory()
        var store = try await EmbeddedStore.open(directory.configuration)
        try await store.put("/a", "1")
        let deleted = try await store.delete("/a")
        try await store.compact(deleted)
        await store.finishMaintenance()
        await store.close()

        store = try await EmbeddedStore.open(directory.configuration)
        #expect(store.revision == deleted)
        #expect(try await store.dump().isEmpty)
        await #expect(throws: StoreError.compacted(requested: 1, compacted: deleted)) {
            try await store.value("/a", at: 1)
        }
        #expect(throws: StoreError.compacted(requested: deleted, compacted: deleted)) {
            try store.watch(prefix: [], from: deleted)
        }
        #expect(try await store.put("/a", "2") == deleted + 1)
        await store.close()
    }

    @Test func `a directory in use is refused with the holder's process id`() async throws {
        let directory = try TestDirectory()
        let store = try await EmbeddedStore.open(directory.configuration)
        await #expect(
            throws: EmbeddedStore.OpenError.locked(directory: directory.path, holder: Int(getpid()))
        ) {
            try await EmbeddedStore.open(directory.configuration)
        }
        await store.close()
        await (try EmbeddedStore.open(directory.configuration)).close()
    }

    @Test func `a damaged file is refused`() async throws {
        let directory = try TestDirectory()
        let file = URL(fileURLWithPath: directory.path + "/store.db")
        try Data(repeating: 0x42, count: 20_000).write(to: file)
        let error = await #expect(throws: EmbeddedStore.OpenError.self) {
            try await EmbeddedStore.open(directory.configuration)
        }
        guard case .corrupt(let reason) = error else {
            Issue.record("the wrong error: \(String(describing: error))")
            return
        }
        #expect(reason.contains("not a database"))
    }

    @Test func `a closed store refuses writes and ends watches`() async throws {
        let directory = try TestDirectory()
        let store = try await EmbeddedStore.open(directory.configuration)
        let watch = try store.watch(prefix: [], from: 0)
        await store.close()
        let closed = StoreError.unavailable("the store is closed")
        await #expect(throws: closed) { try await store.put("/a", "1") }
        await #expect(throws: closed) { try await watch.next() }
        #expect(throws: closed) { try store.watch(prefix: [], from: 0) }
    }

    @Test func `a full disk refuses writes until room is made and loses nothing`() async throws {
        let directory = try TestDirectory()
        var configuration = directory.configuration
        configuration.maxDatabaseBytes = 400 << 10
        configuration.onFatal = { Issue.record("fatal: \($0)") }
        var store = try await EmbeddedStore.open(configuration)
        let value = [UInt8](repeating: 7, count: 2000)
        var written = 0
        let full = await #expect(throws: StoreError.self) {
            while true {
                try await store.put("/k/\(written % 50)", value)
                written += 1
            }
        }
        guard case .noSpace = full else {
            Issue.record("the wrong error: \(String(describing: full))")
            return
        }
        #expect(written > 50)
        #expect(store.revision == Revision(written))
        #expect(try await store.value("/k/1") != nil)

        // Many at once: each is refused, and none takes another down with it.
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<20 {
                group.addTask { [store] in (try? await store.put("/big/\(index)", value)) != nil }
            }
            for await succeeded in group {
                #expect(!succeeded)
            }
        }
        let before = try await store.dump()
        try await store.compact(store.revision)
        await store.finishMaintenance()
        #expect(try await store.put("/k/0", value) == Revision(written) + 1)
        await store.close()

        store = try await EmbeddedStore.open(configuration)
        #expect(try await store.dump().count == before.count)
        #expect(store.revision == Revision(written) + 1)
        await store.close()
    }

    @Test func `a failed commit stops writes and tells the owner once`() async throws {
        let directory = try TestDirectory()
        let recorder = Recorder()
        var configuration = directory.configuration
        configuration.onFatal = { recorder.record($0) }
        let store = try await EmbeddedStore.open(configuration)
        let revision = try await store.put("/a", "1")
        let vandal = try SQLiteConnection(path: directory.path + "/store.db")
        try vandal.execute("DROP TABLE log")
        for _ in 0..<3 {
            let error = await #expect(throws: StoreError.self) { try await store.put("/a", "2") }
            guard case .unavailable(let reason) = error else {
                Issue.record("the wrong error: \(String(describing: error))")
                return
            }
            #expect(reason.contains("no such table"))
        }
        #expect(recorder.messages.count == 1)
        #expect(store.revision == revision)
        #expect(try await store.value("/a") == "1")
        await store.close()
    }

    @Test func `concurrent writes share commits`() async throws {
        let directory = try TestDirectory()
        let store = try await EmbeddedStore.open(directory.configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<32 {
                group.addTask {
                    for index in 0..<10 {
                        try await store.put("/\(writer)/\(index)", "x")
                    }
                }
            }
            try await group.waitForAll()
        }
        let metrics = store.metrics
        #expect(metrics.transactions == 320)
        #expect(metrics.commits < 160, "\(metrics.commits) commits")
        #expect(metrics.commitTime > .zero)
        #expect(metrics.keys == 320)
        #expect(metrics.revision == 320)
        await store.close()
    }

    @Test func `reads and refused writes cost no commit`() async throws {
        let directory = try TestDirectory()
        let store = try await EmbeddedStore.open(directory.configuration)
        try await store.put("/a", "1")
        let conflict = Transaction(
            compares: [.modRevision(utf8("/a"), 99)], writes: [.delete(utf8("/a"))])
        _ = try await store.transact(conflict)
        try await store.delete("/missing")
        await store.performDueWork()
        #expect(store.metrics.commits == 1)
        await store.close()
    }

    @Test func `a watcher that does not read is cut off and others go on`() async throws {
        let directory = try TestDirectory()
        var configuration = directory.configuration
        configuration.watcherBufferEvents = 5
        let store = try await EmbeddedStore.open(configuration)
        let slow = try store.watch(prefix: utf8("/"), from: 0)
        let quick = try store.watch(prefix: utf8("/"), from: 0)
        try await store.put("/a", "0")
        // Both are live once they have read the first event and found nothing behind it.
        #expect(try await slow.next()?.events.count == 1)
        #expect(try await quick.next()?.events.count == 1)
        for index in 1...20 {
            try await store.put("/a", "\(index)")
            #expect(try await quick.next()?.events.first?.current.value == utf8("\(index)"))
        }
        let error = await #expect(throws: StoreError.self) {
            while try await slow.next() != nil {}
        }
        guard case .slowWatcher = error else {
            Issue.record("the wrong error: \(String(describing: error))")
            return
        }
        #expect(store.metrics.slowWatchers == 1)
        #expect(store.metrics.watchers == 1)
        await store.close()
    }

    @Test func `a watch that is dropped is forgotten`() async throws {
        let directory = try TestDirectory()
        let store = try await EmbeddedStore.open(directory.configuration)
        _ = try store.watch(prefix: [], from: 0)
        #expect(store.metrics.watchers == 0)
        await store.close()
    }
}
