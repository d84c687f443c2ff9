import CSQLite

/// The writer thread's connection: loads the state, then makes commits durable.
final class LogWriter {
    private let connection: SQLiteConnection
    private let insert: SQLiteStatement
    private let insertLease: SQLiteStatement
    private let deleteLease: SQLiteStatement
    private let setMeta: SQLiteStatement
    private let pages: UnsafeMutablePointer<Int32>

    init(path: String, maxPages: Int) throws(EmbeddedStore.OpenError) {
        do throws(SQLiteError) {
            connection = try LogSchema.connect(path: path, durability: .full, maxPages: maxPages, cacheKiB: 2048)
        } catch {
            throw EmbeddedStore.OpenError(error, while: "opening the database")
        }
        try LogSchema.prepare(connection)
        do throws(SQLiteError) {
            insert = try connection.prepare("INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
            insertLease = try connection.prepare("INSERT INTO lease VALUES (?1, ?2)")
            deleteLease = try connection.prepare("DELETE FROM lease WHERE id = ?1")
            setMeta = try connection.prepare("UPDATE meta SET value = ?2 WHERE name = ?1")
        } catch {
            throw EmbeddedStore.OpenError(error, while: "preparing statements")
        }
        pages = .allocate(capacity: 1)
        pages.initialize(to: 0)
        _ = sqlite3_wal_hook(
            connection.handle,
            { context, _, _, count in
                context?.assumingMemoryBound(to: Int32.self).pointee = count
                return SQLITE_OK
            }, pages)
    }

    deinit {
        _ = sqlite3_wal_hook(connection.handle, nil, nil)
        pages.deallocate()
    }

    /// Pages in the write-ahead log after the last commit.
    var logPages: Int { Int(pages.pointee) }

    /// Durable when it returns; nothing is written when it throws (except that a failed sync leaves it open).
    func commit(_ admission: Admission) throws(SQLiteError) {
        try connection.transaction { () throws(SQLiteError) in
            for change in admission.changes {
                try write(change)
            }
            for grant in admission.grants {
                insertLease.bind(grant.id, at: 1)
                insertLease.bind(Int64(grant.seconds), at: 2)
                try insertLease.run()
            }
            if !admission.grants.isEmpty {
                try setMeta("last_lease", admission.lastLease)
            }
            if let ended = admission.ended {
                deleteLease.bind(ended, at: 1)
                try deleteLease.run()
            }
            if let compacted = admission.newCompacted {
                try setMeta("compacted", compacted)
            }
        }
    }

    private func write(_ change: Change) throws(SQLiteError) {
        insert.bind(change.id.rawValue, at: 1)
        try insert.bind(change.key, at: 2)
        insert.bind(change.previous?.id.rawValue ?? 0, at: 6)
        if let keyValue = change.record?.keyValue {
            insert.bind(keyValue.createRevision, at: 3)
            insert.bind(keyValue.version, at: 4)
            insert.bind(keyValue.lease, at: 5)
            try insert.bind(keyValue.value, at: 7)
        } else {
            insert.bind(0, at: 3)
            insert.bind(0, at: 4)
            insert.bind(0, at: 5)
            insert.bindNull(at: 7)
        }
        try insert.run()
    }

    private func setMeta(_ name: String, _ value: Int64) throws(SQLiteError) {
        try setMeta.bind(text: name, at: 1)
        setMeta.bind(value, at: 2)
        try setMeta.run()
    }
}

// MARK: - Loading

extension LogWriter {
    /// Reads the newest version of each key, in key order, and what else the state needs.
    func load() throws(EmbeddedStore.OpenError) -> LoadedState {
        var state = LoadedState()
        do throws(SQLiteError) {
            let newest = LogID(rawValue: try connection.integer("SELECT max(id) FROM log") ?? 0)
            state.compacted = try meta("compacted")
            state.revision = max(newest.revision, state.compacted)
            state.lastLease = try meta("last_lease")
            let leases = try connection.prepare("SELECT id, seconds FROM lease")
            while try leases.step() {
                state.leases.append((leases.integer(0), Int(leases.integer(1))))
            }
            try loadRecords(into: &state)
        } catch {
            throw EmbeddedStore.OpenError(error, while: "loading the state")
        }
        return state
    }

    private func loadRecords(into state: inout LoadedState) throws(SQLiteError) {
        // The inner query walks the index only; the outer one fetches one row per key.
        let rows = try connection.prepare(
            """
            SELECT \(LogRow.columns) FROM
                (SELECT max(id) AS newest FROM log INDEXED BY log_by_key GROUP BY key) AS current
                CROSS JOIN log ON log.id = current.newest
            WHERE log.created > 0
            """)
        while try rows.step() {
            let row = try LogRow(rows)
            guard let record = row.record else {
                throw SQLiteError(code: SQLITE_CORRUPT, message: "a deletion among current records")
            }
            state.tree.put(record)
            state.keyBytes += record.size
        }
    }

    private func meta(_ name: String) throws(SQLiteError) -> Int64 {
        guard let value = try connection.integer("SELECT value FROM meta WHERE name = '\(name)'") else {
            throw SQLiteError(code: SQLITE_CORRUPT, message: "\(name) is missing")
        }
        return value
    }
}
