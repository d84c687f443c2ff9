import Glibc
import Synchronization

/// The maintenance thread: checkpoints and the deletion of compacted history, off the writer's path.
final class Maintainer {
    /// The write-ahead log may grow to this many pages (64 MiB) before the writer has to wait for a checkpoint.
    private static let maxLogPages: Int = 16_384
    /// Rows looked at in one sweep transaction: about a millisecond of the write lock.
    private static let sweepRows: Int = 256

    private let engine: Engine
    private var database: LogMaintainer?

    init(engine: Engine) {
        self.engine = engine
    }

    func run() {
        while let jobs = engine.maintenance.receive() {
            var sweepTarget: Revision?
            var wantsCheckpoint = false
            var barriers: [CheckedContinuation<Void, Never>] = []
            for job in jobs {
                switch job {
                case .checkpoint: wantsCheckpoint = true
                case .extendLog: extendLog()
                case .sweep(let revision): sweepTarget = max(sweepTarget ?? 0, revision)
                case .barrier(let continuation): barriers.append(continuation)
                }
            }
            do throws(SQLiteError) {
                try work(sweepTarget: sweepTarget, wantsCheckpoint: wantsCheckpoint)
            } catch {
                // A full disk: the next job tries again. But after a failed sync the kernel may have dropped what
                // was to be written, and a second sync would succeed: then the log must not be thrown away.
                if error.isDiskFailure {
                    engine.fail("failed to maintain the database: \(error)")
                }
            }
            for barrier in barriers {
                barrier.resume()
            }
        }
    }

    private func work(sweepTarget: Revision?, wantsCheckpoint: Bool) throws(SQLiteError) {
        let database = try connected()
        if wantsCheckpoint {
            try checkpoint(database)
        }
        if let sweepTarget {
            try sweep(database, sweepTarget)
            try checkpoint(database)
        }
        let bytes = try database.usedBytes()
        engine.maintenanceReport.withLock { $0.databaseBytes = bytes }
    }

    private func sweep(_ database: LogMaintainer, _ revision: Revision) throws(SQLiteError) {
        var batches = 0
        while true {
            let isMore: Bool = try engine.writeLock.withLock { _ throws(SQLiteError) in
                try database.sweep(revision, rowLimit: Maintainer.sweepRows)
            }
            guard isMore else { return }
            // The lock is not fair: leave the writer time to take it.
            usleep(1000)
            batches += 1
            if batches % 64 == 0 {
                try checkpoint(database)
            }
        }
    }

    /// Passive while commits go on. They keep adding to the log, which starts over only when all of it was copied;
    /// so if it grows too long, copy the rest, which is little, while they wait.
    private func checkpoint(_ database: LogMaintainer) throws(SQLiteError) {
        var state = try database.checkpoint()
        if state.logPages > Maintainer.maxLogPages && state.copiedPages < state.logPages {
            state = try engine.writeLock.withLock { _ throws(SQLiteError) in try database.checkpoint() }
        }
        let pending = max(0, state.logPages - state.copiedPages)
        engine.maintenanceReport.withLock { $0.pendingLogPages = pending }
    }

    /// Commits go on between the chunks; while they wait for a sync of this, they are as slow as they would be without.
    private func extendLog() {
        guard let log = LogExtension(databasePath: Engine.databasePath(engine.configuration)) else { return }
        // A checkpoint is asked for at that length, and takes a while.
        let length: Int = (Committer.checkpointPages + Committer.checkpointPages / 4) * LogSchema.pageSize
        // As above, the lock is not fair.
        while engine.writeLock.withLock({ _ in log.grow(to: length) }), log.sync() { usleep(1000) }
    }

    private func connected() throws(SQLiteError) -> LogMaintainer {
        if let database { return database }
        let opened = try LogMaintainer(
            path: Engine.databasePath(engine.configuration), maxPages: Engine.maxPages(engine.configuration))
        database = opened
        return opened
    }
}
