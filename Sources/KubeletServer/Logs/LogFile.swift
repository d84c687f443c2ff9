import Glibc

/// An open log file. Blocks: used on threads that may.
struct LogFile: ~Copyable {
    private let descriptor: Int32

    /// Nil: it cannot be opened.
    init?(_ path: String) {
        let opened: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { return nil }
        descriptor = opened
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Which file it is, and how long; nil if the kernel will not say.
    var facts: Facts? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        return Facts(device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int(status.st_size))
    }

    struct Facts: Sendable, Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int

        func isSameFile(_ other: Facts) -> Bool { device == other.device && inode == other.inode }

        /// Of what is at a path now.
        static func at(_ path: String) -> Facts? {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            return Facts(device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int(status.st_size))
        }
    }

    /// Bytes at a position; empty at the end, and when they cannot be read.
    func read(at position: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var result: Int = -1
            repeat {
                result = pread(descriptor, buffer.baseAddress, count, off_t(position))
            } while result < 0 && errno == EINTR
            filled = max(0, result)
        }
    }

    /// Where the last `lines` lines begin.
    func tailStart(lines: Int, block: Int = 64 * 1024) -> Int {
        guard let size = facts?.size else { return 0 }
        if lines <= 0 { return size }
        var end: Int = size
        var found: Int = 0
        while end > 0 {
            let start: Int = max(0, end - block)
            let bytes: [UInt8] = read(at: start, count: end - start)
            // A file that was cut off while we read.
            guard bytes.count == end - start else { return 0 }
            for index in stride(from: bytes.count - 1, through: 0, by: -1) where bytes[index] == 0x0A {
                found += 1
                if found > lines { return start + index + 1 }
            }
            end = start
        }
        return 0
    }
}
