/// The reader thread's connection: the past, as far as it is not compacted.
final class LogReader {
    private let connection: SQLiteConnection
    private let compacted: SQLiteStatement
    private let newestOfKey: SQLiteStatement
    private let keysFrom: SQLiteStatement
    private let row: SQLiteStatement
    private let rowsAfter: SQLiteStatement

    init(path: String) throws(SQLiteError) {
        connection = try LogSchema.connect(path: path, durability: .deferred, maxPages: 0, cacheKiB: 2048)
        try connection.execute("PRAGMA query_only = 1")
        compacted = try connection.prepare("SELECT value FROM meta WHERE name = 'compacted'")
        newestOfKey = try connection.prepare(
            """
            SELECT \(LogRow.columns) FROM log INDEXED BY log_by_key
            WHERE key = ?1 AND id <= ?2 ORDER BY id DESC LIMIT 1
            """)
        // `created` is that of the row with the greatest id: SQLite's rule for bare columns beside max().
        keysFrom = try connection.prepare(
            """
            SELECT max(id), created, key FROM log INDEXED BY log_by_key
            WHERE key >= ?1 AND id <= ?2 GROUP BY key
            """)
        row = try connection.prepare("SELECT \(LogRow.columns) FROM log WHERE id = ?1")
        rowsAfter = try connection.prepare(
            "SELECT \(LogRow.columns) FROM log WHERE id > ?1 AND id <= ?2 ORDER BY id")
    }

    func get(_ key: [UInt8], at revision: Revision) throws(StoreError) -> KeyValue? {
        try snapshot(of: revision) { () throws(SQLiteError) in
            try newestOfKey.bind(key, at: 1)
            newestOfKey.bind(LogID.last(of: revision).rawValue, at: 2)
            defer { newestOfKey.reset() }
            guard try newestOfKey.step() else { return nil }
            return try LogRow(newestOfKey).record?.keyValue
        }
    }

    func range(
        prefix: [UInt8], after: [UInt8]?, limit: Int, at revision: Revision
    ) throws(StoreError) -> RangeResult {
        try snapshot(of: revision) { () throws(SQLiteError) in
            var result = RangeResult(items: [], revision: revision, remaining: 0)
            try keysFrom.bind(Bytes.start(ofPrefix: prefix, after: after), at: 1)
            keysFrom.bind(LogID.last(of: revision).rawValue, at: 2)
            defer { keysFrom.reset() }
            while try keysFrom.step(), Bytes.hasPrefix(keysFrom.bytes(2), prefix) {
                guard keysFrom.integer(1) > 0 else { continue }
                if limit > 0 && result.items.count == limit {
                    result.remaining += 1
                } else if let record = try fetch(LogID(rawValue: keysFrom.integer(0)))?.record {
                    result.items.append(record.keyValue)
                }
            }
            return result
        }
    }

    /// Events of keys with `prefix` after `position`, up to `through` or, after enough rows, up to the end of
    /// a revision before it: the second result.
    func events(
        prefix: [UInt8], after position: Revision, through: Revision, rowLimit: Int
    ) throws(StoreError) -> (events: [StoreEvent], through: Revision) {
        // Events from the next revision on need versions that were current at `position`.
        try snapshot(of: position) { () throws(SQLiteError) in
            var events: [StoreEvent] = []
            var rows = 0
            var last = position
            rowsAfter.bind(LogID.last(of: position).rawValue, at: 1)
            rowsAfter.bind(LogID.last(of: through).rawValue, at: 2)
            defer { rowsAfter.reset() }
            while try rowsAfter.step() {
                let id = LogID(rawValue: rowsAfter.integer(0))
                if rows >= rowLimit && id.revision > last {
                    return (events, last)
                }
                rows += 1
                last = id.revision
                guard Bytes.hasPrefix(rowsAfter.bytes(1), prefix) else { continue }
                let found = try LogRow(rowsAfter)
                let previous = found.previous == .none ? nil : try fetch(found.previous)?.record
                events.append(Change(id: id, key: found.key, record: found.record, previous: previous).event)
            }
            return (events, through)
        }
    }

    private func fetch(_ id: LogID) throws(SQLiteError) -> LogRow? {
        row.bind(id.rawValue, at: 1)
        defer { row.reset() }
        return try row.step() ? LogRow(row) : nil
    }

    /// One consistent view of the file, in which `revision` is not compacted.
    private func snapshot<T>(
        of revision: Revision, _ body: () throws(SQLiteError) -> T
    ) throws(StoreError) -> T {
        do throws(SQLiteError) {
            try connection.execute("BEGIN")
        } catch {
            throw .unavailable("failed to read history: \(error)")
        }
        defer { connection.rollback() }
        let limit: Revision
        let result: T
        do throws(SQLiteError) {
            limit = try compactedRevision()
            result = try body()
        } catch {
            throw .unavailable("failed to read history: \(error)")
        }
        guard revision >= limit else { throw .compacted(requested: revision, compacted: limit) }
        return result
    }

    private func compactedRevision() throws(SQLiteError) -> Revision {
        defer { compacted.reset() }
        return try compacted.step() ? compacted.integer(0) : 0
    }
}
