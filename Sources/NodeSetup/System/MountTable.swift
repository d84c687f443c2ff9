/// One line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
package struct MountEntry: Equatable, Sendable {
    /// The directory of the mounted file system that is its root here; not "/" for bind mounts.
    package var root: String
    /// Where it is mounted.
    package var path: String
    package var type: String
    package var source: String
    /// The options of the file system, split at commas; version 1 cgroups name their controllers here.
    package var options: [String]
}

/// The mounts of this process's namespace, in the order they were made.
package enum MountTable {
    package static func read() throws(SystemError) -> [MountEntry] {
        parse(String(decoding: try Files.read("/proc/self/mountinfo"), as: UTF8.self))
    }

    /// Lines that do not have the fields are skipped.
    package static func parse(_ text: String) -> [MountEntry] {
        var entries: [MountEntry] = []
        for line in text.split(separator: "\n") {
            // 36 35 98:0 /root /path rw,noatime master:1 - ext4 /dev/root rw,errors=continue
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count >= 9, let dash = fields[6...].firstIndex(of: "-"), fields.count >= dash + 4 else {
                continue
            }
            entries.append(
                MountEntry(
                    root: unescape(fields[3]), path: unescape(fields[4]), type: String(fields[dash + 1]),
                    source: unescape(fields[dash + 2]),
                    options: fields[dash + 3].split(separator: ",").map(String.init)))
        }
        return entries
    }

    /// The kernel writes space, tab, newline and backslash as `\040` and so on.
    private static func unescape(_ field: Substring) -> String {
        guard field.contains("\\") else { return String(field) }
        let bytes = Array(field.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count {
                let digits = bytes[(index + 1)...(index + 3)].map { Int($0) - 48 }
                if digits.allSatisfy({ (0...7).contains($0) }) {
                    result.append(UInt8(truncatingIfNeeded: digits[0] * 64 + digits[1] * 8 + digits[2]))
                    index += 4
                    continue
                }
            }
            result.append(bytes[index])
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }
}
