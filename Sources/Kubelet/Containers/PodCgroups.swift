package import API

/// Pods' cgroups, above those that the runtime makes for containers. An adapter over the node's hierarchies.
package protocol PodCgroups: Sendable {
    /// What CRI calls `cgroup_parent`: the path of the pod's cgroup from the root of the hierarchy.
    func path(of pod: Pod) -> String
    /// Makes the cgroup and sets the pod's limits. Safe to repeat. Throws with words for an event.
    func create(_ pod: Pod, limits: PodCgroupLimits) async throws(PodCgroupError)
    /// Removes the pod's cgroup, whatever its class. Safe to repeat. Fails while a process is inside.
    func remove(uid: String) async throws(PodCgroupError)
}

/// Limits of a pod as a whole. nil: none.
package struct PodCgroupLimits: Sendable, Equatable {
    /// 1024 per core, at least 2.
    package var cpuShares: Int
    /// Microseconds per 100 ms.
    package var cpuQuotaMicroseconds: Int?
    package var memoryBytes: Int?

    package init(cpuShares: Int, cpuQuotaMicroseconds: Int? = nil, memoryBytes: Int? = nil) {
        self.cpuShares = cpuShares
        self.cpuQuotaMicroseconds = cpuQuotaMicroseconds
        self.memoryBytes = memoryBytes
    }

    /// The larger of each; no limit is the largest.
    package func raised(to other: PodCgroupLimits) -> PodCgroupLimits {
        func larger(_ one: Int?, _ another: Int?) -> Int? {
            guard let one, let another else { return nil }
            return max(one, another)
        }
        return PodCgroupLimits(
            cpuShares: max(cpuShares, other.cpuShares),
            cpuQuotaMicroseconds: larger(cpuQuotaMicroseconds, other.cpuQuotaMicroseconds),
            memoryBytes: larger(memoryBytes, other.memoryBytes))
    }
}

package struct PodCgroupError: Error, Sendable, Equatable {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }
}
