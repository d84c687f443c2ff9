import Glibc

/// Log files and disks.
extension NodeFiles {
    /// Removes a file if it is there.
    static func removeFile(_ path: String) { _ = unlink(path) }

    /// `1.log` becomes `1.log.1`, `1.log.1` becomes `1.log.2`, … so that with the new file at most `count` are left.
    static func rotate(_ path: String, keeping count: Int) -> Bool {
        let oldest: Int = max(1, count - 1)
        removeFile("\(path).\(oldest)")
        for number in stride(from: oldest - 1, to: 0, by: -1) {
            _ = rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        return rename(path, "\(path).1") == 0
    }

    /// The runtime did not follow: the newest file gets its name back.
    static func unrotate(_ path: String) {
        if !exists(path) { _ = rename("\(path).1", path) }
    }

    /// The file system at a path; nil if it cannot be looked at.
    package static let disk: @Sendable (String) -> NodeCollector.DiskUsage? = { path in
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let block = Int(status.f_frsize)
        return NodeCollector.DiskUsage(
            capacityBytes: Int(status.f_blocks) * block, availableBytes: Int(status.f_bavail) * block)
    }
}
