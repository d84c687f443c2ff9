/// An address of either family, as text says it and as records hold it.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    package let isIPv6: Bool
    /// IPv4 addresses are in the low 32 bits of `low`.
    private let high: UInt64
    private let low: UInt64

    /// - Parameter bytes: four or sixteen.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        isIPv6 = bytes.count == 16
        let head: ArraySlice<UInt8> = isIPv6 ? bytes[0..<8] : []
        high = head.reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[(isIPv6 ? 8 : 0)...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    package init?(_ text: String) {
        guard let bytes = text.contains(":") ? Self.sixteen(text) : Self.four(text) else { return nil }
        self.init(bytes: bytes)
    }

    package var bytes: [UInt8] {
        if !isIPv6 { return (0..<4).map { UInt8(truncatingIfNeeded: low >> UInt64(24 - 8 * $0)) } }
        let top: [UInt8] = (0..<8).map { UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * $0)) }
        return top + (0..<8).map { UInt8(truncatingIfNeeded: low >> UInt64(56 - 8 * $0)) }
    }

    /// IPv6 with the longest run of zeros left out (RFC 5952).
    package var description: String {
        let bytes: [UInt8] = self.bytes
        guard isIPv6 else { return bytes.map { String($0) }.joined(separator: ".") }
        let groups: [UInt16] = (0..<8).map { UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) }
        var best: Range<Int> = 0..<0
        var start: Int = 0
        while start < 8 {
            var end: Int = start
            while end < 8 && groups[end] == 0 { end += 1 }
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start + 1)
        }
        let texts: [String] = groups.map { String($0, radix: 16) }
        if best.isEmpty { return texts.joined(separator: ":") }
        return texts[..<best.lowerBound].joined(separator: ":") + "::"
            + texts[best.upperBound...].joined(separator: ":")
    }

    private static func four(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 48, let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func sixteen(_ text: String) -> [UInt8]? {
        func groups(_ text: Substring, isEnd: Bool = true) -> [UInt8]? {
            if text.isEmpty { return [] }
            var bytes: [UInt8] = []
            let parts: [Substring] = text.split(separator: ":", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                if part.contains(".") {
                    guard isEnd, index == parts.count - 1, let last = four(part) else { return nil }
                    bytes += last
                    continue
                }
                guard (1...4).contains(part.utf8.count), part.allSatisfy(\.isHexDigit),
                    let value = UInt16(part, radix: 16)
                else { return nil }
                bytes += [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)]
            }
            return bytes
        }
        let utf8: [UInt8] = Array(text.utf8)
        let gap: Int? = utf8.indices.dropLast().first { utf8[$0] == 58 && utf8[$0 + 1] == 58 }
        guard let gap else {
            guard let all = groups(text[...]), all.count == 16 else { return nil }
            return all
        }
        guard let head = groups(Substring(decoding: utf8[..<gap], as: UTF8.self), isEnd: false),
            let tail = groups(Substring(decoding: utf8[(gap + 2)...], as: UTF8.self)), head.count + tail.count <= 14
        else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }
}

/// A range of addresses, such as `10.96.0.0/16`.
package struct AddressRange: Hashable, Sendable {
    private let bytes: [UInt8]
    private let length: Int

    package init?(_ text: String) {
        let parts: [Substring] = text.split(separator: "/")
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let length = Int(parts[1]),
            (0...address.bytes.count * 8).contains(length)
        else { return nil }
        bytes = address.bytes
        self.length = length
    }

    package func contains(_ address: IPAddress) -> Bool {
        let other: [UInt8] = address.bytes
        guard other.count == bytes.count else { return false }
        return (0..<length).allSatisfy { bit in
            let mask: UInt8 = 0x80 >> UInt8(bit % 8)
            return other[bit / 8] & mask == bytes[bit / 8] & mask
        }
    }
}
