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
        /// A string in which something is escaped.
        var isEscaped: Bool = false
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
        return bytes.withUnsafeBytes { one in
            other.bytes.withUnsafeBytes { two in
                let (from, to): (Int, Int) = (Int(left.start), Int(right.start))
                return Self.areEqual(one, from, two, to, count: Int(left.end - left.start))
            }
        }
    }

    /// Eight bytes at a time: most of what is compared is long, and the same.
    private static func areEqual(
        _ one: UnsafeRawBufferPointer, _ from: Int, _ two: UnsafeRawBufferPointer, _ to: Int, count: Int
    ) -> Bool {
        var at: Int = 0
        while at + 8 <= count {
            let left: UInt64 = one.loadUnaligned(fromByteOffset: from + at, as: UInt64.self)
            if left != two.loadUnaligned(fromByteOffset: to + at, as: UInt64.self) { return false }
            at += 8
        }
        while at < count {
            if one[from + at] != two[to + at] { return false }
            at += 1
        }
        return true
    }

    /// The value as a tree; null if it cannot be read.
    func value(_ node: Int) -> JSONValue {
        (try? JSONValue(parsing: Array(slice(node)))) ?? .null
    }

    /// A string's text.
    func text(_ node: Int) -> String {
        let inner: ArraySlice<UInt8> = slice(node).dropFirst().dropLast()
        if !nodes[node].isEscaped { return String(decoding: inner, as: UTF8.self) }
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
            case .string: guard string(&nodes[place].isEscaped) else { return false }
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

        private mutating func string(_ isEscaped: inout Bool) -> Bool {
            index += 1
            while true {
                skipPlain()
                guard index < buffer.count else { return false }
                if buffer[index] == UInt8(ascii: "\"") {
                    index += 1
                    return true
                }
                isEscaped = true
                index += 2
            }
        }

        /// Goes to the next quote or backslash, eight bytes at a time.
        private mutating func skipPlain() {
            let raw = UnsafeRawBufferPointer(buffer)
            let ones: UInt64 = 0x0101_0101_0101_0101
            while index + 8 <= raw.count {
                let word: UInt64 = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self).littleEndian
                let quote: UInt64 = word ^ 0x2222_2222_2222_2222
                let slash: UInt64 = word ^ 0x5c5c_5c5c_5c5c_5c5c
                // The top bit of each byte that is zero; borrows only reach bytes above a true hit.
                let quotes: UInt64 = (quote &- ones) & ~quote
                let slashes: UInt64 = (slash &- ones) & ~slash
                let hits: UInt64 = (quotes | slashes) & 0x8080_8080_8080_8080
                if hits != 0 {
                    index += hits.trailingZeroBitCount / 8
                    return
                }
                index += 8
            }
            while index < raw.count, raw[index] != UInt8(ascii: "\""), raw[index] != UInt8(ascii: "\\") { index += 1 }
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
