import Glibc

/// Objects in the order of their keys: a sorted array in chunks, a value that is copied where it is shared.
///
/// A list takes a copy (one retain) and reads at leisure; the next write then copies the chunk it changes and the
/// array of chunks. Finding is O(log n), writing O(√n)-ish: at most `chunkLimit` references move.
struct ObjectTable: Sendable {
    private static let chunkLimit: Int = 256
    private var chunks: [[CachedObject]] = []
    private(set) var count: Int = 0

    init() {}

    /// From objects that are in order.
    init(sorted objects: [CachedObject]) {
        count = objects.count
        var at: Int = 0
        while at < objects.count {
            let end: Int = min(at + Self.chunkLimit / 2, objects.count)
            chunks.append(Array(objects[at..<end]))
            at = end
        }
    }

    /// A place between objects.
    struct Position: Equatable {
        var chunk: Int
        var offset: Int
    }

    /// The first object whose key is not below `key`.
    func lowerBound(_ key: [UInt8]) -> Position {
        var low: Int = 0
        var high: Int = chunks.count
        // The last chunk that begins at or below the key.
        while low < high {
            let middle: Int = (low + high) / 2
            if KeyOrder.precedes(key, chunks[middle][0].key) { high = middle } else { low = middle + 1 }
        }
        guard low > 0 else { return Position(chunk: 0, offset: 0) }
        let chunk: Int = low - 1
        var first: Int = 0
        var last: Int = chunks[chunk].count
        while first < last {
            let middle: Int = (first + last) / 2
            if KeyOrder.precedes(chunks[chunk][middle].key, key) { first = middle + 1 } else { last = middle }
        }
        return first == chunks[chunk].count
            ? Position(chunk: chunk + 1, offset: 0) : Position(chunk: chunk, offset: first)
    }

    func get(_ key: [UInt8]) -> CachedObject? {
        let place: Position = lowerBound(key)
        guard place.chunk < chunks.count else { return nil }
        let found: CachedObject = chunks[place.chunk][place.offset]
        return found.key == key ? found : nil
    }

    /// Puts an object in; returns the one that had its key.
    @discardableResult
    mutating func put(_ object: CachedObject) -> CachedObject? {
        guard !chunks.isEmpty else {
            chunks = [[object]]
            count = 1
            return nil
        }
        var place: Position = lowerBound(object.key)
        if place.chunk < chunks.count, chunks[place.chunk][place.offset].key == object.key {
            let old: CachedObject = chunks[place.chunk][place.offset]
            chunks[place.chunk][place.offset] = object
            return old
        }
        // Between two chunks it goes to the end of the first.
        if place.offset == 0, place.chunk > 0 {
            place = Position(chunk: place.chunk - 1, offset: chunks[place.chunk - 1].count)
        }
        chunks[place.chunk].insert(object, at: place.offset)
        count += 1
        if chunks[place.chunk].count > Self.chunkLimit { split(place.chunk) }
        return nil
    }

    private mutating func split(_ index: Int) {
        let half: Int = chunks[index].count / 2
        let tail: [CachedObject] = Array(chunks[index][half...])
        chunks[index].removeSubrange(half...)
        chunks.insert(tail, at: index + 1)
    }

    @discardableResult
    mutating func remove(_ key: [UInt8]) -> CachedObject? {
        let place: Position = lowerBound(key)
        guard place.chunk < chunks.count, chunks[place.chunk][place.offset].key == key else { return nil }
        let old: CachedObject = chunks[place.chunk].remove(at: place.offset)
        if chunks[place.chunk].isEmpty { chunks.remove(at: place.chunk) }
        count -= 1
        return old
    }

    /// How many objects have keys that begin with `prefix`, from `position` on.
    func count(prefix: [UInt8], from position: Position) -> Int {
        let end: Position = lowerBound(KeyOrder.successor(ofPrefix: prefix))
        guard position.chunk < chunks.count, position.chunk <= end.chunk else { return 0 }
        if position.chunk == end.chunk { return max(0, end.offset - position.offset) }
        var total: Int = chunks[position.chunk].count - position.offset
        for chunk in (position.chunk + 1)..<max(end.chunk, position.chunk + 1) {
            total += chunks[chunk].count
        }
        return end.chunk < chunks.count ? total + end.offset : total
    }

    /// Visits objects whose keys begin with `prefix`, from `position` on, until `body` says stop (false).
    ///
    /// - Returns: the position of the first object that was not visited.
    @discardableResult
    func visit(prefix: [UInt8], from position: Position, _ body: (CachedObject) -> Bool) -> Position {
        // Found once, so that the keys of all that lies between need not be looked at.
        let end: Position = lowerBound(KeyOrder.successor(ofPrefix: prefix))
        var place: Position = position
        while place.chunk < chunks.count, place.chunk <= end.chunk {
            let objects: [CachedObject] = chunks[place.chunk]
            let limit: Int = place.chunk == end.chunk ? end.offset : objects.count
            while place.offset < limit {
                guard body(objects[place.offset]) else { return place }
                place.offset += 1
            }
            if place.chunk == end.chunk { break }
            place = Position(chunk: place.chunk + 1, offset: 0)
        }
        return place
    }

    /// All objects below a prefix.
    func objects(prefix: [UInt8]) -> [CachedObject] {
        var found: [CachedObject] = []
        visit(prefix: prefix, from: lowerBound(prefix)) { object in
            found.append(object)
            return true
        }
        return found
    }
}

/// Keys are compared by their bytes, as the store orders them.
enum KeyOrder {
    static func precedes(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.withUnsafeBytes { left in
            other.withUnsafeBytes { right in
                let common: Int = min(left.count, right.count)
                if common > 0, let start = left.baseAddress, let other = right.baseAddress {
                    let order: Int32 = memcmp(start, other, common)
                    if order != 0 { return order < 0 }
                }
                return left.count < right.count
            }
        }
    }

    /// The least key above all that begin with `prefix`.
    static func successor(ofPrefix prefix: [UInt8]) -> [UInt8] {
        var key: [UInt8] = prefix
        while let last = key.popLast() {
            if last < 0xFF {
                key.append(last + 1)
                return key
            }
        }
        return [0xFF, 0xFF, 0xFF, 0xFF]
    }
}

extension [UInt8] {
    func starts(withBytes prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        return withUnsafeBytes { whole in
            prefix.withUnsafeBytes { part in
                guard let one = whole.baseAddress, let other = part.baseAddress else { return true }
                return memcmp(one, other, part.count) == 0
            }
        }
    }
}
