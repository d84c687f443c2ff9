import Glibc

/// What the machine uses, from `/proc` and the root file system. Reading blocks for some microseconds.
struct MachineUsage: Sendable, Equatable {
    /// Of all cores, busy, since the machine started.
    var cpuNanoseconds: UInt64 = 0
    var memoryTotal: UInt64 = 0
    var memoryAvailable: UInt64 = 0
    var memoryFree: UInt64 = 0
    var memoryRSS: UInt64 = 0
    /// Used without what can be dropped at once (inactive file pages): upstream's working set.
    var workingSet: UInt64 = 0
    var fsCapacity: UInt64 = 0
    var fsAvailable: UInt64 = 0
    var fsUsed: UInt64 = 0
    var inodes: UInt64 = 0
    var inodesFree: UInt64 = 0
    /// Seconds since 1970.
    var bootTime: Int = 0

    static func read() -> MachineUsage {
        var usage = MachineUsage(stat: text("/proc/stat"), meminfo: text("/proc/meminfo"))
        var status = statvfs()
        if statvfs("/", &status) == 0 {
            let block: UInt64 = UInt64(status.f_frsize)
            usage.fsCapacity = UInt64(status.f_blocks) * block
            usage.fsAvailable = UInt64(status.f_bavail) * block
            usage.fsUsed = (UInt64(status.f_blocks) - UInt64(status.f_bfree)) * block
            usage.inodes = UInt64(status.f_files)
            usage.inodesFree = UInt64(status.f_ffree)
        }
        return usage
    }

    init() {}

    /// From the texts of `/proc/stat` and `/proc/meminfo`.
    init(stat: String, meminfo: String, ticksPerSecond: UInt64 = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))) {
        for line in stat.split(separator: "\n") {
            let words: [Substring] = line.split(separator: " ")
            if words.first == "cpu" {
                // user, nice, system, idle, iowait, irq, softirq, steal; guest is within user.
                let numbers: [UInt64] = words.dropFirst().prefix(8).map { UInt64($0) ?? 0 }
                var busy: UInt64 = 0
                for (index, number) in numbers.enumerated() where index != 3 && index != 4 { busy += number }
                cpuNanoseconds = busy * (1_000_000_000 / ticksPerSecond)
            }
            if words.first == "btime", words.count > 1 { bootTime = Int(words[1]) ?? 0 }
        }
        var values: [Substring: UInt64] = [:]
        for line in meminfo.split(separator: "\n") {
            let words: [Substring] = line.split(separator: " ")
            if words.count > 1, let kilobytes = UInt64(words[1]) { values[words[0].dropLast()] = kilobytes * 1024 }
        }
        memoryTotal = values["MemTotal"] ?? 0
        memoryAvailable = values["MemAvailable"] ?? 0
        memoryFree = values["MemFree"] ?? 0
        memoryRSS = values["AnonPages"] ?? 0
        let used: UInt64 = memoryTotal > memoryFree ? memoryTotal - memoryFree : 0
        let droppable: UInt64 = values["Inactive(file)"] ?? 0
        workingSet = used > droppable ? used - droppable : 0
    }

    private static func text(_ path: String) -> String {
        guard let file = LogFile(path) else { return "" }
        var bytes: [UInt8] = []
        while bytes.count < 1024 * 1024 {
            let piece: [UInt8] = file.read(at: bytes.count, count: 16 * 1024)
            if piece.isEmpty { break }
            bytes += piece
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
