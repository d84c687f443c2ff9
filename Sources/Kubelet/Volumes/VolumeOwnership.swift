import Glibc

/// Gives volumes to a pod's `fsGroup`. Blocks.
package enum VolumeOwnership {
    package typealias Failure = NodeFiles.Failure

    /// Every file belongs to the group and may be read and written by it; new files inherit the group.
    ///
    /// - Parameter onlyOnMismatch: `fsGroupChangePolicy: OnRootMismatch`: a volume whose root is right stays as it is.
    package static func give(_ path: String, to group: UInt32, onlyOnMismatch: Bool = false) throws(Failure) {
        let root = try DirectoryHandle(path)
        if onlyOnMismatch {
            let status: stat = try root.status()
            let bits: mode_t = S_ISGID | 0o070
            if status.st_gid == group && status.st_mode & bits == bits { return }
        }
        try giveAll(root, to: group, device: try root.status().st_dev)
        try giveDirectory(root, to: group)
    }

    /// The directory only: what is in it, the atomic writer owns.
    package static func giveDirectory(_ directory: borrowing DirectoryHandle, to group: UInt32) throws(Failure) {
        let status: stat = try directory.status()
        try directory.setGroup(group)
        try directory.setMode((status.st_mode & 0o7777) | S_ISGID | 0o770)
    }

    private static func giveAll(
        _ directory: borrowing DirectoryHandle, to group: UInt32, device: dev_t
    ) throws(Failure) {
        for name in try directory.names() {
            var status = stat()
            guard fstatat(directory.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                if errno == ENOENT { continue }
                throw Failure("stat", directory.path + "/" + name)
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                guard status.st_dev == device else { continue }
                let child: DirectoryHandle = try directory.open(name)
                try giveAll(child, to: group, device: device)
                try giveDirectory(child, to: group)
            case S_IFLNK:
                try chown(directory, name, group)
            default:
                try chown(directory, name, group)
                // Through the name, not a descriptor: opening a pipe or device has effects. Links never get here.
                if fchmodat(directory.descriptor, name, (status.st_mode & 0o7777) | 0o660, 0) != 0 {
                    throw Failure("chmod", directory.path + "/" + name)
                }
            }
        }
    }

    private static func chown(_ directory: borrowing DirectoryHandle, _ name: String, _ group: UInt32) throws(Failure) {
        if fchownat(directory.descriptor, name, uid_t.max, group, AT_SYMLINK_NOFOLLOW) != 0 {
            throw Failure("chown", directory.path + "/" + name)
        }
    }
}
