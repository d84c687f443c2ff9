/// Keys with deadlines, earliest first; one deadline per key.
///
/// A binary heap with lazy removal: an entry whose sequence number is not the key's current one is dead and is
/// dropped when it comes to the top. Dead entries never outnumber the living by more than the cleaning threshold.
struct TimerHeap<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Sendable {
        var deadline: Duration
        var sequence: Int
        var key: Key

        func precedes(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence
        }
    }

    private var entries: [Entry] = []
    private var current: [Key: (deadline: Duration, sequence: Int)] = [:]
    private var lastSequence: Int = 0

    var isEmpty: Bool { current.isEmpty }
    var count: Int { current.count }

    func deadline(of key: Key) -> Duration? { current[key]?.deadline }

    /// Sets the key's deadline, unless it has an earlier one.
    mutating func add(_ key: Key, deadline: Duration) {
        if let known = current[key], known.deadline <= deadline { return }
        lastSequence += 1
        current[key] = (deadline, lastSequence)
        entries.append(Entry(deadline: deadline, sequence: lastSequence, key: key))
        siftUp(entries.count - 1)
        if entries.count > 64 && entries.count > 2 * current.count { clean() }
    }

    mutating func remove(_ key: Key) {
        current[key] = nil
    }

    /// The earliest deadline.
    mutating func next() -> Duration? {
        dropDead()
        return entries.first?.deadline
    }

    /// Takes out the earliest key, if its deadline has come.
    mutating func pop(due now: Duration) -> Key? {
        dropDead()
        guard let first = entries.first, first.deadline <= now else { return nil }
        removeFirst()
        current[first.key] = nil
        return first.key
    }

    private func isDead(_ entry: Entry) -> Bool { current[entry.key]?.sequence != entry.sequence }

    private mutating func dropDead() {
        while let first = entries.first, isDead(first) { removeFirst() }
    }

    private mutating func clean() {
        entries = entries.filter { !isDead($0) }
        // A sorted array is a heap.
        entries.sort { $0.precedes($1) }
    }

    private mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var index: Int = 0
        while true {
            var least: Int = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < entries.count && entries[child].precedes(entries[least]) { least = child }
            if least == index { return }
            entries.swapAt(index, least)
            index = least
        }
    }

    private mutating func siftUp(_ start: Int) {
        var index: Int = start
        while index > 0 {
            let parent: Int = (index - 1) / 2
            guard entries[index].precedes(entries[parent]) else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }
}
