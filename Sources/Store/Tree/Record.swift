/// A key and its value as the tree holds them: shared, immutable, one reference to copy.
final class Record: Sendable {
    let keyValue: KeyValue
    /// Where it is in the log on disk; see `LogID`.
    let id: LogID

    init(_ keyValue: KeyValue, id: LogID) {
        self.keyValue = keyValue
        self.id = id
    }

    var key: [UInt8] { keyValue.key }

    /// Bytes of key and value.
    var size: Int { keyValue.key.count + keyValue.value.count }
}

/// The place of one write in history: its revision, and its index among the writes of that revision.
///
///     63 … 20     19 … 0
///     revision    index
struct LogID: Sendable, Hashable, Comparable {
    static let indexBits: Int64 = 20
    /// More writes than this do not fit in one revision.
    static let maxWritesPerRevision: Int = 1 << 20
    static let none = LogID(rawValue: 0)

    var rawValue: Int64

    init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    init(revision: Revision, index: Int) {
        precondition(index >= 0 && index < LogID.maxWritesPerRevision, "too many writes in one revision")
        rawValue = revision << LogID.indexBits | Int64(index)
    }

    /// The greatest of a revision.
    static func last(of revision: Revision) -> LogID {
        LogID(revision: revision, index: maxWritesPerRevision - 1)
    }

    var revision: Revision { rawValue >> LogID.indexBits }

    static func < (left: LogID, right: LogID) -> Bool {
        left.rawValue < right.rawValue
    }
}
