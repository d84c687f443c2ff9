/// The JSON names of a type's fields, hashed so that a key in a document is found in a few instructions.
///
/// A key is known by its length, its first eight bytes and its last eight bytes (which overlap below 16 bytes),
/// so only keys of more than 16 bytes need their middle compared. Built once per type, in a `static let`.
@usableFromInline
package struct JSONKeyTable: Sendable {
    /// What `JSONReader.nextField` returns at the end of the object.
    @inlinable
    package static var end: Int { -1 }

    struct Slot: Sendable {
        var head: UInt64
        var tail: UInt64
        var length: Int
        /// The key's index; -1 marks a free slot.
        var index: Int
        var name: StaticString
    }

    let slots: [Slot]
    let seed: UInt64
    let mask: Int
    /// The names, by index.
    package let names: [StaticString]

    /// - Parameter keys: distinct ASCII names, at most 128.
    package init(_ keys: [StaticString]) {
        precondition(keys.count <= 128, "a key table holds at most 128 keys")
        var capacity: Int = 4
        while capacity < keys.count * 2 { capacity *= 2 }
        let free = Slot(head: 0, tail: 0, length: 0, index: -1, name: "")
        var slots: [Slot] = []
        var seed: UInt64 = 0x9e37_79b9_7f4a_7c15
        var best: (collisions: Int, slots: [Slot], seed: UInt64) = (Int.max, [], seed)
        for _ in 0..<64 where best.collisions > 0 {
            slots = Array(repeating: free, count: capacity)
            var collisions: Int = 0
            for (index, key) in keys.enumerated() {
                let start = UnsafeRawPointer(key.utf8Start)
                let length: Int = key.utf8CodeUnitCount
                let (head, tail) = JSONKeyTable.words(start, length, readable: length)
                var place = JSONKeyTable.place(head, tail, length, seed, capacity - 1)
                while slots[place].index >= 0 {
                    collisions += 1
                    place = (place + 1) & (capacity - 1)
                }
                slots[place] = Slot(head: head, tail: tail, length: length, index: index, name: key)
            }
            if collisions < best.collisions { best = (collisions, slots, seed) }
            seed = (seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407) | 1
        }
        self.slots = best.slots.isEmpty ? Array(repeating: free, count: capacity) : best.slots
        self.seed = best.seed
        mask = capacity - 1
        names = keys
    }

    @inline(__always)
    private static func place(_ head: UInt64, _ tail: UInt64, _ length: Int, _ seed: UInt64, _ mask: Int) -> Int {
        let word: UInt64 = head &+ (tail &* 0xff51_afd7_ed55_8ccd) &+ UInt64(truncatingIfNeeded: length)
        return Int(truncatingIfNeeded: (word &* seed) >> 40) & mask
    }

    /// The first and last eight bytes of a key; a shorter key is padded with zeros, and has no tail.
    /// - Parameter readable: how many bytes may be read from `start`, at least `length`.
    @inline(__always)
    private static func words(_ start: UnsafeRawPointer, _ length: Int, readable: Int) -> (UInt64, UInt64) {
        if length >= 8 {
            return (
                start.loadUnaligned(as: UInt64.self),
                start.loadUnaligned(fromByteOffset: length - 8, as: UInt64.self)
            )
        }
        if readable >= 8 {
            let bits = UInt64(truncatingIfNeeded: length * 8)
            return (start.loadUnaligned(as: UInt64.self) & ~(UInt64.max << bits), 0)
        }
        var head: UInt64 = 0
        for index in 0..<length {
            head |= UInt64(start.load(fromByteOffset: index, as: UInt8.self)) << UInt64(index * 8)
        }
        return (head, 0)
    }

    /// The index of the key of `length` bytes at `start`; -1 if the table has none such.
    /// - Parameter readable: how many bytes may be read from `start`, at least `length`.
    @inline(__always)
    func find(_ start: UnsafeRawPointer, _ length: Int, readable: Int) -> Int {
        let (head, tail) = JSONKeyTable.words(start, length, readable: readable)
        var place = JSONKeyTable.place(head, tail, length, seed, mask)
        return slots.withUnsafeBufferPointer { slots in
            // At least half of the slots are free, so the search ends.
            while slots[place].index >= 0 {
                if slots[place].head == head, slots[place].tail == tail, slots[place].length == length,
                    length <= 16 || JSONKeyTable.same(slots[place].name, start, length)
                {
                    return slots[place].index
                }
                place = (place + 1) & mask
            }
            return -1
        }
    }

    private static func same(_ name: StaticString, _ start: UnsafeRawPointer, _ length: Int) -> Bool {
        let name = UnsafeRawPointer(name.utf8Start)
        var offset: Int = 8
        while offset + 8 < length {
            let left = name.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let right = start.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if left != right { return false }
            offset += 8
        }
        return true
    }
}
