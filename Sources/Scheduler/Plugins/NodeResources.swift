/// A node must have room for what a pod requests; emptier nodes are better (upstream's LeastAllocated).
package struct NodeResourcesFit: FilterPlugin, ScorePlugin {
    package var name: PluginName { .nodeResourcesFit }
    package var weight: Int { 1 }

    package init() {}

    package func concerns(_ pod: PodInfo) -> Bool { true }

    package func filter(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Verdict? {
        reasons(pod, on: row, in: table).first
    }

    /// Every resource that lacks, in upstream's order.
    package func reasons(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> [Verdict] {
        var found: [Verdict] = []
        let need: ResourceVector = pod.requirements.requests
        if row.podCount + 1 > row.allowedPods {
            found.append(Verdict("Too many pods", by: .nodeResourcesFit))
        }
        func check(_ name: String, _ wanted: Int, _ used: Int, _ capacity: Int) {
            guard wanted > 0, wanted > capacity - used else { return }
            found.append(
                Verdict("Insufficient \(name)", by: .nodeResourcesFit, isUnresolvable: wanted > capacity))
        }
        check("cpu", need.milliCPU, row.requested.milliCPU, row.allocatable.milliCPU)
        check("memory", need.memory, row.requested.memory, row.allocatable.memory)
        check(
            "ephemeral-storage", need.ephemeralStorage, row.requested.ephemeralStorage,
            row.allocatable.ephemeralStorage)
        for (index, wanted) in need.extended.enumerated() where wanted > 0 {
            check(
                table.names.names[index], wanted, row.requested.extendedAmount(index),
                row.allocatable.extendedAmount(index))
        }
        return found
    }

    /// The mean of the free shares of CPU and memory after the pod, 0…100.
    package func score(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Int {
        let need: ResourceVector = pod.requirements.scoringRequests
        let cpu: Int = freeShare(row.scoringRequested.milliCPU + need.milliCPU, of: row.allocatable.milliCPU)
        let memory: Int = freeShare(row.scoringRequested.memory + need.memory, of: row.allocatable.memory)
        return (cpu + memory) / 2
    }

    private func freeShare(_ used: Int, of capacity: Int) -> Int {
        guard capacity > 0, used <= capacity else { return 0 }
        return (capacity - used) * 100 / capacity
    }
}

/// Prefers nodes on which CPU and memory would be used in like measure.
package struct NodeResourcesBalancedAllocation: ScorePlugin {
    package var name: PluginName { .nodeResourcesBalancedAllocation }
    package var weight: Int { 1 }

    package init() {}

    /// 100 minus the standard deviation of the used shares (two resources: half their distance), in percent.
    package func score(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Int {
        let need: ResourceVector = pod.requirements.requests
        let cpu: Double = share(row.requested.milliCPU + need.milliCPU, of: row.allocatable.milliCPU)
        let memory: Double = share(row.requested.memory + need.memory, of: row.allocatable.memory)
        let deviation: Double = abs(cpu - memory) / 2
        return Int((1 - deviation) * 100)
    }

    private func share(_ used: Int, of capacity: Int) -> Double {
        guard capacity > 0 else { return 0 }
        return min(1, Double(used) / Double(capacity))
    }
}
