import Synchronization

/// What the store's threads share. Lock order: `writeLock`, then `state`; nothing is called under `state`.
final class Engine: Sendable {
    let configuration: EmbeddedStore.Configuration
    let state: Mutex<EngineState>
    /// Held by whoever has a write transaction in SQLite: writer or maintenance thread. Never by others.
    let writeLock = Mutex<Void>(())
    let writes: Inbox<WriteRequest>
    let reads: Inbox<ReadJob>
    let maintenance: Inbox<MaintenanceJob>
    let hub: WatchHub
    let maintenanceReport = Mutex(MaintenanceReport())
    /// Why the disk cannot be trusted any more; set once.
    private let failure = Mutex<StoreError?>(nil)
    let policy: Mutex<CompactionPolicy>

    struct MaintenanceReport: Sendable {
        var databaseBytes: Int = 0
        var pendingLogPages: Int = 0
    }

    init(configuration: EmbeddedStore.Configuration, loaded: LoadedState) {
        self.configuration = configuration
        let limits = EventWindow.Limits(events: configuration.windowEvents, bytes: configuration.windowBytes)
        let leases = loaded.leaseTable(now: configuration.clock.now())
        state = Mutex(EngineState(loaded: loaded, leases: leases, window: limits))
        writes = Inbox(capacity: configuration.maxQueuedWrites)
        reads = Inbox(capacity: 4096)
        maintenance = Inbox(capacity: 64)
        hub = WatchHub(position: loaded.revision)
        policy = Mutex(
            CompactionPolicy(
                age: configuration.autoCompactionAge, maxBytes: configuration.autoCompactionBytes,
                compacted: loaded.compacted))
    }

    static func databasePath(_ configuration: EmbeddedStore.Configuration) -> String {
        configuration.path + "/store.db"
    }

    static func maxPages(_ configuration: EmbeddedStore.Configuration) -> Int {
        max(16, configuration.maxDatabaseBytes / LogSchema.pageSize)
    }

    /// Hands an operation to the writer and waits until it is durable. Not cut short by cancellation.
    func perform(_ operation: Operation) async throws(StoreError) -> Reply {
        let result: Result<Reply, StoreError> = await withCheckedContinuation { continuation in
            do throws(Inbox<WriteRequest>.Refusal) {
                try writes.send(WriteRequest(operation: operation, continuation: continuation))
            } catch {
                continuation.resume(returning: .failure(failed ?? Engine.unavailable(error)))
            }
        }
        return try result.get()
    }

    var failed: StoreError? {
        failure.withLock { $0 }
    }

    /// The disk failed: no write is accepted any more. For the first failure, the owner of the process is told.
    func fail(_ reason: String) {
        let isFirst: Bool = failure.withLock { failure in
            guard failure == nil else { return false }
            failure = .unavailable("the disk failed: \(reason)")
            return true
        }
        guard isFirst else { return }
        writes.close()
        configuration.onFatal(reason)
    }

    /// Runs `body` on the reader thread.
    func read<T: Sendable>(
        _ body: @escaping @Sendable (LogReader) throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        let result: Result<T, StoreError> = await withCheckedContinuation { continuation in
            let job = ReadJob { reader in
                continuation.resume(
                    returning: reader.flatMap { reader in
                        Result { () throws(StoreError) -> T in try body(reader) }
                    })
            }
            do throws(Inbox<ReadJob>.Refusal) {
                try reads.send(job)
            } catch {
                continuation.resume(returning: .failure(.unavailable("reads are \(error)")))
            }
        }
        return try result.get()
    }

    static func unavailable(_ refusal: Inbox<WriteRequest>.Refusal) -> StoreError {
        switch refusal {
        case .full: .unavailable("too many writes are waiting for the disk")
        case .closed: .unavailable("the store is closed")
        }
    }

    var metrics: EmbeddedStore.Metrics {
        let report = maintenanceReport.withLock { $0 }
        let queued = writes.count
        let watchers = hub.count
        return state.withLock { state in
            EmbeddedStore.Metrics(
                revision: state.revision, compactedRevision: state.compacted, keys: state.tree.count,
                keyBytes: state.counters.keyBytes, databaseBytes: report.databaseBytes,
                pendingLogPages: report.pendingLogPages, transactions: state.counters.transactions,
                commits: state.counters.commits, commitTime: state.counters.commitTime,
                longestCommit: state.counters.longestCommit, queuedWrites: queued, watchers: watchers,
                slowWatchers: state.counters.slowWatchers, leases: state.leases.leases.count)
        }
    }
}

struct WriteRequest: Sendable {
    var operation: Operation
    var continuation: CheckedContinuation<Result<Reply, StoreError>, Never>
}

/// A read on the reader thread; called once, with the reason if there is no connection.
struct ReadJob: Sendable {
    var run: @Sendable (Result<LogReader, StoreError>) -> Void
}

enum MaintenanceJob: Sendable {
    case checkpoint
    /// Make the write-ahead log as long as it gets between checkpoints.
    case extendLog
    /// Delete from disk what was compacted up to here.
    case sweep(Revision)
    /// Everything sent before is done.
    case barrier(CheckedContinuation<Void, Never>)
}
