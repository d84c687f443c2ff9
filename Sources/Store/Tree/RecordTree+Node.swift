extension RecordTree {
    /// A leaf (records, no children) or an inner node (children, no records). All leaves are equally deep.
    struct Node: Sendable {
        /// No key below is less. Not exact: a removal leaves it.
        private(set) var lowest: [UInt8]
        /// Records below.
        private(set) var count: Int
        private var records: [Record]
        private var children: [Node]

        init(lowest: [UInt8], records: [Record]) {
            self.lowest = lowest
            self.records = records
            children = []
            count = records.count
        }

        init(lowest: [UInt8], children: [Node]) {
            self.lowest = lowest
            self.children = children
            records = []
            count = children.reduce(0) { $0 + $1.count }
        }

        private var isLeaf: Bool { children.isEmpty }

        private var width: Int { isLeaf ? records.count : children.count }

        var onlyChild: Node? { children.count == 1 ? children.first : nil }
    }
}

extension RecordTree.Node {
    func get(_ key: [UInt8]) -> Record? {
        guard isLeaf else { return children[childIndex(of: key)].get(key) }
        let index = recordIndex(of: key)
        return index < records.count && records[index].key == key ? records[index] : nil
    }

    func rank(of key: [UInt8]) -> Int {
        guard !isLeaf else { return recordIndex(of: key) }
        let index = childIndex(of: key)
        var rank = children[index].rank(of: key)
        for sibling in 0..<index {
            rank += children[sibling].count
        }
        return rank
    }

    func forEach(from start: [UInt8], _ body: (Record) -> Bool) -> Bool {
        guard !isLeaf else {
            for record in records[recordIndex(of: start)...] where !body(record) {
                return false
            }
            return true
        }
        let first = childIndex(of: start)
        guard children[first].forEach(from: start, body) else { return false }
        for child in children[(first + 1)...] where !child.forEach(from: [], body) {
            return false
        }
        return true
    }

    /// The record that was there, and a right neighbour if the node had to split.
    mutating func put(_ record: Record) -> (previous: Record?, split: RecordTree.Node?) {
        let previous: Record?
        if isLeaf {
            let index = recordIndex(of: record.key)
            if index < records.count && records[index].key == record.key {
                previous = exchange(&records[index], with: record)
            } else {
                previous = nil
                records.insert(record, at: index)
            }
        } else {
            let index = childIndex(of: record.key)
            let (found, split) = children[index].put(record)
            previous = found
            if let split {
                children.insert(split, at: index + 1)
            }
        }
        if previous == nil {
            count += 1
        }
        return (previous, width > RecordTree.maxWidth ? splitOff(at: splitIndex(for: record.key)) : nil)
    }

    mutating func remove(_ key: [UInt8]) -> Record? {
        guard isLeaf else {
            let index = childIndex(of: key)
            guard let removed = children[index].remove(key) else { return nil }
            count -= 1
            if children[index].width < RecordTree.minWidth {
                mergeChild(at: index)
            }
            return removed
        }
        let index = recordIndex(of: key)
        guard index < records.count, records[index].key == key else { return nil }
        count -= 1
        return records.remove(at: index)
    }

    /// Keys that grow leave full nodes behind; others split in the middle.
    private func splitIndex(for key: [UInt8]) -> Int {
        let isLast: Bool = isLeaf ? records.last?.key == key : width > 0 && childIndex(of: key) == width - 1
        return isLast ? width - RecordTree.minWidth : width / 2
    }

    /// Keeps what is below `index` and gives the rest.
    private mutating func splitOff(at index: Int) -> RecordTree.Node {
        let right: RecordTree.Node
        if isLeaf {
            right = RecordTree.Node(lowest: records[index].key, records: Array(records[index...]))
            records.removeSubrange(index...)
        } else {
            right = RecordTree.Node(lowest: children[index].lowest, children: Array(children[index...]))
            children.removeSubrange(index...)
        }
        count -= right.count
        return right
    }

    /// Joins a narrow child with a neighbour; if that is too wide, both get half.
    private mutating func mergeChild(at index: Int) {
        guard children.count > 1 else { return }
        let left = index > 0 ? index - 1 : index
        let right = children.remove(at: left + 1)
        children[left].append(right)
        if children[left].width > RecordTree.maxWidth {
            let half = children[left].splitOff(at: children[left].width / 2)
            children.insert(half, at: left + 1)
        }
    }

    private mutating func append(_ right: RecordTree.Node) {
        records += right.records
        children += right.children
        count += right.count
    }

    /// The last child whose lowest key is not above `key`; the first if all are.
    private func childIndex(of key: [UInt8]) -> Int {
        var low = 1
        var high = children.count
        while low < high {
            let middle = (low + high) / 2
            if Bytes.isLess(key, children[middle].lowest) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low - 1
    }

    /// The first record whose key is not less than `key`.
    private func recordIndex(of key: [UInt8]) -> Int {
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if Bytes.isLess(records[middle].key, key) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

// MARK: - For tests

extension RecordTree.Node {
    /// What is wrong with the tree, in words; nil if nothing is. O(n).
    func flaw(isRoot: Bool, depth: Int, leafDepth: inout Int?) -> String? {
        if width > RecordTree.maxWidth { return "a node of width \(width)" }
        if !isRoot && width < RecordTree.minWidth { return "a narrow node of width \(width)" }
        guard !isLeaf else {
            let expected = leafDepth ?? depth
            leafDepth = expected
            if expected != depth { return "leaves at depths \(expected) and \(depth)" }
            return count == records.count ? nil : "a leaf that counts \(count) of \(records.count)"
        }
        var sum = 0
        for child in children {
            if let flaw = child.flaw(isRoot: false, depth: depth + 1, leafDepth: &leafDepth) { return flaw }
            sum += child.count
        }
        return sum == count ? nil : "an inner node that counts \(count) of \(sum)"
    }
}

extension RecordTree {
    /// What is wrong with the tree's shape; nil if nothing is.
    func flaw() -> String? {
        var leafDepth: Int?
        return root.flaw(isRoot: true, depth: 0, leafDepth: &leafDepth)
    }
}
