package import APIMachinery
import Codec

/// What became different between two forms of an object.
package struct FieldChanges: Sendable, Equatable {
    /// Fields that were added or have another value now: whoever wrote them owns them.
    package var taken = FieldSet()
    /// Fields that are no more.
    package var removed = FieldSet()

    package var isEmpty: Bool { taken.isEmpty && removed.isEmpty }

    package init() {}

    /// Compares two documents of one type. Nil if one of them is no JSON.
    package init?(from old: ObjectBytes, to new: ObjectBytes, schema: Schema) {
        guard let left = JSONTape(old.bytes, from: old.start), let right = JSONTape(new.bytes, from: new.start) else {
            return nil
        }
        self = Comparison(left: left, right: right).changes(.structure(schema))
    }
}

/// The JSON of an object, from `start` on.
package struct ObjectBytes: Sendable {
    package var bytes: [UInt8]
    package var start: Int

    package init(_ bytes: [UInt8], from start: Int = 0) {
        self.bytes = bytes
        self.start = start
    }
}

/// A walk over two documents side by side. A side that has no value has none below it either.
struct Comparison {
    typealias Member = (key: String, value: Int)

    let left: JSONTape
    let right: JSONTape

    /// Whether a field itself counts as taken or removed, and what is below it.
    struct Found {
        var isTaken: Bool = false
        var isRemoved: Bool = false
        var changes = FieldChanges()
    }

    func changes(_ shape: Shape) -> FieldChanges {
        compare(0, 0, shape, isRoot: true).changes
    }

    func compare(_ old: Int?, _ new: Int?, _ shape: Shape, isRoot: Bool = false) -> Found {
        if let old, let new, left.hasSameBytes(old, right, new) { return Found() }
        switch shape {
        case .scalar:
            // Null is absent where a type is known: what is stored has no nulls, what is applied may have.
            return leaf(
                old.flatMap { left.kind($0) == .null ? nil : $0 }, new.flatMap { right.kind($0) == .null ? nil : $0 })
        case .atomicList, .atomicMap: return leaf(old, new)
        case .set: return list(old, new, keys: nil, element: .scalar(.any))
        case .keyedList(let keys, let element): return list(old, new, keys: keys, element: element)
        case .map, .structure: return map(old, new, shape, isRoot: isRoot)
        case .open: return open(old, new)
        }
    }

    /// A value of which the shape is only told by what it is.
    private func open(_ old: Int?, _ new: Int?) -> Found {
        let isMap: Bool = [old.map { left.kind($0) }, new.map { right.kind($0) }].contains(.object)
        guard isMap else { return leaf(old, new) }
        let wasObject: Bool = old.map { left.kind($0) == .object || left.kind($0) == .null } ?? true
        let isObject: Bool = new.map { right.kind($0) == .object || right.kind($0) == .null } ?? true
        if wasObject, isObject { return map(old, new, .map(.open), isRoot: false) }
        // From an object to something else or back: the field itself changed, and what was below came or went.
        var found: Found = map(wasObject ? old : nil, isObject ? new : nil, .map(.open), isRoot: false)
        found.isTaken = true
        found.isRemoved = false
        return found
    }

    /// A value that has one owner.
    private func leaf(_ old: Int?, _ new: Int?) -> Found {
        var found = Found()
        switch (old, new) {
        case (nil, nil): break
        case (nil, _): found.isTaken = true
        case (_, nil): found.isRemoved = true
        case (let old?, let new?): found.isTaken = !isEqual(old, new)
        }
        return found
    }

    // MARK: - Objects

    private func map(_ old: Int?, _ new: Int?, _ shape: Shape, isRoot: Bool, isMetadata: Bool = false) -> Found {
        let oldIsEmpty: Bool = old.map { left.kind($0) != .object || left.isEmpty($0) } ?? true
        let newIsEmpty: Bool = new.map { right.kind($0) != .object || right.isEmpty($0) } ?? true
        // Absent, null and empty are different, and have nothing below.
        if oldIsEmpty, newIsEmpty { return leaf(old, new) }
        var found = Found(isTaken: old == nil, isRemoved: new == nil)
        let before: [Member] = oldIsEmpty ? [] : old.map { left.members($0) } ?? []
        let after: [Member] = newIsEmpty ? [] : new.map { right.members($0) } ?? []
        pair(before, after) { (name: String, old: Int?, new: Int?) in
            if isRoot, name == "kind" || name == "apiVersion" { return }
            if isMetadata, FieldSet.systemMetadata.contains(name) { return }
            // What the type does not have is nobody's.
            guard let member = shape.member(name) else { return }
            let inner: Found
            if isRoot, name == "metadata" {
                inner = metadata(old, new, member)
            } else {
                inner = compare(old, new, member)
            }
            found.add(.field(name), inner)
        }
        return found
    }

    /// The object's own metadata, which are nobody's by themselves.
    private func metadata(_ old: Int?, _ new: Int?, _ shape: Shape) -> Found {
        var found: Found = map(old, new, shape, isRoot: false, isMetadata: true)
        found.isTaken = false
        found.isRemoved = false
        return found
    }

    /// Members of the same name; mostly both sides have the same ones in the same order.
    private func pair(_ before: [Member], _ after: [Member], _ body: (String, Int?, Int?) -> Void) {
        var isPaired: [Bool] = Array(repeating: false, count: before.isEmpty ? 0 : after.count)
        var places: [String: Int]?
        var hint: Int = 0
        for (key, value) in before {
            var place: Int?
            if hint < after.count, after[hint].key == key {
                place = hint
            } else if after.count <= Self.scannedCount {
                place = after.firstIndex { $0.key == key }
            } else {
                let known: [String: Int] = places ?? Dictionary(zip(after.map(\.key), after.indices)) { $1 }
                places = known
                place = known[key]
            }
            if let place {
                isPaired[place] = true
                hint = place + 1
            }
            body(key, value, place.map { after[$0].value })
        }
        for (place, member) in after.enumerated() where isPaired.isEmpty || !isPaired[place] {
            body(member.key, nil, member.value)
        }
    }

    /// More members than so many are found by hash.
    private static let scannedCount: Int = 16
}

extension Comparison.Found {
    mutating func add(_ element: PathElement, _ inner: Comparison.Found) {
        changes.taken.add(element, isMember: inner.isTaken, children: inner.changes.taken)
        changes.removed.add(element, isMember: inner.isRemoved, children: inner.changes.removed)
    }
}
