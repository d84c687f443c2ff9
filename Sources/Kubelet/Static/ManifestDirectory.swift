import Glibc

/// A directory of manifests, read as a whole. Blocks.
package enum ManifestDirectory {
    package typealias Failure = NodeFiles.Failure

    package struct File: Sendable, Equatable {
        package var path: String
        package var content: Result<[UInt8], Failure>
    }

    /// More files than this are not looked at.
    package static let limit: Int = 1000

    /// The files, in the order of their names; names that begin with a dot are left alone, and directories are not gone
    /// into. Fails when the directory cannot be read; one that does not exist is empty.
    package static func read(_ path: String) throws(Failure) -> [File] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw Failure("open", path)
        }
        let names: [String] = NodeFiles.names(directory).sorted()
        closedir(directory)
        var files: [File] = []
        for name in names.prefix(limit) where !name.hasPrefix(".") {
            let place: String = path + "/" + name
            var status = stat()
            guard stat(place, &status) == 0 else {
                if errno != ENOENT { files.append(File(path: place, content: .failure(Failure("stat", place)))) }
                continue
            }
            guard status.st_mode & S_IFMT == S_IFREG else { continue }
            do throws(Failure) {
                // One byte too many shows that the file is too large.
                let bytes: [UInt8] = try NodeFiles.read(place, limit: StaticPodManifest.longestFile + 1)
                files.append(File(path: place, content: .success(bytes)))
            } catch {
                if error.number != ENOENT { files.append(File(path: place, content: .failure(error))) }
            }
        }
        return files
    }
}

/// Tells of changes in a directory, through inotify, on a thread of its own. A hint: whoever listens also looks from
/// time to time, for a directory may not exist yet, or lie on a file system that tells nothing.
package struct DirectoryWatch: Sendable {
    private let path: String
    /// How often a directory that is not there is looked for.
    private let retryMilliseconds: Int32

    package init(_ path: String, retryMilliseconds: Int32 = 5000) {
        self.path = path
        self.retryMilliseconds = retryMilliseconds
    }

    /// What counts as a change: files that are complete. A file that is being written is not.
    private static let mask: UInt32 =
        UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE)
        | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF)

    /// Calls `changed` from its thread after each change, and once when watching begins, until the task is cancelled.
    package func run(_ changed: @escaping @Sendable () -> Void) async {
        // A byte through this pair ends the thread, which waits for that as well.
        var ends: [Int32] = [-1, -1]
        let type: Int32 = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { return }
        let (stop, trigger): (Int32, Int32) = (ends[0], ends[1])
        await withTaskCancellationHandler {
            await BlockingWork.run { watch(stop: stop, changed) }
        } onCancel: {
            _ = write(trigger, "x", 1)
        }
        close(stop)
        close(trigger)
    }

    private func watch(stop: Int32, _ changed: @Sendable () -> Void) {
        let watcher: Int32 = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard watcher >= 0 else { return }
        defer { close(watcher) }
        var isWatching: Bool = false
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            if !isWatching {
                isWatching = inotify_add_watch(watcher, path, Self.mask) >= 0
                if isWatching { changed() }
            }
            var waits: [pollfd] = [
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
                pollfd(fd: watcher, events: Int16(POLLIN), revents: 0),
            ]
            let count: Int32 = poll(&waits, 2, isWatching ? -1 : retryMilliseconds)
            if count < 0 && errno != EINTR { return }
            if waits[0].revents != 0 { return }
            guard waits[1].revents != 0 else { continue }
            var length: Int = read(watcher, &buffer, buffer.count)
            var isGone: Bool = false
            while length > 0 {
                isGone = isGone || Self.tellsEnd(buffer[..<length])
                length = read(watcher, &buffer, buffer.count)
            }
            // The next directory of this name is another one.
            if isGone { isWatching = false }
            changed()
        }
    }

    /// Whether the watched directory itself is gone. Each event is `wd mask cookie length name…`, four bytes each.
    private static func tellsEnd(_ events: ArraySlice<UInt8>) -> Bool {
        var offset: Int = events.startIndex
        let end: UInt32 = UInt32(IN_IGNORED) | UInt32(IN_MOVE_SELF)
        while offset + 16 <= events.endIndex {
            let (mask, length): (UInt32, UInt32) = events.withUnsafeBytes { bytes in
                let place: Int = offset - events.startIndex
                return (
                    bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self),
                    bytes.loadUnaligned(fromByteOffset: place + 12, as: UInt32.self)
                )
            }
            if mask & end != 0 { return true }
            offset += 16 + Int(length)
        }
        return false
    }
}
