import Synchronization

/// The store in this process: state in memory, history and durability in a SQLite file. See docs/store.md.
///
/// It owns four threads (writer, reader, maintenance, watch); callers never block the cooperative pool.
/// Leases expire and history is compacted automatically only while `run` runs.
package final class EmbeddedStore: Store {
    let engine: Engine
    private let threads: ThreadGroup

    private init(engine: Engine, threads: ThreadGroup) {
        self.engine = engine
        self.threads = threads
    }

    deinit {
        engine.close()
    }

    /// Locks the directory and loads the state.
    package static func open(_ configuration: Configuration) async throws(OpenError) -> EmbeddedStore {
        let opened: Result<EmbeddedStore, OpenError> = await withCheckedContinuation { continuation in
            StoreThread.start(name: "store-writer") {
                writerThread(configuration, continuation)
            }
        }
        return try opened.get()
    }

    /// Answers what was admitted, refuses what comes later, ends all watches, and lets go of the directory.
    package func close() async {
        engine.close()
        await threads.wait()
    }

    /// Opens, says so, then writes until the store is closed.
    private static func writerThread(
        _ configuration: Configuration, _ opened: CheckedContinuation<Result<EmbeddedStore, OpenError>, Never>
    ) {
        let lock: DirectoryLock
        let engine: Engine
        let writer: LogWriter
        do throws(OpenError) {
            lock = try DirectoryLock(directory: configuration.path)
            // SQLite gives its other files the same mode.
            try DirectoryLock.createPrivateFile(Engine.databasePath(configuration))
            writer = try LogWriter(
                path: Engine.databasePath(configuration), maxPages: Engine.maxPages(configuration))
            engine = Engine(configuration: configuration, loaded: try writer.load())
            try DirectoryLock.sync(directory: configuration.path)
            try DirectoryLock.sync(directory: configuration.path + "/..")
        } catch {
            opened.resume(returning: .failure(error))
            return
        }
        let threads = ThreadGroup(count: 4, lock: lock)
        startThreads(engine, threads)
        opened.resume(returning: .success(EmbeddedStore(engine: engine, threads: threads)))
        run(Committer(engine: engine, writer: writer))
        // The writer's connection is closed here; the last to go lets go of the directory.
        threads.leave()
    }

    /// Consumes the committer, so that its connection is closed on return.
    private static func run(_ committer: consuming Committer) {
        committer.run()
    }

    private static func startThreads(_ engine: Engine, _ threads: ThreadGroup) {
        StoreThread.start(name: "store-reader") {
            readerThread(engine)
            threads.leave()
        }
        StoreThread.start(name: "store-maint") {
            Maintainer(engine: engine).run()
            threads.leave()
        }
        StoreThread.start(name: "store-watch") {
            engine.hub.run(engine)
            threads.leave()
        }
        // Finish what a previous process left; also gives the metrics their first numbers.
        let compacted = engine.state.withLock { $0.compacted }
        try? engine.maintenance.send(.sweep(compacted), force: true)
    }

    private static func readerThread(_ engine: Engine) {
        var reader: LogReader?
        while let jobs = engine.reads.receive() {
            for job in jobs {
                let current: Result<LogReader, StoreError> = Result { () throws(StoreError) in
                    if let reader { return reader }
                    do throws(SQLiteError) {
                        return try LogReader(path: Engine.databasePath(engine.configuration))
                    } catch {
                        throw .unavailable("failed to read history: \(error)")
                    }
                }
                reader = try? current.get()
                job.run(current)
            }
        }
    }
}

extension Engine {
    func close() {
        writes.close()
        reads.close()
        maintenance.close()
        hub.close()
    }
}

// MARK: - Store

extension EmbeddedStore {
    package var revision: Revision {
        engine.state.withLock { $0.revision }
    }

    package func get(_ key: [UInt8], at: Revision?) async throws(StoreError) -> KeyValue? {
        guard let at else {
            return engine.state.withLock { $0.tree }.get(key)?.keyValue
        }
        switch try source(at: at) {
        case .now(let tree):
            return tree.get(key)?.keyValue
        case .window(let tree, let batches):
            for batch in batches {
                for event in batch.events where event.current.modRevision > at && event.current.key == key {
                    return event.previous
                }
            }
            return tree.get(key)?.keyValue
        case .disk:
            return try await engine.read { reader throws(StoreError) in try reader.get(key, at: at) }
        }
    }

    package func range(
        prefix: [UInt8], after: [UInt8]?, limit: Int, at: Revision?
    ) async throws(StoreError) -> RangeResult {
        guard let at else {
            let (tree, revision) = engine.state.withLock { ($0.tree, $0.revision) }
            let (items, remaining) = tree.range(prefix: prefix, after: after, limit: limit)
            return RangeResult(items: items, revision: revision, remaining: remaining)
        }
        switch try source(at: at) {
        case .now(let tree):
            let (items, remaining) = tree.range(prefix: prefix, after: after, limit: limit)
            return RangeResult(items: items, revision: at, remaining: remaining)
        case .window(let tree, let batches):
            let past = tree.undoing(batches.events(prefix: prefix, after: at))
            let (items, remaining) = past.range(prefix: prefix, after: after, limit: limit)
            return RangeResult(items: items, revision: at, remaining: remaining)
        case .disk:
            return try await engine.read { reader throws(StoreError) in
                try reader.range(prefix: prefix, after: after, limit: limit, at: at)
            }
        }
    }

    package func transact(_ transaction: Transaction) async throws(StoreError) -> TransactionResult {
        guard case .transaction(let result) = try await engine.perform(.transact(transaction)) else {
            preconditionFailure("a transaction has its own reply")
        }
        return result
    }

    package func watch(prefix: [UInt8], from: Revision) throws(StoreError) -> any StoreWatch {
        let (revision, compacted) = engine.state.withLock { ($0.revision, $0.compacted) }
        let first = from == 0 ? revision + 1 : from
        guard first > compacted else { throw .compacted(requested: from, compacted: compacted) }
        let configuration = engine.configuration
        let limits = WatcherMachine.Limits(
            events: configuration.watcherBufferEvents, bytes: configuration.watcherBufferBytes)
        let watcher = Watcher(machine: WatcherMachine(prefix: prefix, after: first - 1, limits: limits))
        guard let id = engine.hub.add(watcher) else { throw .unavailable("the store is closed") }
        return EmbeddedWatch(engine: engine, watcher: watcher, id: id, firstRevision: first)
    }

    package func compact(_ revision: Revision) async throws(StoreError) {
        _ = try await engine.perform(.compact(revision))
    }

    package func grantLease(seconds: Int) async throws(StoreError) -> LeaseID {
        guard case .lease(let id) = try await engine.perform(.grant(seconds: max(1, seconds))) else {
            preconditionFailure("a grant has its own reply")
        }
        return id
    }

    package func keepAlive(_ lease: LeaseID) async throws(StoreError) {
        let now = engine.configuration.clock.now()
        guard engine.state.withLock({ $0.leases.keepAlive(lease, now: now) }) else { throw .leaseNotFound(lease) }
    }

    package func revokeLease(_ lease: LeaseID) async throws(StoreError) {
        _ = try await engine.perform(.revoke(lease, dueBy: nil))
    }

    private func source(at revision: Revision) throws(StoreError) -> EngineState.ReadSource {
        let source: Result<EngineState.ReadSource, StoreError> = engine.state.withLock { state in
            Result { () throws(StoreError) in try state.source(at: revision) }
        }
        return try source.get()
    }
}
