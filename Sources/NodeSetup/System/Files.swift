import CNodeSetup
import Glibc

/// Small files and directories through plain system calls. Everything here blocks: call it from a thread
/// that may, not from the cooperative pool, when the file is not a kernel file or tiny.
package enum Files {
    /// Reads a whole file, at most `limit` bytes of it.
    package static func read(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open", path, errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &chunk, min(chunk.count, limit - bytes.count))
            if count < 0 {
                let number = errno
                if number == EINTR { continue }
                throw SystemError("read", path, number)
            }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }

    /// The text of a file, or nil when it cannot be read.
    package static func text(_ path: String) -> String? {
        guard let bytes = try? read(path) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a file that is complete at every moment: a temporary file beside it, then a rename.
    package static func replace(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o644) throws(SystemError) {
        let temporary = path + ".\(getpid()).new"
        try write(temporary, bytes, flags: O_CREAT | O_TRUNC, mode: mode)
        guard rename(temporary, path) == 0 else {
            let number = errno
            unlink(temporary)
            throw SystemError("rename", path, number)
        }
    }

    /// Writes into a file that exists already, such as a kernel's.
    package static func set(_ path: String, to text: String) throws(SystemError) {
        try write(path, Array(text.utf8), flags: 0, mode: 0)
    }

    private static func write(_ path: String, _ bytes: [UInt8], flags: Int32, mode: UInt32) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | flags, mode)
        guard descriptor >= 0 else { throw SystemError("open", path, errno) }
        defer { close(descriptor) }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if count < 0 {
                let number = errno
                if number == EINTR { continue }
                throw SystemError("write", path, number)
            }
            offset += count
        }
    }

    /// Makes a directory and those above it.
    package static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        if mkdir(path, mode) == 0 { return }
        let number = errno
        if number == EEXIST, isDirectory(path) { return }
        guard number == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw SystemError("make directory", path, number)
        }
        try makeDirectory(String(path[..<slash]), mode: mode)
        guard mkdir(path, mode) == 0 || errno == EEXIST else {
            throw SystemError("make directory", path, errno)
        }
    }

    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    package static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// The names in a directory, sorted; none when it cannot be read.
    package static func entries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        return names(in: directory).sorted()
    }

    /// The names that are left in an open directory stream, without `.` and `..`.
    static func names(in directory: OpaquePointer) -> [String] {
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// The first of the places that has the program, looked up like a shell does, then in the usual
    /// administrator's directories, which the path of a service often lacks.
    package static func program(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        for directory in path.split(separator: ":").map(String.init) + usual {
            let candidate = directory + "/" + name
            if isExecutable(candidate) { return candidate }
        }
        return nil
    }
}
