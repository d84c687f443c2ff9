import Glibc

@testable import Kubelet

/// A directory of its own, which goes with all that is mounted below it.
struct Scratch: ~Copyable {
    let path: String

    init() {
        var template: [CChar] = Array("/tmp/kubelet-volumes-XXXXXX".utf8CString)
        _ = mkdtemp(&template)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? VolumeMounts.unmountAll(below: path)
        try? NodeFiles.removeTree(path)
    }
}

/// What the tests ask of files.
enum Disk {
    static func text(_ path: String) -> String? {
        guard let bytes = try? NodeFiles.read(path, limit: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    /// Permission bits in octal, links followed.
    static func mode(_ path: String) -> String? {
        status(path).map { String($0.st_mode & 0o7777, radix: 8) }
    }

    static func link(_ path: String) -> String? {
        guard let slash = path.lastIndex(of: "/"), let directory = try? DirectoryHandle(String(path[..<slash])) else {
            return nil
        }
        return directory.link(String(path[path.index(after: slash)...]))
    }

    /// Whether a file system of its own is mounted there.
    static func isMounted(_ path: String) -> Bool { (try? VolumeMounts.isMounted(path)) == true }
}

/// Returns when `condition` holds; gives up after four minutes, so that a broken test fails instead of hanging.
func eventually(_ condition: () -> Bool) async -> Bool {
    let deadline: ContinuousClock.Instant = .now + .seconds(240)
    while !condition() {
        if ContinuousClock.now > deadline { return false }
        // tidy:allow sleep: a bounded wait; only yielding would keep the threads that others need
        try? await Task.sleep(for: .milliseconds(1))
    }
    return true
}

/// Runs `background` while `body` does, then cancels it and waits for its end.
func with<Result: Sendable>(
    _ background: [@Sendable () async -> Void], _ body: () async throws -> Result
) async rethrows -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for task in background { group.addTask { await task() } }
        defer { group.cancelAll() }
        return try await body()
    }
}
