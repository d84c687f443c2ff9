/// Names and values of a URL's query, in order.
package struct QueryString: Sendable, Equatable {
    package struct Pair: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var pairs: [Pair]

    package init(_ pairs: [Pair] = []) {
        self.pairs = pairs
    }

    /// Of `a=b&c=d`. Nil for an incomplete escape, or for bytes that are no UTF-8.
    package init?(parsing text: some StringProtocol) {
        pairs = []
        for part in String(text).utf8.split(separator: UInt8(ascii: "&")) {
            let equals: Substring.UTF8View.Index = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            let rest: Substring.UTF8View =
                equals == part.endIndex ? part[equals...] : part[part.index(after: equals)...]
            guard let name = PercentCoding.decode(part[..<equals], plusIsSpace: true),
                let value = PercentCoding.decode(rest, plusIsSpace: true)
            else { return nil }
            pairs.append(Pair(name, value))
        }
    }

    package mutating func append(_ name: String, _ value: String) { pairs.append(Pair(name, value)) }

    package subscript(_ name: String) -> String? { pairs.first { $0.name == name }?.value }

    package func values(_ name: String) -> [String] { pairs.filter { $0.name == name }.map { $0.value } }

    /// As upstream reads a boolean: present and neither `false` nor `0`.
    package func flag(_ name: String) -> Bool {
        guard let value = self[name] else { return false }
        return value.lowercased() != "false" && value != "0"
    }

    /// Encoded; empty, or with a question mark in front.
    package var suffix: String {
        if pairs.isEmpty { return "" }
        return "?"
            + pairs.map { PercentCoding.encode($0.name) + "=" + PercentCoding.encode($0.value) }.joined(separator: "&")
    }
}

package enum PercentCoding {
    package static func decode(_ text: some Sequence<UInt8>, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "+"), plusIsSpace {
                bytes.append(0x20)
            } else if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap({ digit($0) }),
                    let low = iterator.next().flatMap({ digit($0) })
                else { return nil }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// All but RFC 3986's unreserved characters become escapes.
    package static func encode(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(byte)
            default:
                out.append(UInt8(ascii: "%"))
                out.append(hex(byte >> 4))
                out.append(hex(byte & 0xf))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func hex(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x41 + value - 10 }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 0x61 + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 0x41 + 10
        default: nil
        }
    }
}
