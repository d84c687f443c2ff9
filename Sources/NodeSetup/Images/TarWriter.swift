/// Writes tar archives (POSIX ustar), with all that varies left out: the same files give the same bytes.
package struct TarWriter {
    private var bytes: [UInt8] = []

    package init() {}

    /// Adds a file. The path has at most 100 bytes and no slash at the start.
    package mutating func add(file path: String, mode: Int = 0o644, _ content: [UInt8]) {
        header(path, type: "0", mode: mode, size: content.count)
        bytes += content
        pad()
    }

    package mutating func add(directory path: String, mode: Int = 0o755) {
        header(path + "/", type: "5", mode: mode, size: 0)
    }

    /// The archive: two empty blocks end it.
    package consuming func finish() -> [UInt8] {
        bytes += [UInt8](repeating: 0, count: 1_024)
        return bytes
    }

    private mutating func pad() {
        while bytes.count % 512 != 0 { bytes.append(0) }
    }

    //  0    100  108  116  124   136   148       156   157   257     263
    //  name mode uid  gid  size  mtime checksum  type  link  "ustar" "00"
    private mutating func header(_ path: String, type: Character, mode: Int, size: Int) {
        precondition(path.utf8.count <= 100, "a path in an archive of ours is short")
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: Int, digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        put(path, at: 0)
        put(octal(mode, digits: 7), at: 100)
        put(octal(0, digits: 7), at: 108)
        put(octal(0, digits: 7), at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put("        ", at: 148)
        put(String(type), at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        let sum = block.reduce(0) { $0 + Int($1) }
        put(octal(sum, digits: 6) + "\0 ", at: 148)
        bytes += block
    }
}
