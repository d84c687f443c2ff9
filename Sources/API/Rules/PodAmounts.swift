package import APICore
package import APIMachinery
package import Codec

/// What a pod as a whole asks for and may use, as upstream adds it up.
///
/// Containers run together, so they add up, and with them the init containers that stay (`restartPolicy: Always`).
/// Other init containers run alone, next to those that stay and were started before them: the largest moment counts.
/// Amounts for the pod as a whole replace the sums.
package struct PodAmounts {
    package var requests: StringMap<Quantity>
    package var limits: StringMap<Quantity>

    package init(_ spec: PodSpec, withOverhead: Bool) {
        requests = Self.total(spec) { $0.requests }
        limits = Self.total(spec) { $0.limits }
        guard withOverhead else { return }
        for (name, amount) in spec.overhead {
            requests[name] = (requests[name] ?? Quantity()) + amount
            // Without a limit there is none, whatever the overhead.
            if let limit = limits[name], !limit.isZero { limits[name] = limit + amount }
        }
    }

    private static func total(_ spec: PodSpec, _ amounts: (ResourceRequirements) -> StringMap<Quantity>)
        -> StringMap<Quantity>
    {
        var sum: StringMap<Quantity> = [:]
        for container in spec.containers { sum.add(amounts(container.resources)) }
        var staying: StringMap<Quantity> = [:]
        var peak: StringMap<Quantity> = [:]
        for container in spec.initContainers {
            let own: StringMap<Quantity> = amounts(container.resources)
            if container.restartPolicy == "Always" {
                sum.add(own)
                staying.add(own)
                peak.raise(to: staying)
            } else {
                var moment: StringMap<Quantity> = staying
                moment.add(own)
                peak.raise(to: moment)
            }
        }
        sum.raise(to: peak)
        if let whole = spec.resources {
            for (name, amount) in amounts(whole) where isPodLevel(name) { sum[name] = amount }
        }
        return sum
    }

    private static func isPodLevel(_ name: String) -> Bool {
        name == "cpu" || name == "memory" || name.hasPrefix("hugepages-")
    }
}

extension StringMap<Quantity> {
    package mutating func add(_ other: StringMap<Quantity>) {
        for (name, amount) in other { self[name] = (self[name] ?? Quantity()) + amount }
    }

    package mutating func subtract(_ other: StringMap<Quantity>) {
        for (name, amount) in other { self[name] = (self[name] ?? Quantity()) - amount }
    }

    /// The larger amount of each.
    package mutating func raise(to other: StringMap<Quantity>) {
        for (name, amount) in other {
            if let own = self[name], own >= amount { continue }
            self[name] = amount
        }
    }
}
