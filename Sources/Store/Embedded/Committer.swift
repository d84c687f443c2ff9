import Synchronization

/// The writer thread: takes all that waits, admits it in order, makes it durable with one commit, publishes it.
///
///     clients      a b         c d e f        g
///     commits      [ a ]──fsync[ b c d ]──fsync[ e f g ]
///
/// What arrives while the disk syncs goes into the next commit. Revocations of leases commit alone: they need
/// the keys as published.
final class Committer {
    /// Bounds of one commit, so that no client waits for a huge one.
    private static let maxRequests: Int = 1024
    /// Ask for a checkpoint at this many pages (16 MiB) in the write-ahead log.
    static let checkpointPages: Int = 4096
    /// Have the log extended at this many (2 MiB): a store in which hardly anything is written keeps a short one.
    static let extensionPages: Int = 512

    private let engine: Engine
    private let writer: LogWriter
    private var isExtended: Bool = false

    init(engine: Engine, writer: LogWriter) {
        self.engine = engine
        self.writer = writer
    }

    /// Returns when the inbox is closed and empty.
    func run() {
        while let requests = engine.writes.receive() {
            var rest: ArraySlice<WriteRequest> = requests[...]
            while !rest.isEmpty {
                let count = Committer.batchCount(rest)
                commit(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
        }
    }

    private static func batchCount(_ requests: ArraySlice<WriteRequest>) -> Int {
        let alone = requests.prefix(maxRequests).firstIndex { request in
            if case .revoke = request.operation { true } else { false }
        }
        guard let alone else { return min(maxRequests, requests.count) }
        return max(1, alone - requests.startIndex)
    }

    private func commit(_ batch: ArraySlice<WriteRequest>) {
        if let failed = engine.failed {
            answer(batch, with: failed)
            return
        }
        var admission = engine.state.withLock { $0.admission }
        let replies: [Result<Reply, StoreError>] = batch.map { admit($0.operation, to: &admission) }
        let clock = engine.configuration.clock
        let start = clock.now()
        do throws(SQLiteError) {
            if !admission.isEmpty {
                try engine.writeLock.withLock { _ throws(SQLiteError) in try writer.commit(admission) }
            }
        } catch {
            abort(batch, error)
            return
        }
        let end = clock.now()
        let events = admission.changes.map(\.event)
        let transactions = batch.count
        engine.state.withLock { state in
            state.publish(admission, events: events, now: end)
            state.counters.transactions += transactions
            if !admission.isEmpty {
                state.counters.commits += 1
                state.counters.commitTime += end - start
                state.counters.longestCommit = max(state.counters.longestCommit, end - start)
            }
        }
        if !events.isEmpty {
            engine.hub.announce()
        }
        for (request, reply) in zip(batch, replies) {
            request.continuation.resume(returning: reply)
        }
        if let compacted = admission.newCompacted {
            try? engine.maintenance.send(.sweep(compacted), force: true)
        }
        if !isExtended, writer.logPages >= Committer.extensionPages {
            isExtended = true
            try? engine.maintenance.send(.extendLog)
        }
        if writer.logPages >= Committer.checkpointPages {
            // Full or closed: a checkpoint is on its way anyhow.
            try? engine.maintenance.send(.checkpoint)
        }
    }

    private func admit(_ operation: Operation, to admission: inout Admission) -> Result<Reply, StoreError> {
        do throws(StoreError) {
            switch operation {
            case .transact(let transaction):
                return .success(.transaction(try admission.transact(transaction)))
            case .grant(let seconds):
                return .success(.lease(admission.grant(seconds: seconds)))
            case .revoke(let lease, let dueBy):
                guard let keys = engine.state.withLock({ $0.leases.beginEnding(lease, dueBy: dueBy) }) else {
                    return .failure(.leaseNotFound(lease))
                }
                admission.end(lease, keys: keys)
                return .success(.done)
            case .compact(let revision):
                try admission.compact(revision)
                return .success(.done)
            }
        } catch {
            return .failure(error)
        }
    }

    /// Nothing of the batch is written. A full disk may still have room for some of it; any other failure leaves
    /// open what is durable, and ends the store.
    private func abort(_ batch: ArraySlice<WriteRequest>, _ error: SQLiteError) {
        for request in batch {
            if case .revoke(let lease, _) = request.operation {
                engine.state.withLock { $0.leases.abortEnding(lease) }
            }
        }
        if error.isFull {
            // What fills the disk may be the write-ahead log itself: once copied, it starts over.
            try? engine.maintenance.send(.checkpoint)
            if batch.count > 1 {
                for index in batch.indices {
                    commit(batch[index...index])
                }
            } else {
                answer(batch, with: .noSpace("failed to write: \(error)"))
            }
            return
        }
        answer(batch, with: .unavailable("the disk failed: \(error)"))
        engine.fail("failed to commit: \(error)")
    }

    private func answer(_ batch: ArraySlice<WriteRequest>, with error: StoreError) {
        for request in batch {
            request.continuation.resume(returning: .failure(error))
        }
    }
}
