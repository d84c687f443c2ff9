package import Codec

/// One step into an object: to a member, or to an element of a list.
package enum PathElement: Sendable, Hashable {
    /// A member of a struct or map.
    case field(String)
    /// The element of a list of type `map` that has these values; sorted by name.
    case key([KeyPart])
    /// The element of a list of type `set` that is this value.
    case value(JSONValue)
    /// A place in an atomic list. Nobody makes these today, but they are read and kept.
    case index(Int)

    /// One name and value of what identifies an element.
    package struct KeyPart: Sendable, Hashable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    private var rank: Int {
        switch self {
        case .field: 0
        case .key: 1
        case .value: 2
        case .index: 3
        }
    }
}

extension PathElement: Comparable {
    /// Upstream's order, in which sets are written: members, keys, values, places.
    package static func < (left: PathElement, right: PathElement) -> Bool {
        left.order(right) < 0
    }

    /// Negative, zero or positive.
    func order(_ other: PathElement) -> Int {
        switch (self, other) {
        case (.field(let left), .field(let right)): return left.byteOrder(right)
        case (.key(let left), .key(let right)):
            for (one, two) in zip(left, right) {
                let names: Int = one.name.byteOrder(two.name)
                if names != 0 { return names }
                let values: Int = one.value.order(two.value)
                if values != 0 { return values }
            }
            return left.count - right.count
        case (.value(let left), .value(let right)): return left.order(right)
        case (.index(let left), .index(let right)): return left < right ? -1 : left == right ? 0 : 1
        default: return rank - other.rank
        }
    }
}

extension PathElement: CustomStringConvertible {
    /// As upstream prints it: `.spec`, `[name="web"]`, `[="a"]`, `[3]`.
    package var description: String {
        switch self {
        case .field(let name): "." + name
        case .key(let parts): "[" + parts.map { $0.name + "=" + $0.value.description }.joined(separator: ",") + "]"
        case .value(let value): "[=" + value.description + "]"
        case .index(let index): "[\(index)]"
        }
    }
}

extension [PathElement] {
    /// As upstream prints a path: `.spec.containers[name="web"].image`.
    package var pathText: String { map(\.description).joined() }
}

extension String {
    /// Go's order of strings: byte by byte.
    func byteOrder(_ other: String) -> Int {
        if self == other { return 0 }
        return utf8.lexicographicallyPrecedes(other.utf8) ? -1 : 1
    }
}

extension JSONValue {
    /// Numbers, strings, booleans, lists, objects, null; within each their own order.
    func order(_ other: JSONValue) -> Int {
        switch (self, other) {
        case (.int(let left), .int(let right)): return left < right ? -1 : left == right ? 0 : 1
        case (.string(let left), .string(let right)): return left.byteOrder(right)
        case (.bool(let left), .bool(let right)): return left == right ? 0 : left ? 1 : -1
        case (.array(let left), .array(let right)):
            for (one, two) in zip(left, right) {
                let order: Int = one.order(two)
                if order != 0 { return order }
            }
            return left.count - right.count
        case (.object(let left), .object(let right)):
            for (one, two) in zip(left.sorted, right.sorted) {
                let keys: Int = one.key.byteOrder(two.key)
                if keys != 0 { return keys }
                let values: Int = one.value.order(two.value)
                if values != 0 { return values }
            }
            return left.count - right.count
        default:
            if let left = double, let right = other.double { return left < right ? -1 : left == right ? 0 : 1 }
            return rank - other.rank
        }
    }

    private var rank: Int {
        switch self {
        case .int, .double: 0
        case .string: 1
        case .bool: 2
        case .array: 3
        case .object: 4
        case .null: 5
        }
    }
}
