import Glibc

/// File systems that the kubelet mounts for volumes. Blocks.
package enum VolumeMounts {
    package typealias Failure = NodeFiles.Failure

    /// Mounts a file system in memory on a directory, unless one is there.
    package static func memory(at path: String, sizeBytes: Int?) throws(Failure) {
        let size: String = sizeBytes.map { "size=\($0)" } ?? ""
        // Since Linux 6.3: what lies in these volumes must not reach a disk by way of swap.
        let sealed: String = size.isEmpty ? "noswap" : size + ",noswap"
        if try isMounted(path) { return }
        if mount("tmpfs", path, "tmpfs", 0, sealed) == 0 { return }
        if errno != EINVAL || mount("tmpfs", path, "tmpfs", 0, size) != 0 { throw Failure("mount tmpfs at", path) }
    }

    package static func hugePages(at path: String, pageBytes: Int) throws(Failure) {
        if try isMounted(path) { return }
        if mount("nodev", path, "hugetlbfs", 0, "pagesize=\(pageBytes)") != 0 {
            throw Failure("mount hugetlbfs at", path)
        }
    }

    /// Whether something is mounted exactly there.
    package static func isMounted(_ path: String) throws(Failure) -> Bool {
        guard let real = resolve(path) else { return false }
        return try NodeFiles.mounts(below: real).contains(real)
    }

    /// Unmounts everything at and below a directory, the last mounted first; follows no links. What is still in use
    /// leaves the tree now, and goes when its last user does.
    package static func unmountAll(below path: String) throws(Failure) {
        guard let real = resolve(path) else { return }
        for place in try NodeFiles.mounts(below: real).reversed() {
            if umount2(place, Int32(UMOUNT_NOFOLLOW)) == 0 { continue }
            if errno == EBUSY, umount2(place, Int32(UMOUNT_NOFOLLOW | MNT_DETACH)) == 0 {
                continue
            }
            if errno == EINVAL || errno == ENOENT { continue }  // gone meanwhile
            throw Failure("unmount", place)
        }
        let rest: [String] = try NodeFiles.mounts(below: real)
        if let first = rest.first { throw Failure("unmount", first, EBUSY) }
    }

    /// The path without links, as the kernel's table of mounts has it; nil when there is nothing.
    static func resolve(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
