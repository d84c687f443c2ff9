import CSQLite
import Glibc

/// A prepared statement, used again and again: bind, `step`, read columns, `reset`.
struct SQLiteStatement: ~Copyable {
    private let handle: OpaquePointer

    var rawHandle: OpaquePointer { handle }

    init(handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        sqlite3_finalize(handle)
    }

    /// True: there is a row to read.
    func step() throws(SQLiteError) -> Bool {
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let message = String(cString: sqlite3_errmsg(sqlite3_db_handle(handle)))
            sqlite3_reset(handle)
            throw SQLiteError(code: code, message: message)
        }
    }

    /// Ready to be bound and stepped again. It also ends the read transaction of a statement that was not finished.
    func reset() {
        sqlite3_reset(handle)
    }

    /// Steps a statement that gives no rows.
    func run() throws(SQLiteError) {
        let hasRow = try step()
        precondition(!hasRow, "a statement without rows gave one")
        reset()
    }

    /// Parameters count from 1.
    func bind(_ value: Int64, at index: Int32) {
        let code = sqlite3_bind_int64(handle, index, value)
        precondition(code == SQLITE_OK, "failed to bind an integer at \(index): \(code)")
    }

    func bindNull(at index: Int32) {
        sqlite3_bind_null(handle, index)
    }

    /// SQLite keeps a copy of the bytes.
    func bind(_ bytes: [UInt8], at index: Int32) throws(SQLiteError) {
        let code: Int32 = bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress, buffer.count > 0 else {
                // A blob of no bytes; a nil pointer would be NULL.
                return sqlite3_bind_zeroblob(handle, index, 0)
            }
            // SQLITE_TRANSIENT; its definition is a cast that Swift does not import.
            let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
            return sqlite3_bind_blob64(handle, index, base, UInt64(buffer.count), transient)
        }
        guard code == SQLITE_OK else {
            throw SQLiteError(code: code, message: "failed to bind \(bytes.count) bytes")
        }
    }

    /// Columns count from 0.
    func integer(_ column: Int32) -> Int64 {
        sqlite3_column_int64(handle, column)
    }

    func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    func bytes(_ column: Int32) -> [UInt8] {
        guard let base = sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, column))
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let target = buffer.baseAddress {
                memcpy(target, base, count)
                initialized = count
            }
        }
    }
}
