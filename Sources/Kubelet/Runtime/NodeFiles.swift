import Glibc

/// Small files and directories by plain system calls. All of it blocks; see `BlockingWork`.
package enum NodeFiles {
    package struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        package var operation: String
        package var path: String
        package var number: Int32

        init(_ operation: String, _ path: String, _ number: Int32 = errno) {
            self.operation = operation
            self.path = path
            self.number = number
        }

        package var description: String { "\(operation) \(path): \(String(cString: strerror(number)))" }
    }

    /// Makes a directory and those above it.
    package static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(Failure) {
        if mkdir(path, mode) == 0 { return }
        let number: Int32 = errno
        if number == EEXIST { return }
        guard number == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw Failure("mkdir", path, number)
        }
        try makeDirectory(String(path[..<slash]), mode: mode)
        if mkdir(path, mode) != 0 && errno != EEXIST { throw Failure("mkdir", path) }
    }

    /// Writes a file in place: those that are mounted into containers must keep their inode.
    package static func write(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws(Failure) {
        let descriptor: Int32 = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw Failure("open", path) }
        defer { close(descriptor) }
        var offset: Int = 0
        while offset < bytes.count {
            let count: Int = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure("write", path)
            }
            offset += count
        }
    }

    /// As `write`, and with exactly this mode, whatever the umask.
    package static func write(_ path: String, _ bytes: [UInt8], exactMode: UInt32) throws(Failure) {
        try write(path, bytes, mode: exactMode)
        if chmod(path, exactMode) != 0 { throw Failure("chmod", path) }
    }

    /// At most the first `limit` bytes.
    package static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure("open", path) }
        defer { close(descriptor) }
        return try read(descriptor, path: path, limit: limit)
    }

    /// At most the last `limit` bytes, and whether that is all of it.
    package static func tail(_ path: String, limit: Int) throws(Failure) -> (bytes: [UInt8], isWhole: Bool) {
        let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure("open", path) }
        defer { close(descriptor) }
        let end: Int = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else { throw Failure("seek in", path) }
        let start: Int = max(0, end - limit)
        guard lseek(descriptor, start, SEEK_SET) >= 0 else { throw Failure("seek in", path) }
        return (try read(descriptor, path: path, limit: limit), start == 0)
    }

    static func read(_ descriptor: Int32, path: String, limit: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 64 << 10))
        while bytes.count < limit {
            let count: Int = Glibc.read(descriptor, &chunk, min(chunk.count, limit - bytes.count))
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure("read", path)
            }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }

    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// The size of a regular file; nil when there is none.
    package static func size(_ path: String) -> Int? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// The names in a directory, sorted; none when it cannot be read.
    package static func entries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        return names(directory).sorted()
    }

    static func names(_ directory: OpaquePointer) -> [String] {
        var names: [String] = []
        while let entry = readdir(directory) {
            let name: String = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Where something is mounted at or below a path, deepest last.
    package static func mounts(below path: String) throws(Failure) -> [String] {
        let text: [UInt8] = try read("/proc/self/mountinfo", limit: 64 << 20)
        var found: [String] = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count == 6 else { continue }
            let place: String = unescape(Array(fields[4]))
            if place == path || place.hasPrefix(path + "/") { found.append(place) }
        }
        return found
    }

    /// The kernel writes white space and backslashes in paths as `\040`.
    private static func unescape(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        var index: Int = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count {
                let digits: [Int] = bytes[(index + 1)...(index + 3)].map { Int($0) - 48 }
                result.append(UInt8(truncatingIfNeeded: digits[0] * 64 + digits[1] * 8 + digits[2]))
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Deletes a directory tree: refuses while anything is mounted in it, follows no links, and stays on its file
    /// system.
    package static func removeTree(_ path: String) throws(Failure) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw Failure("stat", path)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            if unlink(path) != 0 { throw Failure("unlink", path) }
            return
        }
        guard try mounts(below: path).isEmpty else { throw Failure("remove", path, EBUSY) }
        try empty(AT_FDCWD, name: path, path: path, device: status.st_dev)
        if rmdir(path) != 0 && errno != ENOENT { throw Failure("rmdir", path) }
    }

    private static func empty(_ parent: Int32, name: String, path: String, device: dev_t) throws(Failure) {
        let descriptor: Int32 = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("open", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_dev == device, let directory = fdopendir(descriptor) else {
            close(descriptor)
            throw Failure("remove", path, EXDEV)
        }
        defer { closedir(directory) }
        for entry in names(directory) {
            if unlinkat(descriptor, entry, 0) == 0 || errno == ENOENT { continue }
            guard errno == EISDIR else { throw Failure("unlink", path + "/" + entry) }
            try empty(descriptor, name: entry, path: path + "/" + entry, device: device)
            if unlinkat(descriptor, entry, AT_REMOVEDIR) != 0 { throw Failure("rmdir", path + "/" + entry) }
        }
    }
}
