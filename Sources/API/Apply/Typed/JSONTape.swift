import Codec

/// A JSON document with an index of its values, made in one pass: what a comparison walks over without decoding.
///
///     {"a":[1,2],"b":"x"}      node  kind    bytes  next
///                              0     object  0..19  6
///                              1     string  1..4   2     the key "a"
///                              2     array   5..10  5
///                              3     number  6..7   4
///                              4     number  8..9   5
///                              5     …
///
/// `next` is the node behind a value and all that is in it. The document must be JSON; ours is, as we wrote it.
struct JSONTape {
    enum Kind: UInt8 {
        case null, bool, number, string, array, object
    }

    struct Node {
        var kind: Kind
        var start: Int32
        var end: Int32
        var next: Int32
    }

    let bytes: [UInt8]
    private(set) var nodes: [Node] = []

    /// Indexes the document that begins at `start`. Nil for what is no JSON, or nests deeper than anything we wrote.
    init?(_ bytes: [UInt8], from start: Int = 0) {
        self.bytes = bytes
        var nodes: [Node] = []
        nodes.reserveCapacity((bytes.count - start) / 10 + 8)
        let isRead: Bool = bytes.withUnsafeBufferPointer { buffer in
            var scanner = Scanner(buffer, at: start)
            return scanner.value(&nodes, depth: 0)
        }
        guard isRead else { return nil }
        self.nodes = nodes
    }

    func kind(_ node: Int) -> Kind { nodes[node].kind }
    func next(_ node: Int) -> Int { Int(nodes[node].next) }
    func isEmpty(_ node: Int) -> Bool { next(node) == node + 1 }

    func slice(_ node: Int) -> ArraySlice<UInt8> {
        bytes[Int(nodes[node].start)..<Int(nodes[node].end)]
    }

    /// Whether two values were written with the same bytes.
    func hasSameBytes(_ node: Int, _ other: JSONTape, _ otherNode: Int) -> Bool {
        let left: Node = nodes[node]
        let right: Node = other.nodes[otherNode]
        guard left.kind == right.kind, left.end - left.start == right.end - right.start else { return false }
        return slice(node) == other.slice(otherNode)
    }

    /// The value as a tree; null if it cannot be read.
    func value(_ node: Int) -> JSONValue {
        (try? JSONValue(parsing: Array(slice(node)))) ?? .null
    }

    /// A string's text.
    func text(_ node: Int) -> String {
        let inner: ArraySlice<UInt8> = slice(node).dropFirst().dropLast()
        if !inner.contains(UInt8(ascii: "\\")) { return String(decoding: inner, as: UTF8.self) }
        return value(node).string ?? ""
    }

    /// The nodes of an object's values, by key; of duplicates, none of which we write, the last counts.
    func members(_ node: Int) -> [(key: String, value: Int)] {
        var members: [(key: String, value: Int)] = []
        var at: Int = node + 1
        let end: Int = next(node)
        while at < end {
            members.append((text(at), at + 1))
            at = next(at + 1)
        }
        return members
    }

    func elements(_ node: Int) -> [Int] {
        var elements: [Int] = []
        var at: Int = node + 1
        let end: Int = next(node)
        while at < end {
            elements.append(at)
            at = next(at)
        }
        return elements
    }
}

extension JSONTape {
    private struct Scanner {
        private static let maxDepth: Int = 1_000
        private let buffer: UnsafeBufferPointer<UInt8>
        private var index: Int

        init(_ buffer: UnsafeBufferPointer<UInt8>, at start: Int) {
            self.buffer = buffer
            self.index = start
        }

        private mutating func peek() -> UInt8 {
            while index < buffer.count {
                let byte: UInt8 = buffer[index]
                if byte > 0x20 { return byte }
                index += 1
            }
            return 0
        }

        mutating func value(_ nodes: inout [Node], depth: Int) -> Bool {
            guard depth < Self.maxDepth else { return false }
            let first: UInt8 = peek()
            let place: Int = nodes.count
            let kind: Kind
            switch first {
            case UInt8(ascii: "{"): kind = .object
            case UInt8(ascii: "["): kind = .array
            case UInt8(ascii: "\""): kind = .string
            case UInt8(ascii: "t"), UInt8(ascii: "f"): kind = .bool
            case UInt8(ascii: "n"): kind = .null
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): kind = .number
            default: return false
            }
            nodes.append(Node(kind: kind, start: Int32(index), end: 0, next: 0))
            switch kind {
            case .object, .array: guard contents(&nodes, isObject: kind == .object, depth: depth) else { return false }
            case .string: guard string() else { return false }
            case .bool, .null, .number: guard word(first) else { return false }
            }
            nodes[place].end = Int32(index)
            nodes[place].next = Int32(nodes.count)
            return true
        }

        private mutating func contents(_ nodes: inout [Node], isObject: Bool, depth: Int) -> Bool {
            let close: UInt8 = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
            index += 1
            if peek() == close {
                index += 1
                return true
            }
            while true {
                if isObject {
                    guard peek() == UInt8(ascii: "\""), value(&nodes, depth: depth + 1), peek() == UInt8(ascii: ":")
                    else { return false }
                    index += 1
                }
                guard value(&nodes, depth: depth + 1) else { return false }
                let byte: UInt8 = peek()
                index += 1
                if byte == close { return true }
                guard byte == UInt8(ascii: ",") else { return false }
            }
        }

        private mutating func string() -> Bool {
            index += 1
            while index < buffer.count {
                let byte: UInt8 = buffer[index]
                index += byte == UInt8(ascii: "\\") ? 2 : 1
                if byte == UInt8(ascii: "\"") { return true }
            }
            return false
        }

        /// A number, or one of the words that begin with this letter.
        private mutating func word(_ first: UInt8) -> Bool {
            let start: Int = index
            scan: while index < buffer.count {
                switch buffer[index] {
                case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x00...0x20: break scan
                default: index += 1
                }
            }
            switch first {
            case UInt8(ascii: "t"): return buffer[start..<index].elementsEqual("true".utf8)
            case UInt8(ascii: "f"): return buffer[start..<index].elementsEqual("false".utf8)
            case UInt8(ascii: "n"): return buffer[start..<index].elementsEqual("null".utf8)
            default: return true
            }
        }
    }
}
