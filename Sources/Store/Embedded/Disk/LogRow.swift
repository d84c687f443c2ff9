import CSQLite

/// A row of the log, read with `columns`.
struct LogRow {
    static let columns = "log.id, log.key, log.created, log.version, log.lease, log.previous, log.value"

    var id: LogID
    var key: [UInt8]
    var previous: LogID
    /// nil: a deletion.
    var record: Record?

    init(_ row: borrowing SQLiteStatement) throws(SQLiteError) {
        id = LogID(rawValue: row.integer(0))
        key = row.bytes(1)
        previous = LogID(rawValue: row.integer(5))
        let created = row.integer(2)
        guard created > 0 else { return }
        let version = row.integer(3)
        guard created <= id.revision, version > 0, previous < id else {
            throw SQLiteError(
                code: SQLITE_CORRUPT,
                message: "log row \(id.rawValue) is inconsistent: created \(created), version \(version)")
        }
        let keyValue = KeyValue(
            key: key, value: row.bytes(6), createRevision: created, modRevision: id.revision, version: version,
            lease: row.integer(4))
        record = Record(keyValue, id: id)
    }
}

extension SQLiteStatement {
    func bind(text: String, at index: Int32) throws(SQLiteError) {
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        let code = sqlite3_bind_text(rawHandle, index, text, -1, transient)
        guard code == SQLITE_OK else {
            throw SQLiteError(code: code, message: "failed to bind text")
        }
    }
}
