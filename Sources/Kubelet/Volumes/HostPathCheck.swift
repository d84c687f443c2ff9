import Glibc

/// What a `hostPath` volume says of its path, checked; makes what may be made. Blocks. Links are followed, as upstream
/// does.
package enum HostPathCheck {
    package struct Failure: Error, Sendable, Equatable {
        package var message: String
    }

    package static func check(_ path: String, type: String) throws(Failure) {
        guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            throw Failure(message: "hostPath \"\(path)\" must be an absolute path without '..'")
        }
        switch type {
        case "": return
        case "DirectoryOrCreate":
            if kind(path) == nil { try make(path) }
            try expect(path, S_IFDIR, "a directory")
        case "Directory": try expect(path, S_IFDIR, "a directory")
        case "FileOrCreate":
            if kind(path) == nil { try makeFile(path) }
            try expect(path, S_IFREG, "a file")
        case "File": try expect(path, S_IFREG, "a file")
        case "Socket": try expect(path, S_IFSOCK, "a socket file")
        case "CharDevice": try expect(path, S_IFCHR, "a character device")
        case "BlockDevice": try expect(path, S_IFBLK, "a block device")
        default: throw Failure(message: "\(type) is an invalid volume type")
        }
    }

    /// The file's type; nil when there is nothing.
    private static func kind(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    private static func expect(_ path: String, _ wanted: mode_t, _ name: String) throws(Failure) {
        if kind(path) != wanted { throw Failure(message: "hostPath type check failed: \(path) is not \(name)") }
    }

    private static func make(_ path: String) throws(Failure) {
        do throws(NodeFiles.Failure) {
            try NodeFiles.makeDirectory(path)
        } catch {
            throw Failure(message: error.description)
        }
    }

    /// The directory above must be there, as with upstream.
    private static func makeFile(_ path: String) throws(Failure) {
        let descriptor: Int32 = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            if errno == EEXIST { return }
            throw Failure(message: NodeFiles.Failure("open", path).description)
        }
        close(descriptor)
    }
}
