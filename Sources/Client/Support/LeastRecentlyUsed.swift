/// A map that holds at most `capacity` entries; when it is full, those not used for longest go.
struct LeastRecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var entries: [Key: (value: Value, used: Int)] = [:]
    private var clock: Int = 0
    private let capacity: Int

    init(capacity: Int) {
        precondition(capacity > 0, "a map that holds nothing is of no use")
        self.capacity = capacity
    }

    var count: Int { entries.count }

    subscript(key: Key) -> Value? {
        mutating get {
            guard let entry = entries[key] else { return nil }
            clock += 1
            entries[key]?.used = clock
            return entry.value
        }
        set {
            clock += 1
            entries[key] = newValue.map { ($0, clock) }
            if entries.count > capacity { shrink() }
        }
    }

    /// Drops an eighth at once, so that the cost of sorting is spread over many insertions.
    private mutating func shrink() {
        let surplus: Int = entries.count - capacity + capacity / 8
        let oldest = entries.sorted { $0.value.used < $1.value.used }.prefix(surplus)
        for entry in oldest { entries[entry.key] = nil }
    }
}
