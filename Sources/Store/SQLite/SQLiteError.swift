import CSQLite

/// What SQLite said, with its extended result code.
struct SQLiteError: Error, Equatable {
    var code: Int32
    var message: String

    private var primaryCode: Int32 { code & 0xFF }

    var isFull: Bool { primaryCode == SQLITE_FULL }

    /// The disk failed to read, write or sync, or what it holds is damaged.
    var isDiskFailure: Bool { primaryCode == SQLITE_IOERR || isCorrupt }

    var isCorrupt: Bool { primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB }
}

extension SQLiteError: CustomStringConvertible {
    var description: String { "\(message) (SQLite result \(code))" }
}
