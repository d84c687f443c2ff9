/// Values by name, where the name of a question can be looked up as it lies in a message: no key is made, nothing
/// is allocated. Open addressing, linear probing, at most half full; what follows a removed slot moves up.
struct NameTable<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var hash: UInt64
        var name: [UInt8]
        var value: Value
    }

    private var entries: [Entry?] = []
    /// Entries that are free for others.
    private var free: [Int] = []
    /// One more than the index of the entry; 0: empty.
    private var slots: [Int32] = [Int32](repeating: 0, count: 16)
    private(set) var count: Int = 0

    /// FNV-1a over the bytes, stirred at the end so that the low bits depend on all.
    @inline(__always)
    private static func hash(_ name: [UInt8], _ range: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in range { hash = (hash ^ UInt64(name[index])) &* 0x0000_0100_0000_01b3 }
        hash ^= hash >> 32
        return hash &* 0x9e37_79b9_7f4a_7c15
    }

    private func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 40) & (slots.count - 1) }

    /// The slot that holds the name, or the empty one where it would go.
    private func slot(_ name: [UInt8], _ range: Range<Int>, _ hash: UInt64) -> Int {
        var slot: Int = home(hash)
        while slots[slot] != 0 {
            if let entry = entries[Int(slots[slot]) - 1], entry.hash == hash, entry.name.count == range.count {
                var offset: Int = 0
                while offset < range.count && entry.name[offset] == name[range.lowerBound + offset] { offset += 1 }
                if offset == range.count { return slot }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    /// The index for `value(at:)`; it holds until the next change.
    func find(_ name: [UInt8], in range: Range<Int>) -> Int? {
        let found: Int32 = slots[slot(name, range, Self.hash(name, range))]
        return found == 0 ? nil : Int(found) - 1
    }

    func find(_ name: [UInt8]) -> Int? { find(name, in: 0..<name.count) }

    /// - Parameter index: from `find`.
    func value(at index: Int) -> Value {
        guard let entry = entries[index] else { preconditionFailure("an index of a name table was kept over a change") }
        return entry.value
    }

    mutating func set(_ name: [UInt8], _ value: Value) {
        let hash: UInt64 = Self.hash(name, 0..<name.count)
        let place: Int = slot(name, 0..<name.count, hash)
        if slots[place] != 0 {
            entries[Int(slots[place]) - 1]?.value = value
            return
        }
        let entry = Entry(hash: hash, name: name, value: value)
        let index: Int
        if let reused = free.popLast() {
            index = reused
            entries[index] = entry
        } else {
            index = entries.count
            entries.append(entry)
        }
        slots[place] = Int32(index + 1)
        count += 1
        if count * 2 > slots.count { grow() }
    }

    mutating func remove(_ name: [UInt8]) {
        var hole: Int = slot(name, 0..<name.count, Self.hash(name, 0..<name.count))
        guard slots[hole] != 0 else { return }
        entries[Int(slots[hole]) - 1] = nil
        free.append(Int(slots[hole]) - 1)
        slots[hole] = 0
        count -= 1
        var next: Int = (hole + 1) & (slots.count - 1)
        while slots[next] != 0 {
            guard let entry = entries[Int(slots[next]) - 1] else { preconditionFailure("a slot leads to no entry") }
            let distance: Int = (next - home(entry.hash)) & (slots.count - 1)
            if distance >= (next - hole) & (slots.count - 1) {
                slots[hole] = slots[next]
                slots[next] = 0
                hole = next
            }
            next = (next + 1) & (slots.count - 1)
        }
    }

    private mutating func grow() {
        slots = [Int32](repeating: 0, count: slots.count * 2)
        for (index, entry) in entries.enumerated() {
            guard let entry else { continue }
            var slot: Int = home(entry.hash)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(index + 1)
        }
    }
}
