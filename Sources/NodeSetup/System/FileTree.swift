import CNodeSetup
import Glibc

/// Deletes directory trees without ever leaving them.
package enum FileTree {
    /// What a deletion left behind, and why.
    package struct Leftover: Equatable, Sendable {
        package var path: String
        package var reason: String
    }

    /// Deletes a file or a tree. Links are removed, not followed. A directory on which something is mounted
    /// is left as it is, whatever is mounted there, also a bind mount of the same file system: the kernel is
    /// asked for each directory (`STATX_ATTR_MOUNT_ROOT`), not the device numbers compared.
    /// The top itself may be a mount point (a disk for the data directory): then only its content goes.
    package static func remove(_ path: String) -> [Leftover] {
        var leftovers: [Leftover] = []
        if unlink(path) == 0 || errno == ENOENT { return [] }
        empty(parent: AT_FDCWD, name: path, path: path, leftovers: &leftovers)
        if leftovers.isEmpty, rmdir(path) != 0 {
            let number = errno
            if number != ENOENT && number != EBUSY {
                leftovers.append(Leftover(path: path, reason: String(cString: strerror(number))))
            }
        }
        return leftovers
    }

    private static func empty(parent: Int32, name: String, path: String, leftovers: inout [Leftover]) {
        let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0, let directory = fdopendir(descriptor) else {
            let number = errno
            if descriptor >= 0 { close(descriptor) }
            leftovers.append(Leftover(path: path, reason: String(cString: strerror(number))))
            return
        }
        defer { closedir(directory) }
        for entry in Files.names(in: directory) {
            let inner = path + "/" + entry
            if unlinkat(descriptor, entry, 0) == 0 { continue }
            let number = errno
            if number == ENOENT { continue }
            guard number == EISDIR else {
                leftovers.append(Leftover(path: inner, reason: String(cString: strerror(number))))
                continue
            }
            let mounted = nodesetup_is_mount_root(descriptor, entry)
            guard mounted == 0 else {
                let reason = mounted > 0 ? "something is mounted here" : String(cString: strerror(-mounted))
                leftovers.append(Leftover(path: inner, reason: reason))
                continue
            }
            let before = leftovers.count
            empty(parent: descriptor, name: entry, path: inner, leftovers: &leftovers)
            if leftovers.count == before, unlinkat(descriptor, entry, AT_REMOVEDIR) != 0 {
                leftovers.append(Leftover(path: inner, reason: String(cString: strerror(errno))))
            }
        }
    }
}
