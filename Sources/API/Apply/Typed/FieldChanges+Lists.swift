import Codec

extension Comparison {
    /// A list of which each element is owned on its own. Keys are nil for a set.
    func list(_ old: Int?, _ new: Int?, keys: [Shape.ListKey]?, element shape: Shape) -> Found {
        let before: [Int] = old.map { left.kind($0) == .array ? left.elements($0) : [] } ?? []
        let after: [Int] = new.map { right.kind($0) == .array ? right.elements($0) : [] } ?? []
        if before.isEmpty, after.isEmpty { return leafOfLists(old, new) }
        var found = Found(isTaken: old == nil, isRemoved: new == nil)
        var groups: [Group] = []
        var places: [PathElement: Int] = [:]
        for node in before {
            guard let element = Self.element(left, node, keys) else { continue }
            if let place = places[element] {
                groups[place].old.append(node)
            } else {
                places[element] = groups.count
                groups.append(Group(element: element, old: [node]))
            }
        }
        for node in after {
            guard let element = Self.element(right, node, keys) else { continue }
            if let place = places[element] {
                groups[place].new.append(node)
            } else {
                places[element] = groups.count
                groups.append(Group(element: element, new: [node]))
            }
        }
        for group in groups { found.add(group.element, compare(group, shape)) }
        return found
    }

    /// The elements on both sides that are found by the same key.
    private struct Group {
        var element: PathElement
        var old: [Int] = []
        var new: [Int] = []
    }

    /// Elements that share their key are owned together, as one value.
    private func compare(_ group: Group, _ shape: Shape) -> Found {
        switch (group.old.count, group.new.count) {
        case (0...1, 0...1): return compare(group.old.first, group.new.first, shape)
        case (2..., 2...):
            let isSame: Bool =
                group.old.count == group.new.count && zip(group.old, group.new).allSatisfy { isEqual($0, $1) }
            return Found(isTaken: !isSame)
        case (2..., _):
            var found: Found = group.new.first.map { compare(nil, $0, shape) } ?? Found()
            found.isRemoved = true
            return found
        default:
            var found: Found = group.old.first.map { compare($0, nil, shape) } ?? Found()
            found.isTaken = true
            return found
        }
    }

    private func leafOfLists(_ old: Int?, _ new: Int?) -> Found {
        guard let old else { return Found(isTaken: new != nil) }
        guard let new else { return Found(isRemoved: true) }
        return Found(isTaken: !isEqual(old, new))
    }

    /// What identifies an element; nil if it cannot be one.
    private static func element(_ tape: JSONTape, _ node: Int, _ keys: [Shape.ListKey]?) -> PathElement? {
        guard let keys else {
            switch tape.kind(node) {
            case .string: return .value(.string(tape.text(node)))
            case .bool, .number: return .value(tape.value(node))
            case .null, .array, .object: return nil
            }
        }
        guard tape.kind(node) == .object else { return nil }
        var parts: [PathElement.KeyPart] = []
        var at: Int = node + 1
        let end: Int = tape.next(node)
        while at < end {
            let name: String = tape.text(at)
            if keys.contains(where: { $0.name == name }) {
                let isText: Bool = tape.kind(at + 1) == .string
                let value: JSONValue = isText ? .string(tape.text(at + 1)) : tape.value(at + 1)
                parts.append(PathElement.KeyPart(name, value))
                if parts.count == keys.count { break }
            }
            at = tape.next(at + 1)
        }
        return PathElement(keys: keys, given: parts)
    }

    /// Whether two values are the same, however they are written.
    func isEqual(_ old: Int, _ new: Int) -> Bool {
        if left.hasSameBytes(old, right, new) { return true }
        switch (left.kind(old), right.kind(new)) {
        case (.null, _), (.bool, _), (_, .null), (_, .bool): return false
        case (.string, .string), (.number, .number): return left.value(old) == right.value(new)
        case (.array, .array), (.object, .object): return left.value(old) == right.value(new)
        default: return false
        }
    }
}

extension PathElement {
    /// The key of an element that has these members; what lacks is what it is by default. Nil if nothing is known.
    init?(keys: [Shape.ListKey], given: [KeyPart]) {
        var parts: [KeyPart] = given
        if parts.count < keys.count {
            for key in keys where !given.contains(where: { $0.name == key.name }) {
                if let value = key.defaultValue { parts.append(KeyPart(key.name, value)) }
            }
        }
        if parts.isEmpty { return nil }
        if parts.count > 1 { parts.sort { $0.name.byteOrder($1.name) < 0 } }
        self = .key(parts)
    }
}
