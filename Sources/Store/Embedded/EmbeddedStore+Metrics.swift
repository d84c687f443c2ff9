extension EmbeddedStore {
    /// Numbers for the server to export. Totals count from the opening of the store.
    package struct Metrics: Sendable {
        package var revision: Revision
        package var compactedRevision: Revision
        package var keys: Int
        /// Bytes of current keys and values.
        package var keyBytes: Int
        /// Bytes of the database file in use (without free pages), as of the last maintenance.
        package var databaseBytes: Int
        /// Pages of 4 KiB in the write-ahead log that the database file did not have at the last checkpoint.
        package var pendingLogPages: Int
        package var transactions: Int
        /// Commits, each with one fsync; the total and longest time that they took.
        package var commits: Int
        package var commitTime: Duration
        package var longestCommit: Duration
        package var queuedWrites: Int
        package var watchers: Int
        package var slowWatchers: Int
        package var leases: Int
    }

    package var metrics: Metrics {
        engine.metrics
    }
}
