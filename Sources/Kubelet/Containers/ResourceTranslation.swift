package import API
import APIMachinery
import APIRules
package import CRI
import Codec

/// Requests and limits in the kernel's terms, by upstream's formulas.
package enum ResourceTranslation {
    package static let quotaPeriod: Int = 100_000

    /// 1024 per core; at least 2, at most 262144.
    package static func shares(milliCPU: Int) -> Int {
        milliCPU == 0 ? 2 : min(max(milliCPU * 1024 / 1000, 2), 262_144)
    }

    /// Microseconds per period, at least a millisecond; 0 for no limit.
    package static func quota(milliCPU: Int) -> Int {
        milliCPU == 0 ? 0 : max(milliCPU * quotaPeriod / 1000, 1000)
    }

    package static func container(
        _ container: APICore.Container, of pod: Pod, configuration: RuntimeConfiguration
    ) -> LinuxContainerResources {
        let limits: ResourceRequirements = container.resources
        let cpuLimit: Int = limits.limits["cpu"]?.milliValue ?? 0
        let cpuRequest: Int = limits.requests["cpu"]?.milliValue ?? cpuLimit
        var result = LinuxContainerResources()
        result.cpuShares = shares(milliCPU: cpuRequest)
        result.cpuQuota = quota(milliCPU: cpuLimit)
        result.cpuPeriod = quotaPeriod
        result.memoryLimitInBytes = limits.limits["memory"]?.value ?? 0
        result.oomScoreAdj = max(
            oomScore(container, of: pod, memoryBytes: configuration.memoryBytes),
            configuration.lowestOOMScore)
        for (name, quantity) in limits.limits where name.hasPrefix("hugepages-") {
            var limit = HugepageLimit()
            limit.pageSize = pageSize(name)
            limit.limit = UInt64(max(0, quantity.value))
            result.hugepageLimits.append(limit)
        }
        // All processes of a container end together.
        if configuration.isCgroupUnified { result.unified = ["memory.oom.group": "1"] }
        return result
    }

    /// `hugepages-2Mi` → `2MB`
    private static func pageSize(_ resource: String) -> String {
        let text: Substring = resource.dropFirst("hugepages-".count)
        return text.hasSuffix("i") ? text.dropLast() + "B" : String(text)
    }

    /// Who is killed first when the node runs out of memory: -997 last, 1000 first. A burstable container the earlier
    /// the less it asked for; a sidecar never before the containers that it serves.
    package static func oomScore(_ container: APICore.Container, of pod: Pod, memoryBytes: Int) -> Int {
        // Upstream's "system critical" priority.
        if (pod.spec.priority ?? 0) >= 2_000_000_000 { return -997 }
        switch QualityOfService(of: pod) {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable: break
        }
        let own: Int = burstableScore(container, memoryBytes: memoryBytes)
        let isSidecar: Bool = pod.spec.initContainers.contains {
            $0.name == container.name && $0.restartPolicy == "Always"
        }
        guard isSidecar else { return own }
        let served: Int? = pod.spec.containers.map { burstableScore($0, memoryBytes: memoryBytes) }.min()
        return min(own, served ?? own)
    }

    private static func burstableScore(_ container: APICore.Container, memoryBytes: Int) -> Int {
        guard memoryBytes > 0 else { return 999 }
        let request: Int = (container.resources.requests["memory"] ?? container.resources.limits["memory"])?.value ?? 0
        let score: Int = 1000 - Int((1000.0 * Double(request)) / Double(memoryBytes))
        return min(max(score, 3), 999)
    }

    /// The pod's own cgroup: what is said of the pod as a whole (KEP-2837); else the sum of its containers, or the largest
    /// init container where that is more.
    package static func pod(_ pod: Pod) -> PodCgroupLimits {
        let shares: Int = self.shares(milliCPU: total(pod, "cpu", limits: false)?.milli ?? 0)
        var limits = PodCgroupLimits(cpuShares: shares)
        if QualityOfService(of: pod) == .bestEffort { limits.cpuShares = 2 }
        if let cpu = total(pod, "cpu", limits: true), cpu.isComplete {
            limits.cpuQuotaMicroseconds = quota(milliCPU: cpu.milli)
        }
        if let memory = total(pod, "memory", limits: true), memory.isComplete { limits.memoryBytes = memory.value }
        return limits
    }

    private struct Total {
        var milli: Int = 0
        var value: Int = 0
        /// Every container names the resource.
        var isComplete: Bool = true

        mutating func add(_ quantity: Quantity?) {
            guard let quantity, !quantity.isZero else {
                isComplete = false
                return
            }
            milli += quantity.milliValue
            value += quantity.value
        }

        mutating func raise(to other: Total) {
            milli = max(milli, other.milli)
            value = max(value, other.value)
            isComplete = isComplete && other.isComplete
        }
    }

    /// nil: nobody names it.
    private static func total(_ pod: Pod, _ resource: String, limits: Bool) -> Total? {
        func quantity(_ container: APICore.Container) -> Quantity? {
            let limit: Quantity? = container.resources.limits[resource]
            return limits ? limit : container.resources.requests[resource] ?? limit
        }
        var running = Total()
        for container in pod.spec.containers { running.add(quantity(container)) }
        var sidecars = Total()
        var largest = Total()
        for container in pod.spec.initContainers {
            if container.restartPolicy == "Always" {
                running.add(quantity(container))
                sidecars.add(quantity(container))
            } else {
                var moment: Total = sidecars
                moment.add(quantity(container))
                largest.raise(to: moment)
            }
        }
        running.raise(to: largest)
        if let whole = pod.spec.resources {
            let limit: Quantity? = whole.limits[resource]
            if let amount = limits ? limit : whole.requests[resource] ?? limit {
                running = Total()
                running.add(amount)
            }
        }
        if let overhead = pod.spec.overhead[resource], running.milli > 0 {
            running.milli += overhead.milliValue
            running.value += overhead.value
        }
        return running.milli == 0 && running.value == 0 ? nil : running
    }
}
