/// A persistent ordered tree of records: a value, whose copies share all that did not change since.
///
/// A B+ tree of arrays. A copy is one reference; a write after a copy clones the path from the root to the leaf
/// (copy on write does that), so a reader that holds a copy needs no lock and sees no later write.
/// Each node counts what is below it, so ranks and counts cost O(log n).
///
///                    [ /a… 3 | /m… 2 ]             inner: lower bound and count per child
///                     /            \
///      [/a/1  /a/2  /b/1]     [/m/1  /z/9]         leaves: records in key order
struct RecordTree: Sendable {
    /// Children or records of a node. Enough for short paths, few enough that cloning a leaf is cheap.
    static let maxWidth: Int = 32
    /// A node below this merges with its neighbour or takes from it.
    static let minWidth: Int = 12

    private(set) var root = Node(lowest: [], records: [])

    var count: Int { root.count }

    func get(_ key: [UInt8]) -> Record? {
        root.get(key)
    }

    /// The record that was there before.
    @discardableResult
    mutating func put(_ record: Record) -> Record? {
        let (previous, split) = root.put(record)
        if let split {
            let left = exchange(&root, with: Node(lowest: [], records: []))
            root = Node(lowest: [], children: [left, split])
        }
        return previous
    }

    @discardableResult
    mutating func remove(_ key: [UInt8]) -> Record? {
        let removed = root.remove(key)
        if let only = root.onlyChild {
            root = only
        }
        return removed
    }

    /// How many keys are less than `key`.
    func rank(of key: [UInt8]) -> Int {
        root.rank(of: key)
    }

    /// How many keys are in `start ..< end`; nil is no end.
    func count(from start: [UInt8], to end: [UInt8]?) -> Int {
        let above: Int = end.map { rank(of: $0) } ?? count
        return max(0, above - rank(of: start))
    }

    /// Visits the records from `start` on in order, until `body` says false.
    func forEach(from start: [UInt8], _ body: (Record) -> Bool) {
        _ = root.forEach(from: start, body)
    }

    /// Keys with `prefix`, as `Store.range` gives them.
    func range(prefix: [UInt8], after: [UInt8]?, limit: Int) -> (items: [KeyValue], remaining: Int) {
        let start = Bytes.start(ofPrefix: prefix, after: after)
        let total = count(from: start, to: Bytes.end(ofPrefix: prefix))
        let wanted = limit > 0 ? min(limit, total) : total
        guard wanted > 0 else { return ([], total) }
        var items: [KeyValue] = []
        items.reserveCapacity(wanted)
        forEach(from: start) { record in
            items.append(record.keyValue)
            return items.count < wanted
        }
        return (items, total - items.count)
    }
}
