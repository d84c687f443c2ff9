import Glibc

extension EmbeddedStore {
    package struct Configuration: Sendable {
        /// A directory of the store's own; made if it is missing.
        package var path: String
        /// History older than this is compacted by `run`; nil: only by size or when asked.
        package var autoCompactionAge: Duration? = .seconds(300)
        /// More superseded bytes than this are compacted by `run` earlier.
        package var autoCompactionBytes: Int = 256 << 20
        /// The database file never grows beyond this; writes then fail with `noSpace`.
        package var maxDatabaseBytes: Int = 8 << 30
        /// Recent events kept in memory for watches and reads of the recent past.
        package var windowEvents: Int = 10_000
        package var windowBytes: Int = 16 << 20
        /// A live watcher with more undelivered events or bytes than this is cut off.
        package var watcherBufferEvents: Int = 10_000
        package var watcherBufferBytes: Int = 64 << 20
        /// Writes that wait for the disk; more are refused with `unavailable`.
        package var maxQueuedWrites: Int = 16_384
        /// Drives leases and automatic compaction, and measures commits.
        package var clock: StoreClock = .continuous
        /// Called once, on a thread of the store, when the disk failed in a way that leaves open what is durable.
        /// It should end the process; if it does not, all writes fail with `unavailable` from then on.
        package var onFatal: @Sendable (String) -> Void = { message in
            let text = "the store's disk failed: \(message)\n"
            _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
            abort()
        }

        package init(path: String) {
            self.path = path
        }
    }

    /// Why a store could not be opened.
    package enum OpenError: Error, Equatable, Sendable {
        /// Another process (its id, if known) or another store in this one has the directory open.
        case locked(directory: String, holder: Int?)
        /// The file is damaged, or not ours.
        case corrupt(String)
        case failed(String)
    }
}

extension EmbeddedStore.OpenError {
    init(_ error: SQLiteError, while operation: String) {
        if error.isCorrupt {
            self = .corrupt("\(operation): \(error)")
        } else {
            self = .failed("\(operation): \(error)")
        }
    }
}

extension EmbeddedStore.OpenError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .locked(let directory, let holder):
            let who = holder.map { " (process \($0))" } ?? ""
            return "failed to open store \(directory): another process\(who) has it open"
        case .corrupt(let reason): return "the store is damaged: \(reason)"
        case .failed(let reason): return "failed to open store: \(reason)"
        }
    }
}

/// Time as the store sees it: from any Swift clock.
package struct StoreClock: Sendable {
    /// Since some fixed moment.
    package let now: @Sendable () -> Duration
    package let sleep: @Sendable (Duration) async throws -> Void

    package init(now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    package init<C: Clock>(_ clock: C) where C.Duration == Duration {
        let start = clock.now
        now = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
    }

    package static let continuous = StoreClock(ContinuousClock())
}
