import Glibc

/// Holds a directory for this process, until it is closed or the process ends (however it ends).
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Creates the directory if it is missing (its parent must exist), readable by its owner only.
    init(directory: String) throws(EmbeddedStore.OpenError) {
        if mkdir(directory, 0o700) != 0 && errno != EEXIST {
            throw .failed("failed to create \(directory): \(String(cString: strerror(errno)))")
        }
        let path = directory + "/LOCK"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .failed("failed to open \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let holder = DirectoryLock.holder(descriptor)
            // `deinit` closes the descriptor: the instance is whole once it has one.
            guard code == EWOULDBLOCK else {
                throw .failed("failed to lock \(path): \(String(cString: strerror(code)))")
            }
            throw .locked(directory: directory, holder: holder)
        }
        let text = "\(getpid())\n"
        _ = ftruncate(descriptor, 0)
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
    }

    deinit {
        close(descriptor)
    }

    /// Lets go now, although references may linger.
    func release() {
        flock(descriptor, LOCK_UN)
    }

    /// The process id that the holder left in the file; a hint for people only.
    private static func holder(_ descriptor: Int32) -> Int? {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }

    /// Creates a file that only its owner may read, if there is none: it will hold secrets.
    static func createPrivateFile(_ path: String) throws(EmbeddedStore.OpenError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .failed("failed to create \(path): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
    }

    /// Makes new entries of the directory survive a power loss.
    static func sync(directory: String) throws(EmbeddedStore.OpenError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .failed("failed to open \(directory): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw .failed("failed to sync \(directory): \(String(cString: strerror(errno)))")
        }
    }
}
