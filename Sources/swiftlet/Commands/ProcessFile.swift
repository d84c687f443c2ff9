import Glibc
import NodeSetup

/// Tells which process runs a cluster. The file is locked by that process, so that a number left over from a crash
/// is never taken for a process that lives.
struct ProcessFile: ~Copyable {
    struct Error: Swift.Error, CustomStringConvertible {
        var description: String
    }

    private let descriptor: Int32

    /// Claims the cluster for this process.
    init(claiming path: String) throws(Error) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Error(description: "failed to open \(path): \(Self.reason())") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            let owner: String = Self.owner(of: path).map { " (process \($0))" } ?? ""
            throw Error(description: "this cluster is running already\(owner); `swiftlet down` stops it")
        }
        ftruncate(descriptor, 0)
        Output.write("\(getpid())\n", to: descriptor)
    }

    deinit { close(descriptor) }

    /// The process that runs the cluster; nil if none does.
    static func owner(of path: String) -> Int32? {
        let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return nil }
        return Files.text(path).flatMap { text in Int32(text.filter { !$0.isWhitespace }) }
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
