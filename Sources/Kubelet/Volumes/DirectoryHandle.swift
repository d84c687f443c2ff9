package import Glibc

/// An open directory; everything in it is reached by name below it, and no link is followed on the way.
package struct DirectoryHandle: ~Copyable {
    package typealias Failure = NodeFiles.Failure

    let descriptor: Int32
    /// For messages.
    let path: String

    package init(_ path: String) throws(Failure) {
        descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        self.path = path
        guard descriptor >= 0 else { throw Failure("open", path) }
    }

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    private func place(_ name: String) -> String { path + "/" + name }

    package func open(_ name: String) throws(Failure) -> DirectoryHandle {
        let child: Int32 = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard child >= 0 else { throw Failure("open", place(name)) }
        return DirectoryHandle(descriptor: child, path: place(name))
    }

    /// Makes a directory with exactly this mode; one that is there stays.
    package func makeDirectory(_ name: String, mode: mode_t = 0o755) throws(Failure) -> DirectoryHandle {
        let isNew: Bool = mkdirat(descriptor, name, mode) == 0
        if !isNew && errno != EEXIST { throw Failure("mkdir", place(name)) }
        let child: DirectoryHandle = try open(name)
        if isNew { try child.setMode(mode) }
        return child
    }

    package func setMode(_ mode: mode_t) throws(Failure) {
        if fchmod(descriptor, mode) != 0 { throw Failure("chmod", path) }
    }

    package func setGroup(_ group: UInt32) throws(Failure) {
        if fchown(descriptor, uid_t.max, group) != 0 { throw Failure("chown", path) }
    }

    package func status() throws(Failure) -> stat {
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw Failure("stat", path) }
        return status
    }

    package func names() throws(Failure) -> [String] {
        // A descriptor of its own: reading a directory moves its offset, closing it closes the descriptor.
        let copy: Int32 = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { throw Failure("open", path) }
        guard let directory = fdopendir(copy) else {
            close(copy)
            throw Failure("read", path)
        }
        defer { closedir(directory) }
        return NodeFiles.names(directory).sorted()
    }

    /// What a link says; nil when there is no link of this name.
    package func link(_ name: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4097)
        let count: Int = buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            return readlinkat(descriptor, name, start.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    package func makeLink(_ name: String, to target: String) throws(Failure) {
        if symlinkat(target, descriptor, name) != 0 { throw Failure("symlink", place(name)) }
    }

    package func rename(_ name: String, to other: String) throws(Failure) {
        if renameat(descriptor, name, descriptor, other) != 0 { throw Failure("rename", place(name)) }
    }

    /// Removes a file or link; nothing if there is none.
    package func unlink(_ name: String) throws(Failure) {
        if unlinkat(descriptor, name, 0) != 0 && errno != ENOENT { throw Failure("unlink", place(name)) }
    }

    /// Removes whatever has this name, on this file system, following no links.
    package func remove(_ name: String) throws(Failure) {
        if unlinkat(descriptor, name, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR else { throw Failure("unlink", place(name)) }
        try empty(name)
        if unlinkat(descriptor, name, AT_REMOVEDIR) != 0 { throw Failure("rmdir", place(name)) }
    }

    private func empty(_ name: String) throws(Failure) {
        let child: DirectoryHandle = try open(name)
        guard try child.status().st_dev == status().st_dev else { throw Failure("remove", place(name), EXDEV) }
        for entry in try child.names() { try child.remove(entry) }
    }

    /// Writes a new file; its mode, owner and group are there before its name is seen by anybody but us.
    package func write(_ name: String, _ file: VolumeFiles.File, group: UInt32?) throws(Failure) {
        let child: Int32 = openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard child >= 0 else { throw Failure("open", place(name)) }
        defer { close(child) }
        var offset: Int = 0
        while offset < file.bytes.count {
            let count: Int = file.bytes.withUnsafeBytes { buffer in
                Glibc.write(child, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure("write", place(name))
            }
            offset += count
        }
        if file.owner != nil || group != nil {
            if fchown(child, file.owner ?? uid_t.max, group ?? gid_t.max) != 0 { throw Failure("chown", place(name)) }
        }
        // After chown, which clears set-user-ID and set-group-ID bits.
        if fchmod(child, file.mode) != 0 { throw Failure("chmod", place(name)) }
    }

    /// Whether a file has exactly this content, mode, owner and group.
    package func holds(_ name: String, _ file: VolumeFiles.File, group: UInt32?) -> Bool {
        let child: Int32 = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard child >= 0 else { return false }
        defer { close(child) }
        var status = stat()
        guard fstat(child, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == file.bytes.count,
            status.st_mode & 0o7777 == file.mode, status.st_uid == file.owner ?? geteuid(),
            status.st_gid == group ?? status.st_gid
        else { return false }
        do throws(Failure) {
            return try NodeFiles.read(child, path: place(name), limit: file.bytes.count + 1) == file.bytes
        } catch {
            return false
        }
    }
}
