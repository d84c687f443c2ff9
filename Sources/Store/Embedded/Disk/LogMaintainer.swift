import CSQLite

/// The maintenance thread's connection: moves the write-ahead log into the database, deletes what was compacted.
final class LogMaintainer {
    struct Checkpoint: Equatable {
        /// Pages in the write-ahead log, and how many of them the database file has.
        var logPages: Int
        var copiedPages: Int
    }

    private let connection: SQLiteConnection
    private let unswept: SQLiteStatement
    private let delete: SQLiteStatement
    private let setSwept: SQLiteStatement

    init(path: String, maxPages: Int) throws(SQLiteError) {
        connection = try LogSchema.connect(path: path, durability: .deferred, maxPages: maxPages, cacheKiB: 2048)
        unswept = try connection.prepare(
            """
            SELECT id, created, previous FROM log
            WHERE id > (SELECT value FROM meta WHERE name = 'swept')
                AND id <= ?1 AND id < (SELECT max(id) FROM log)
            ORDER BY id LIMIT ?2
            """)
        delete = try connection.prepare("DELETE FROM log WHERE id = ?1")
        setSwept = try connection.prepare("UPDATE meta SET value = ?1 WHERE name = 'swept'")
    }

    /// Copies what it can without waiting for anyone.
    func checkpoint() throws(SQLiteError) -> Checkpoint {
        var logPages: Int32 = 0
        var copiedPages: Int32 = 0
        let code = sqlite3_wal_checkpoint_v2(
            connection.handle, nil, SQLITE_CHECKPOINT_PASSIVE, &logPages, &copiedPages)
        guard code == SQLITE_OK || code & 0xFF == SQLITE_BUSY else {
            throw SQLiteError(code: code, message: String(cString: sqlite3_errmsg(connection.handle)))
        }
        return Checkpoint(logPages: Int(logPages), copiedPages: Int(copiedPages))
    }

    /// Deletes some rows that no reader at or above `revision` can see; false: none are left.
    ///
    /// Each row of the log names the version that it replaced, so the rows up to `revision` name exactly what is
    /// to go: their previous versions, and they themselves if they are deletions. Progress is kept with them.
    /// The newest row stays, as it tells the store's revision after a start.
    func sweep(_ revision: Revision, rowLimit: Int) throws(SQLiteError) -> Bool {
        try connection.transaction { () throws(SQLiteError) in
            var last: Int64?
            var rows = 0
            var doomed: [Int64] = []
            unswept.bind(LogID.last(of: revision).rawValue, at: 1)
            unswept.bind(Int64(rowLimit), at: 2)
            while try unswept.step() {
                let id = unswept.integer(0)
                if unswept.integer(1) == 0 {
                    doomed.append(id)
                }
                if unswept.integer(2) != 0 {
                    doomed.append(unswept.integer(2))
                }
                last = id
                rows += 1
            }
            unswept.reset()
            guard let last else { return false }
            for id in doomed {
                delete.bind(id, at: 1)
                try delete.run()
            }
            setSwept.bind(last, at: 1)
            try setSwept.run()
            return rows == rowLimit
        }
    }

    /// Bytes of the database file in use, without free pages.
    func usedBytes() throws(SQLiteError) -> Int {
        let pages = try connection.integer("PRAGMA page_count") ?? 0
        let free = try connection.integer("PRAGMA freelist_count") ?? 0
        return Int(pages - free) * LogSchema.pageSize
    }
}
