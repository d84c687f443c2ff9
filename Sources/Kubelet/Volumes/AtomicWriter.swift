import Glibc

/// Writes a volume's files so that a reader sees either all of the old ones or all of the new ones; upstream's layout:
///
///     token  → ..data/token                            what readers open
///     certs  → ..data/certs
///     ..data → ..2026_11_23_16_06_15.482910377          swapped by one rename
///     ..2026_11_23_16_06_15.482910377/token
///     ..2026_11_23_16_06_15.482910377/certs/ca.crt
///
/// A reader that holds the old directory open still has the old files. Blocks. One writer per directory at a time.
package struct AtomicWriter: Sendable {
    package typealias Failure = NodeFiles.Failure

    private static let data: String = "..data"
    private static let next: String = "..data_tmp"

    private let path: String
    /// Files and directories belong to it.
    private let group: UInt32?

    package init(_ path: String, group: UInt32? = nil) {
        self.path = path
        self.group = group
    }

    /// Makes the volume hold exactly these files. False: it did so already.
    @discardableResult
    package func write(_ files: VolumeFiles) throws(Failure) -> Bool {
        let files: VolumeFiles = files.readable(by: group)
        let volume = try DirectoryHandle(path)
        let old: String? = volume.link(Self.data).flatMap { Self.isOurs($0) ? $0 : nil }
        if let old, isCurrent(volume, old, files) {
            try expose(volume, files)
            return false
        }
        let fresh: String = try fill(volume, files)
        do throws(Failure) {
            try volume.remove(Self.next)
            try volume.makeLink(Self.next, to: fresh)
            try volume.rename(Self.next, to: Self.data)
        } catch {
            try volume.remove(fresh)
            throw error
        }
        try expose(volume, files)
        // Also what a crash left behind.
        for name in try volume.names() where Self.isOurs(name) && name != fresh { try volume.remove(name) }
        return true
    }

    /// Whether it is the name of a directory that this writer made.
    private static func isOurs(_ name: String) -> Bool {
        name.hasPrefix("..") && name != ".." && !name.contains("/") && name != data && name != next
    }

    private func isCurrent(_ volume: borrowing DirectoryHandle, _ name: String, _ files: VolumeFiles) -> Bool {
        do throws(Failure) {
            var left: Set<String> = Set(files.files.keys)
            let root: DirectoryHandle = try volume.open(name)
            return holds(root, below: "", files, &left) && left.isEmpty
        } catch {
            return false
        }
    }

    /// Whether the directory has nothing but files that are wanted; takes those out of `left`.
    private func holds(
        _ directory: borrowing DirectoryHandle, below prefix: String, _ files: VolumeFiles, _ left: inout Set<String>
    ) -> Bool {
        do throws(Failure) {
            for name in try directory.names() {
                let path: String = prefix + name
                if let file = files.files[path] {
                    guard directory.holds(name, file, group: group) else { return false }
                    left.remove(path)
                } else {
                    let child: DirectoryHandle = try directory.open(name)
                    guard holds(child, below: path + "/", files, &left) else { return false }
                }
            }
            return true
        } catch {
            return false
        }
    }

    private func fill(_ volume: borrowing DirectoryHandle, _ files: VolumeFiles) throws(Failure) -> String {
        let name: String = Self.freshName()
        do throws(Failure) {
            let root: DirectoryHandle = try volume.makeDirectory(name)
            try own(root)
            for (path, file) in files.files.sorted(by: { $0.key < $1.key }) {
                try write(root, path.split(separator: "/")[...], file)
            }
        } catch {
            try volume.remove(name)
            throw error
        }
        return name
    }

    private func write(
        _ directory: borrowing DirectoryHandle, _ elements: ArraySlice<Substring>, _ file: VolumeFiles.File
    ) throws(Failure) {
        guard let first = elements.first else { return }
        if elements.count == 1 { return try directory.write(String(first), file, group: group) }
        let child: DirectoryHandle = try directory.makeDirectory(String(first))
        try own(child)
        try write(child, elements.dropFirst(), file)
    }

    private func own(_ directory: borrowing DirectoryHandle) throws(Failure) {
        guard let group else { return }
        try directory.setGroup(group)
        try directory.setMode(0o2755)
    }

    /// Makes the links that readers use; takes those away that lead nowhere now.
    private func expose(_ volume: borrowing DirectoryHandle, _ files: VolumeFiles) throws(Failure) {
        let wanted: Set<String> = files.topNames
        for name in try volume.names() where !name.hasPrefix("..") && !wanted.contains(name) {
            try volume.remove(name)
        }
        for name in wanted.sorted() {
            let target: String = Self.data + "/" + name
            if volume.link(name) == target { continue }
            try volume.remove(name)
            try volume.makeLink(name, to: target)
        }
    }

    /// `..2026_11_23_16_06_15.482910377`: for people; what counts is that it is new.
    private static func freshName() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        let numbers: [Int32] = [
            parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
        ]
        let text: String = numbers.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: "_")
        return "..\(parts.tm_year + 1900)_\(text).\(UInt32.random(in: 100_000_000 ... UInt32.max))"
    }
}
