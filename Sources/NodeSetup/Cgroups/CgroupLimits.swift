/// What a cgroup may use. Nil leaves a value as it is.
package struct CgroupLimits: Sendable, Equatable {
    /// Relative weight under contention, 2 … 262144, 1024 per core asked for.
    package var cpuShares: Int?
    /// Microseconds of CPU time per period; -1 is no limit.
    package var cpuQuotaMicroseconds: Int?
    package var cpuPeriodMicroseconds: Int = 100_000
    /// -1 is no limit.
    package var memoryBytes: Int?
    /// Processes and threads; -1 is no limit.
    package var pids: Int?

    package init(cpuShares: Int? = nil, cpuQuotaMicroseconds: Int? = nil, memoryBytes: Int? = nil, pids: Int? = nil) {
        self.cpuShares = cpuShares
        self.cpuQuotaMicroseconds = cpuQuotaMicroseconds
        self.memoryBytes = memoryBytes
        self.pids = pids
    }

    /// Version 2's weight (1 … 10000) for version 1's shares (2 … 262144), on a line, as the kubelet does it
    /// (KEP-2254).
    package static func weight(shares: Int) -> Int {
        let bounded = min(max(shares, 2), 262_144)
        return 1 + ((bounded - 2) * 9_999) / 262_142
    }

    /// The files to write, in an order in which the kernel takes them. `controller` names the version 1 tree.
    func assignments(unified: Bool) -> [(controller: String, file: String, value: String)] {
        var result: [(controller: String, file: String, value: String)] = []
        if let cpuShares {
            if unified {
                result.append(("cpu", "cpu.weight", String(Self.weight(shares: cpuShares))))
            } else {
                result.append(("cpu", "cpu.shares", String(max(2, cpuShares))))
            }
        }
        if let quota = cpuQuotaMicroseconds {
            if unified {
                result.append(("cpu", "cpu.max", "\(quota < 0 ? "max" : String(quota)) \(cpuPeriodMicroseconds)"))
            } else {
                result.append(("cpu", "cpu.cfs_period_us", String(cpuPeriodMicroseconds)))
                result.append(("cpu", "cpu.cfs_quota_us", String(quota)))
            }
        }
        if let memoryBytes {
            if unified {
                result.append(("memory", "memory.max", memoryBytes < 0 ? "max" : String(memoryBytes)))
            } else {
                result.append(("memory", "memory.limit_in_bytes", String(memoryBytes)))
            }
        }
        if let pids { result.append(("pids", "pids.max", pids < 0 ? "max" : String(pids))) }
        return result
    }
}

/// What a cgroup uses. Nil where the controller is missing.
package struct CgroupUsage: Sendable, Equatable {
    /// Since the cgroup was made.
    package var cpuNanoseconds: UInt64?
    /// All memory, page cache included.
    package var memoryBytes: UInt64?
    /// Without the page cache that can be dropped at once: what eviction and metrics go by.
    package var workingSetBytes: UInt64?
    /// Anonymous memory.
    package var residentBytes: UInt64?
    package var pageFaults: UInt64?
    package var majorPageFaults: UInt64?
    package var processes: UInt64?

    package init() {}
}
