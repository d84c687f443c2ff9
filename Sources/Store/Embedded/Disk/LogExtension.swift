import Glibc

/// Makes the write-ahead log as long as it will get, before commits do so a few pages at a time.
///
/// A sync after a write that made the file longer also writes the file's own records: it takes twice as long as one
/// after a write over what is there, and many times as long while others use the disk, too. SQLite begins the log anew at each checkpoint
/// and leaves it as long as it was, so this is for the time from a start until the first checkpoint.
///
/// Zeros are no frames: SQLite, when it looks for what to replay, takes them for the end, as it does with frames of
/// before the last checkpoint.
final class LogExtension {
    /// Added at once, while the writer waits: some tenths of a millisecond.
    private static let chunk: Int = 1 << 20
    /// Where less is free, room is worth more than speed.
    private static let wantedRoom: UInt64 = 1 << 30

    private let descriptor: Int32

    /// Nil if there is no log, or not much room.
    init?(databasePath: String) {
        var room = statvfs()
        guard statvfs(databasePath, &room) == 0, UInt64(room.f_bavail) * UInt64(room.f_frsize) >= Self.wantedRoom
        else { return nil }
        descriptor = open(databasePath + "-wal", O_WRONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
    }

    deinit {
        close(descriptor)
    }

    /// Adds some zeros. Only while nobody writes into the log.
    ///
    /// - Returns: false if it is long enough, or cannot be made longer.
    func grow(to length: Int) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) < length else { return false }
        let zeros: [UInt8] = Array(repeating: 0, count: min(Self.chunk, length - Int(status.st_size)))
        return pwrite(descriptor, zeros, zeros.count, status.st_size) == zeros.count
    }

    /// Brings the zeros to the disk, so that the next commit does not have to.
    func sync() -> Bool {
        fdatasync(descriptor) == 0
    }
}
