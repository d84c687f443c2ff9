/// The tables, and how connections are set up. See docs/store.md for the layout.
enum LogSchema {
    static let version: Int64 = 1
    /// "SWst": tells our file from another program's.
    static let applicationID: Int64 = 0x5357_7374

    private static let tables = """
        CREATE TABLE log (
            id INTEGER PRIMARY KEY,
            key BLOB NOT NULL,
            created INTEGER NOT NULL,
            version INTEGER NOT NULL,
            lease INTEGER NOT NULL,
            previous INTEGER NOT NULL,
            value BLOB
        ) STRICT;
        CREATE UNIQUE INDEX log_by_key ON log (key, id, created);
        CREATE TABLE lease (id INTEGER PRIMARY KEY, seconds INTEGER NOT NULL) STRICT;
        CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO meta VALUES ('compacted', 0), ('swept', 0), ('last_lease', 0);
        """

    enum Durability: String {
        /// Each commit is on the disk when it returns.
        case full = "FULL"
        /// A commit reaches the disk with the next full one, in order; for what need not survive a power loss.
        case deferred = "NORMAL"
    }

    /// Opens a connection with the settings that all share.
    static func connect(
        path: String, durability: Durability, maxPages: Int, cacheKiB: Int
    ) throws(SQLiteError) -> SQLiteConnection {
        let connection = try SQLiteConnection(path: path)
        // Page size first: it counts only before the first write.
        try connection.execute("PRAGMA page_size = \(pageSize)")
        try connection.execute("PRAGMA busy_timeout = 10000")
        guard try connection.text("PRAGMA journal_mode = WAL") == "wal" else {
            throw SQLiteError(code: 1, message: "the file system does not support a write-ahead log")
        }
        try connection.execute("PRAGMA synchronous = \(durability.rawValue)")
        // Checkpoints are the maintenance thread's work.
        try connection.execute("PRAGMA wal_autocheckpoint = 0")
        try connection.execute("PRAGMA journal_size_limit = \(64 << 20)")
        try connection.execute("PRAGMA cache_size = -\(cacheKiB)")
        try connection.execute("PRAGMA max_page_count = \(maxPages)")
        try connection.execute("PRAGMA temp_store = MEMORY")
        return connection
    }

    static let pageSize = 4096

    /// Creates the tables in a new file; checks that an old one is ours.
    static func prepare(_ connection: borrowing SQLiteConnection) throws(EmbeddedStore.OpenError) {
        do throws(SQLiteError) {
            let application = try connection.integer("PRAGMA application_id") ?? 0
            let found = try connection.integer("PRAGMA user_version") ?? 0
            let objects = try connection.integer("SELECT count(*) FROM sqlite_schema") ?? 0
            if objects == 0 && application == 0 && found == 0 {
                try connection.execute(
                    "BEGIN IMMEDIATE; \(tables) PRAGMA application_id = \(applicationID);"
                        + "PRAGMA user_version = \(version); COMMIT")
                return
            }
            guard application == applicationID else {
                throw SQLiteError(code: 26, message: "it belongs to another program (application id \(application))")
            }
            guard found == version else {
                throw SQLiteError(code: 26, message: "its format is \(found), this program reads \(version)")
            }
        } catch {
            throw EmbeddedStore.OpenError(error, while: "checking the database")
        }
    }
}

extension SQLiteConnection {
    /// The first column of the first row, as text.
    func text(_ sql: String) throws(SQLiteError) -> String? {
        let statement = try prepare(sql)
        guard try statement.step() else { return nil }
        return String(decoding: statement.bytes(0), as: UTF8.self)
    }
}
