import API
package import APIMachinery
package import Codec

/// Amounts of node resources in fixed places, so that fitting is a few integer comparisons.
///
/// Units: milliCPU in thousandths of a core, memory and ephemeral storage in bytes, extended resources in whole
/// units, indexed by `ResourceNames`.
package struct ResourceVector: Sendable, Equatable {
    package var milliCPU: Int = 0
    package var memory: Int = 0
    package var ephemeralStorage: Int = 0
    /// Hugepages, devices, …; shorter than the number of known names where the rest is zero.
    package var extended: [Int] = []

    package init() {}

    package static func += (left: inout ResourceVector, right: ResourceVector) {
        left.milliCPU += right.milliCPU
        left.memory += right.memory
        left.ephemeralStorage += right.ephemeralStorage
        left.combineExtended(right) { $0 + $1 }
    }

    package static func -= (left: inout ResourceVector, right: ResourceVector) {
        left.milliCPU -= right.milliCPU
        left.memory -= right.memory
        left.ephemeralStorage -= right.ephemeralStorage
        left.combineExtended(right) { $0 - $1 }
    }

    /// The larger of both, resource by resource.
    package mutating func formMaximum(_ other: ResourceVector) {
        milliCPU = max(milliCPU, other.milliCPU)
        memory = max(memory, other.memory)
        ephemeralStorage = max(ephemeralStorage, other.ephemeralStorage)
        combineExtended(other) { max($0, $1) }
    }

    package func extendedAmount(_ index: Int) -> Int {
        index < extended.count ? extended[index] : 0
    }

    private mutating func combineExtended(_ other: ResourceVector, _ combine: (Int, Int) -> Int) {
        guard !other.extended.isEmpty else { return }
        while extended.count < other.extended.count { extended.append(0) }
        for index in other.extended.indices { extended[index] = combine(extended[index], other.extended[index]) }
    }
}

/// Gives each extended resource name a small index, first come, first served. Names are never forgotten; there
/// are few.
package struct ResourceNames: Sendable {
    package private(set) var names: [String] = []
    private var indices: [String: Int] = [:]

    package init() {}

    package mutating func index(of name: String) -> Int {
        if let known = indices[name] { return known }
        let index: Int = names.count
        names.append(name)
        indices[name] = index
        return index
    }

    /// Reads a resource list of the API. `pods` is not part of a vector.
    package mutating func vector(_ list: StringMap<Quantity>) -> ResourceVector {
        var vector = ResourceVector()
        for (name, quantity) in list {
            switch name {
            case "cpu": vector.milliCPU = Int(clamping: quantity.milliValue)
            case "memory": vector.memory = Int(clamping: quantity.value)
            case "ephemeral-storage": vector.ephemeralStorage = Int(clamping: quantity.value)
            case "pods": break
            default:
                let index: Int = self.index(of: name)
                while vector.extended.count <= index { vector.extended.append(0) }
                vector.extended[index] = Int(clamping: quantity.value)
            }
        }
        return vector
    }
}
