import Glibc

/// Parts of volumes as mounts of their own.
///
/// A container may change its volume while we look: so each component is opened below the one before it, links are
/// followed by hand and never out of the volume, and what was found is bind-mounted through its descriptor to a place
/// of the kubelet's, which the runtime then mounts.
package enum SubPath {
    private static let linkLimit: Int = 40
    private static let bind: UInt = 4096
    /// O_PATH, which glibc's headers hide: the same on x86-64 and arm64.
    private static let pathOnly: Int32 = 0o10000000
    /// MNT_DETACH and UMOUNT_NOFOLLOW.
    private static let detach: Int32 = 2 | 8

    /// Resolves, mounts at `target`, and returns. Blocks.
    static func mount(volume: String, subPath: String, at target: String) throws(MountBuilder.Failure) {
        let found: (descriptor: Int32, isDirectory: Bool) = try open(volume: volume, subPath: subPath)
        defer { close(found.descriptor) }
        do throws(NodeFiles.Failure) {
            if try NodeFiles.mounts(below: target).contains(target), umount2(target, detach) != 0 {
                throw NodeFiles.Failure("unmount", target)
            }
            if found.isDirectory {
                try NodeFiles.makeDirectory(target, mode: 0o750)
            } else {
                try NodeFiles.makeDirectory(parent(target), mode: 0o750)
                try NodeFiles.write(target, [], mode: 0o640)
            }
            if Glibc.mount("/proc/self/fd/\(found.descriptor)", target, nil, bind, nil) != 0 {
                throw NodeFiles.Failure("bind mount", target)
            }
        } catch {
            throw MountBuilder.Failure("failed to prepare subPath for volumeMount: \(error)")
        }
    }

    /// Unmounts everything below a directory. Blocks.
    static func unmount(below directory: String) throws(NodeFiles.Failure) {
        for place in try NodeFiles.mounts(below: directory).reversed() where umount2(place, detach) != 0 {
            throw NodeFiles.Failure("unmount", place)
        }
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? path
    }

    /// A descriptor (O_PATH) of the part; directories that are missing are made, as upstream does.
    package static func open(
        volume: String, subPath: String
    ) throws(MountBuilder.Failure) -> (descriptor: Int32, isDirectory: Bool) {
        func failure(_ reason: String) -> MountBuilder.Failure {
            MountBuilder.Failure(
                "failed to prepare subPath for volumeMount: \(reason) in `\(subPath)` of volume `\(volume)`")
        }
        let root: Int32 = Glibc.open(volume, pathOnly | O_CLOEXEC)
        guard root >= 0 else { throw failure(String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(root, &status) == 0 else {
            close(root)
            throw failure(String(cString: strerror(errno)))
        }
        let mode: mode_t = status.st_mode & 0o7777
        /// Open directories from the root of the volume down; the last may be a file once nothing is left to walk.
        var path: [Int32] = [root]
        var isDirectory: Bool = status.st_mode & S_IFMT == S_IFDIR
        var rest: [String] = subPath.split(separator: "/").reversed().map(String.init)
        var links: Int = 0
        var isMade: Bool = false
        func fail(_ reason: String) -> MountBuilder.Failure {
            for descriptor in path { close(descriptor) }
            return failure(reason)
        }
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                guard path.count > 1 else { throw fail("a link leads out of the volume") }
                close(path.removeLast())
                continue
            }
            guard isDirectory, let parent = path.last else { throw fail("not a directory") }
            isMade = false
            var next: Int32 = openat(parent, name, pathOnly | O_NOFOLLOW | O_CLOEXEC)
            if next < 0, errno == ENOENT {
                isMade = mkdirat(parent, name, mode) == 0
                if !isMade && errno != EEXIST { throw fail(String(cString: strerror(errno))) }
                next = openat(parent, name, pathOnly | O_NOFOLLOW | O_CLOEXEC)
            }
            guard next >= 0, fstat(next, &status) == 0 else { throw fail(String(cString: strerror(errno))) }
            if status.st_mode & S_IFMT == S_IFLNK {
                links += 1
                guard links <= linkLimit, let target = link(next), !target.hasPrefix("/") else {
                    close(next)
                    throw fail("a link leads out of the volume")
                }
                close(next)
                rest += target.split(separator: "/").reversed().map(String.init)
                continue
            }
            path.append(next)
            isDirectory = status.st_mode & S_IFMT == S_IFDIR
        }
        // The process's umask took bits that the container's user may need; the container sees only the last one.
        if isMade, isDirectory, let made = path.last, chmod("/proc/self/fd/\(made)", mode) != 0 {
            throw fail(String(cString: strerror(errno)))
        }
        let last: Int32 = path.removeLast()
        for descriptor in path { close(descriptor) }
        return (last, isDirectory)
    }

    private static func link(_ descriptor: Int32) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count: Int = readlinkat(descriptor, "", &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
