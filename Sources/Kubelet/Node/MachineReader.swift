import Glibc

/// Reads the machine's facts from /proc, /sys and /etc. What cannot be read keeps its empty value: a node without a
/// machine id is still a node.
package struct MachineReader: Sendable {
    private let dataDirectory: String

    package init(dataDirectory: String) {
        self.dataDirectory = dataDirectory
    }

    package func read() -> MachineFacts {
        var facts = MachineFacts()
        facts.processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let memory: [String: Int] = Self.memory(Self.text("/proc/meminfo"))
        facts.memoryBytes = memory["MemTotal"] ?? 0
        facts.memoryFreeBytes = memory["MemAvailable"] ?? 0
        facts.swapBytes = memory["SwapTotal"] ?? 0
        var storage = statvfs()
        if statvfs(dataDirectory, &storage) == 0 {
            facts.storageBytes = Int(storage.f_blocks) * Int(storage.f_frsize)
            facts.storageFreeBytes = Int(storage.f_bavail) * Int(storage.f_frsize)
        }
        facts.processIDLimit = Int(Self.line("/proc/sys/kernel/pid_max")) ?? 0
        facts.machineID = Self.first(of: ["/etc/machine-id", "/var/lib/dbus/machine-id"])
        // A machine that does not tell goes by its installation's name, as upstream's does.
        let uuid: String = Self.first(of: [
            "/sys/class/dmi/id/product_uuid", "/proc/device-tree/system-id", "/proc/device-tree/vm,uuid",
        ])
        facts.systemUUID = uuid.isEmpty ? facts.machineID : uuid
        facts.bootID = Self.line("/proc/sys/kernel/random/boot_id")
        facts.kernelVersion = Self.line("/proc/sys/kernel/osrelease")
        facts.osImage = Self.osImage(Self.text("/etc/os-release"))
        #if arch(arm64)
            facts.architecture = "arm64"
        #else
            facts.architecture = "amd64"
        #endif
        return facts
    }

    /// `MemTotal:  24000 kB` → bytes by name.
    static func memory(_ text: String) -> [String: Int] {
        var found: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            let parts: [Substring] = line.split(separator: " ")
            guard parts.count >= 2, let kilobytes = Int(parts[1]) else { continue }
            found[String(parts[0].dropLast())] = kilobytes * 1024
        }
        return found
    }

    static func osImage(_ text: String) -> String {
        for line in text.split(separator: "\n") where line.hasPrefix("PRETTY_NAME=") {
            return String(line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" })
        }
        return "Linux"
    }

    /// The first line of the first file that has one.
    private static func first(of paths: [String]) -> String {
        for path in paths {
            // The device tree's texts end with a zero byte.
            let found: String = line(path).filter { $0 != "\0" }
            if !found.isEmpty { return found }
        }
        return ""
    }

    private static func line(_ path: String) -> String {
        text(path).split(separator: "\n").first.map(String.init) ?? ""
    }

    private static func text(_ path: String) -> String {
        let descriptor: Int32 = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count: Int = Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
