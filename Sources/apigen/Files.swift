import Glibc

/// The few things apigen asks of the file system.
enum Files {
    /// The names in a folder, sorted; empty if it does not exist.
    static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var result: [String] = []
        while let entry = readdir(directory) {
            let name: String = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { result.append(name) }
        }
        return result.sorted()
    }

    /// The content of a file; nil if there is none.
    static func read(_ path: String) throws(Failure) -> [UInt8]? {
        guard let file = fopen(path, "rb") else {
            if errno == ENOENT { return nil }
            throw Failure("failed to open \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count: Int = fread(&buffer, 1, buffer.count, file)
            result.append(contentsOf: buffer[..<count])
            if count < buffer.count { break }
        }
        guard ferror(file) == 0 else { throw Failure("failed to read \(path)") }
        return result
    }

    static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
        makeFolder(of: path)
        guard let file = fopen(path, "wb") else {
            throw Failure("failed to create \(path): \(String(cString: strerror(errno)))")
        }
        let written: Int = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count else { throw Failure("failed to write \(path)") }
    }

    static func remove(_ path: String) throws(Failure) {
        guard unlink(path) == 0 else {
            throw Failure("failed to remove \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Makes the folders on the way; what fails shows when the file is created.
    private static func makeFolder(of path: String) {
        var index: String.Index = path.startIndex
        while let slash = path[index...].firstIndex(of: "/") {
            if slash > path.startIndex { mkdir(String(path[..<slash]), 0o755) }
            index = path.index(after: slash)
        }
    }

    /// One line to standard output.
    static func say(_ line: String) {
        puts(line)
    }

    /// One line to standard error.
    static func complain(_ line: String) {
        let bytes: [UInt8] = Array((line + "\n").utf8)
        // Nobody is left to tell if this fails.
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
