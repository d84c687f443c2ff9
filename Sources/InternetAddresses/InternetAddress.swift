/// An IPv4 or IPv6 address, by value and without allocation.
package struct InternetAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
    package enum Family: UInt8, Sendable, Hashable, CaseIterable {
        /// `NFPROTO_IPV4`
        case ip4 = 2
        /// `NFPROTO_IPV6`
        case ip6 = 10

        package var byteCount: Int { self == .ip4 ? 4 : 16 }
        package var bitCount: Int { byteCount * 8 }
    }

    package let family: Family
    /// The bits, most significant first; an IPv4 address is in the lowest 32.
    private let high: UInt64
    private let low: UInt64

    private init(_ family: Family, high: UInt64, low: UInt64) {
        self.family = family
        self.high = high
        self.low = low
    }

    /// From 4 or 16 bytes in network order.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for byte in bytes {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(byte)
        }
        self.init(bytes.count == 4 ? .ip4 : .ip6, high: bytes.count == 4 ? 0 : high, low: low)
    }

    /// Reads `10.0.0.1` or `fd00::1` (also `::ffff:10.0.0.1`, as IPv6); nil for anything else.
    package init?(_ text: String) {
        let bytes: [UInt8] = Array(text.utf8)
        if bytes.contains(UInt8(ascii: ":")) {
            guard let parsed = InternetAddress.sixteenBytes(bytes[...]) else { return nil }
            self.init(bytes: parsed)
        } else {
            guard let parsed = InternetAddress.fourBytes(bytes[...]) else { return nil }
            self.init(bytes: parsed)
        }
    }

    /// In network order.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(family.byteCount)
        append(to: &result)
        return result
    }

    package func append(to bytes: inout [UInt8]) {
        if family == .ip6 {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(Self.octet(high, shift)) }
        }
        let start: Int = family == .ip4 ? 24 : 56
        for shift in stride(from: start, through: 0, by: -8) { bytes.append(Self.octet(low, shift)) }
    }

    private static func octet(_ word: UInt64, _ shift: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: word >> UInt64(shift))
    }

    package static func < (one: InternetAddress, other: InternetAddress) -> Bool {
        if one.family != other.family { return one.family == .ip4 }
        return one.high == other.high ? one.low < other.low : one.high < other.high
    }

    package var isIPv6: Bool { family == .ip6 }
    package var isLoopback: Bool { family == .ip4 ? low >> 24 == 127 : high == 0 && low == 1 }

    /// The address with all but the first `length` bits cleared.
    package func masked(_ length: Int) -> InternetAddress {
        let kept: Int = family == .ip4 ? length + 96 : length
        let highMask: UInt64 = kept >= 64 ? .max : kept <= 0 ? 0 : ~(UInt64.max >> UInt64(kept))
        let lowMask: UInt64 = kept >= 128 ? .max : kept <= 64 ? 0 : ~(UInt64.max >> UInt64(kept - 64))
        return InternetAddress(family, high: high & highMask, low: low & lowMask)
    }

    package var description: String {
        let bytes: [UInt8] = self.bytes
        if family == .ip4 { return bytes.map { String($0) }.joined(separator: ".") }
        let groups: [Int] = (0..<8).map { Int(bytes[2 * $0]) << 8 | Int(bytes[2 * $0 + 1]) }
        // RFC 5952: the longest run of two zeros or more is left out, the first of equals.
        var best: Range<Int> = 0..<0
        var start: Int = 0
        while start < 8 {
            var end: Int = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start + 1)
        }
        let texts: [String] = groups.map { String($0, radix: 16) }
        if best.isEmpty { return texts.joined(separator: ":") }
        return texts[..<best.lowerBound].joined(separator: ":") + "::"
            + texts[best.upperBound...].joined(separator: ":")
    }

    // MARK: - Reading

    private static func fourBytes(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let parts: [ArraySlice<UInt8>] = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                part.count == 1 || part.first != 0x30,
                let value = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            bytes.append(value)
        }
        return bytes
    }

    private static func sixteenBytes(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let colon = UInt8(ascii: ":")
        var gap: Int?
        for index in text.indices.dropLast() where text[index] == colon && text[index + 1] == colon {
            guard gap == nil else { return nil }
            gap = index
        }
        guard let gap else {
            return groups(text).flatMap { $0.count == 16 ? $0 : nil }
        }
        let before: ArraySlice<UInt8> = text[..<gap]
        let after: ArraySlice<UInt8> = text[(gap + 2)...]
        guard let front = before.isEmpty ? [] : groups(before, isEnd: false),
            let back = after.isEmpty ? [] : groups(after),
            front.count + back.count <= 14
        else { return nil }
        return front + [UInt8](repeating: 0, count: 16 - front.count - back.count) + back
    }

    /// - Parameter isEnd: only there an address of IPv4 may stand for the last two groups.
    private static func groups(_ text: ArraySlice<UInt8>, isEnd: Bool = true) -> [UInt8]? {
        var bytes: [UInt8] = []
        let parts: [ArraySlice<UInt8>] = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if isEnd, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let four = fourBytes(part) else { return nil }
                bytes += four
                continue
            }
            guard (1...4).contains(part.count), part.first != UInt8(ascii: "+"),
                let value = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(UInt8(value >> 8))
            bytes.append(UInt8(value & 0xff))
        }
        return bytes
    }
}

/// A range of addresses with a common beginning: `10.244.0.0/16`.
package struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
    package let address: InternetAddress
    package let length: Int

    package init?(_ address: InternetAddress, length: Int) {
        guard (0...address.family.bitCount).contains(length) else { return nil }
        self.address = address.masked(length)
        self.length = length
    }

    package init?(_ text: String) {
        let parts: [Substring] = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = InternetAddress(String(parts[0])), let length = Int(parts[1]),
            parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { return nil }
        self.init(address, length: length)
    }

    package var family: InternetAddress.Family { address.family }

    package func contains(_ other: InternetAddress) -> Bool {
        other.family == family && other.masked(length) == address
    }

    /// The mask's bytes in network order.
    package var mask: [UInt8] {
        (0..<family.byteCount).map { index in
            let bits: Int = min(8, max(0, length - index * 8))
            return bits == 0 ? 0 : UInt8(truncatingIfNeeded: 0xff00 >> bits)
        }
    }

    package var description: String { "\(address)/\(length)" }
}
