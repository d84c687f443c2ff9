/// The files of one volume: what the kubelet writes there. Paths are relative and clean; see `add`.
package struct VolumeFiles: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        package var bytes: [UInt8]
        /// Permission bits, exactly as they end up on disk.
        package var mode: UInt32
        /// The owning user; nil: root.
        package var owner: UInt32?

        package init(_ bytes: [UInt8], mode: UInt32, owner: UInt32? = nil) {
            self.bytes = bytes
            self.mode = mode
            self.owner = owner
        }
    }

    /// Why a file cannot be in a volume.
    package struct Refusal: Error, Sendable, Equatable {
        package var message: String
    }

    private static let longestPath: Int = 4096
    private static let longestName: Int = 255

    package private(set) var files: [String: File] = [:]

    package init() {}

    /// Puts a file in; a later one with the same path wins. Nothing that comes from outside gets past here with `..`.
    package mutating func add(_ path: String, _ file: File) throws(Refusal) {
        files[try Self.clean(path)] = file
    }

    /// Takes over files whose paths are clean already; theirs win.
    package mutating func add(_ other: VolumeFiles) {
        files.merge(other.files) { _, new in new }
    }

    /// The path without empty and `.` elements.
    static func clean(_ path: String) throws(Refusal) -> String {
        guard !path.isEmpty else { throw Refusal(message: "invalid path: must not be empty: \"\"") }
        guard !path.hasPrefix("/") else { throw Refusal(message: "invalid path: must be relative path: \(path)") }
        guard path.utf8.count <= longestPath else {
            throw Refusal(message: "invalid path: must be less than or equal to \(longestPath) characters")
        }
        guard !path.utf8.contains(0) else { throw Refusal(message: "invalid path: must not contain a zero byte") }
        let elements: [Substring] = path.split(separator: "/").filter { $0 != "." }
        for element in elements {
            if element == ".." { throw Refusal(message: "invalid path: must not contain '..': \(path)") }
            if element.utf8.count > longestName {
                throw Refusal(
                    message: "invalid path: filenames must be less than or equal to \(longestName) characters")
            }
        }
        guard let first = elements.first else { throw Refusal(message: "invalid path: must name a file: \(path)") }
        // Names that begin with two dots are the writer's own.
        if first.hasPrefix("..") { throw Refusal(message: "invalid path: must not start with '..': \(path)") }
        return elements.joined(separator: "/")
    }

    /// Fails where one path is a file and a directory at once.
    package func checkConflicts() throws(Refusal) {
        for path in files.keys.sorted() {
            var parent: Substring = path[...]
            while let slash = parent.lastIndex(of: "/") {
                parent = parent[..<slash]
                if files[String(parent)] != nil {
                    throw Refusal(
                        message: "conflicting paths: \(parent) would be both a file and the directory of \(path)")
                }
            }
        }
    }

    /// The names that readers see in the volume's directory.
    package var topNames: Set<String> {
        Set(files.keys.map { path in String(path.prefix { $0 != "/" }) })
    }

    /// As they are once the files belong to a group of their own: readable by it.
    package func readable(by group: UInt32?) -> VolumeFiles {
        guard group != nil else { return self }
        var result = VolumeFiles()
        result.files = files.mapValues { file in
            File(file.bytes, mode: file.mode | 0o440, owner: file.owner)
        }
        return result
    }
}
