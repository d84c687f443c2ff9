import Glibc

/// Small files with secrets: read whole, written atomically with mode 0600 (or 0644 for what is public).
enum KeyFile {
    private static let limit: Int = 1 << 20

    /// nil: there is no such file.
    static func read(_ path: String) throws(PKIError) -> [UInt8]? {
        let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            let code: Int32 = errno
            if code == ENOENT { return nil }
            throw failure("read", path, code)
        }
        defer { close(descriptor) }
        var all: [UInt8] = []
        var buffer: [UInt8] = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count: Int = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 {
                let code: Int32 = errno
                if code == EINTR { continue }
                throw failure("read", path, code)
            }
            if count == 0 { return all }
            all += buffer[..<count]
            if all.count > limit { throw PKIError(.malformed, "failed to read \(path): it is larger than 1 MiB") }
        }
    }

    /// The old file, or the whole new one: never a part, also after power loss.
    static func write(_ bytes: [UInt8], to path: String, isSecret: Bool) throws(PKIError) {
        let temporary: String = "\(path).\(getpid()).new"
        unlink(temporary)
        let mode: mode_t = isSecret ? 0o600 : 0o644
        let descriptor: Int32 = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        if descriptor < 0 { throw failure("write", temporary, errno) }
        var code: Int32 = writeAll(bytes, descriptor)
        if code == 0, fsync(descriptor) != 0 { code = errno }
        close(descriptor)
        if code == 0, rename(temporary, path) != 0 { code = errno }
        if code != 0 {
            unlink(temporary)
            throw failure("write", path, code)
        }
        syncDirectory(of: path)
    }

    /// Removes a file, if it is there.
    static func remove(_ path: String) throws(PKIError) {
        if unlink(path) != 0, errno != ENOENT { throw failure("remove", path, errno) }
    }

    static func makeDirectory(_ path: String) throws(PKIError) {
        var built: String = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            built += "/" + part
            if mkdir(built, built.hasSuffix(path) ? 0o700 : 0o755) != 0, errno != EEXIST {
                throw failure("make directory", built, errno)
            }
        }
    }

    private static func writeAll(_ bytes: [UInt8], _ descriptor: Int32) -> Int32 {
        var written: Int = 0
        while written < bytes.count {
            let count: Int = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                let code: Int32 = errno
                if code == EINTR { continue }
                return code
            }
            written += count
        }
        return 0
    }

    private static func syncDirectory(of path: String) {
        let directory: String = path.split(separator: "/").dropLast().joined(separator: "/")
        let descriptor: Int32 = open((path.hasPrefix("/") ? "/" : "./") + directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 {
            fsync(descriptor)
            close(descriptor)
        }
    }

    private static func failure(_ what: String, _ path: String, _ code: Int32) -> PKIError {
        PKIError(.file, "failed to \(what) \(path): \(String(cString: strerror(code)))")
    }
}
