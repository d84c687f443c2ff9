import CSQLite

/// What SQLite said, with its extended result code.
struct SQLiteError: Error, Equatable {
    var code: Int32
    var message: String

    private var primaryCode: Int32 { code & 0xFF }

    /// `SQLITE_IOERR_SHMSIZE`: the index beside the log could not grow. SQLite tells a lack of space there, and only
    /// there, as a failure of the disk; nothing of ours is in that file.
    private static let indexDoesNotFit: Int32 = SQLITE_IOERR | (19 << 8)

    var isFull: Bool { primaryCode == SQLITE_FULL || code == Self.indexDoesNotFit }

    /// The disk failed to read, write or sync, or what it holds is damaged.
    var isDiskFailure: Bool { (primaryCode == SQLITE_IOERR && !isFull) || isCorrupt }

    var isCorrupt: Bool { primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB }
}

extension SQLiteError: CustomStringConvertible {
    var description: String {
        "\(message)\(code == Self.indexDoesNotFit ? ": no space left on the disk" : "") (SQLite result \(code))"
    }
}
