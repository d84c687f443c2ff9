/// An IPv4 or IPv6 address.
///
/// Reading follows upstream's `ParseIPSloppy`: leading zeros in IPv4 are decimal, IPv4-mapped IPv6 addresses are IPv4,
/// zones are refused. Writing is RFC 5952.
package struct IPAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    package enum Family: Sendable, CaseIterable {
        case v4
        case v6

        package var bitCount: Int { self == .v4 ? 32 : 128 }
    }

    package let family: Family
    /// The bits, in the low end for IPv4.
    package let bits: UInt128

    package init(v4 bits: UInt32) {
        family = .v4
        self.bits = UInt128(bits)
    }

    package init(v6 bits: UInt128) {
        family = .v6
        self.bits = bits
    }

    /// Four or sixteen bytes in network order.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var value: UInt128 = 0
        for byte in bytes { value = value << 8 | UInt128(byte) }
        family = bytes.count == 4 ? .v4 : .v6
        bits = value
    }

    package init?(_ text: some StringProtocol) {
        let bytes: [UInt8] = Array(text.utf8)
        if bytes.contains(UInt8(ascii: ":")) {
            guard let bits = IPAddress.parseV6(bytes) else { return nil }
            if bits >> 32 == 0xFFFF {
                self.init(v4: UInt32(truncatingIfNeeded: bits))
            } else {
                self.init(v6: bits)
            }
        } else {
            guard let bits = IPAddress.parseV4(bytes[...]) else { return nil }
            self.init(v4: bits)
        }
    }

    package var isLoopback: Bool { family == .v4 ? bits >> 24 == 127 : bits == 1 }
    package var isUnspecified: Bool { bits == 0 }
    package var isLinkLocalUnicast: Bool { family == .v4 ? bits >> 16 == 0xA9FE : bits >> 118 == 0x3FA }
    package var isMulticast: Bool { family == .v4 ? bits >> 28 == 0xE : bits >> 120 == 0xFF }
    package var isLinkLocalMulticast: Bool {
        family == .v4 ? bits >> 8 == 0xE00000 : bits >> 120 == 0xFF && (bits >> 112) & 0x0F == 0x02
    }

    /// In network order: four or sixteen bytes.
    package var bytes: [UInt8] {
        let count: Int = family.bitCount / 8
        return (0..<count).map { UInt8(truncatingIfNeeded: bits >> UInt128((count - 1 - $0) * 8)) }
    }

    /// The address `offset` further; nil beyond the end of the family's range.
    package func advanced(by offset: Int) -> IPAddress? {
        let limit: UInt128 = family == .v4 ? 0xFFFF_FFFF : UInt128.max
        let magnitude: UInt128 = UInt128(offset.magnitude)
        let (value, overflow) =
            offset < 0 ? bits.subtractingReportingOverflow(magnitude) : bits.addingReportingOverflow(magnitude)
        guard !overflow, value <= limit else { return nil }
        return family == .v4 ? IPAddress(v4: UInt32(truncatingIfNeeded: value)) : IPAddress(v6: value)
    }

    /// IPv4 before IPv6, then by number.
    package static func < (one: IPAddress, other: IPAddress) -> Bool {
        if one.family != other.family { return one.family == .v4 }
        return one.bits < other.bits
    }

    package var description: String {
        if family == .v4 { return bytes.map { String($0) }.joined(separator: ".") }
        let groups: [UInt16] = (0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128((7 - $0) * 16)) }
        let gap: Range<Int> = IPAddress.longestZeros(groups)
        if gap.count < 2 { return groups.map { String($0, radix: 16) }.joined(separator: ":") }
        let head: String = groups[..<gap.lowerBound].map { String($0, radix: 16) }.joined(separator: ":")
        let tail: String = groups[gap.upperBound...].map { String($0, radix: 16) }.joined(separator: ":")
        return head + "::" + tail
    }

    private static func longestZeros(_ groups: [UInt16]) -> Range<Int> {
        var best: Range<Int> = 0..<0
        var start: Int = 0
        while start < groups.count {
            guard groups[start] == 0 else {
                start += 1
                continue
            }
            var end: Int = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > best.count { best = start..<end }
            start = end
        }
        return best
    }

    private static func parseV4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts: [ArraySlice<UInt8>] = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard !part.isEmpty, part.count <= 16 else { return nil }
            var number: UInt32 = 0
            for byte in part {
                guard NameRules.Shape.isDigit(byte) else { return nil }
                number = number * 10 + UInt32(byte - 0x30)
                guard number <= 255 else { return nil }
            }
            value = value << 8 | number
        }
        return value
    }

    private static func parseV6(_ bytes: [UInt8]) -> UInt128? {
        let colon: UInt8 = UInt8(ascii: ":")
        var head: [UInt16] = []
        var tail: [UInt16] = []
        var hasGap: Bool = false
        var at: Int = 0
        if bytes.count >= 2, bytes[0] == colon, bytes[1] == colon {
            hasGap = true
            at = 2
        }
        while at < bytes.count {
            let end: Int = bytes[at...].firstIndex(of: colon) ?? bytes.count
            let part: ArraySlice<UInt8> = bytes[at..<end]
            if part.contains(UInt8(ascii: ".")) {
                // A dotted IPv4 address may stand for the last two groups.
                guard end == bytes.count, let v4 = parseV4(part) else { return nil }
                let groups: [UInt16] = [UInt16(truncatingIfNeeded: v4 >> 16), UInt16(truncatingIfNeeded: v4)]
                if hasGap { tail += groups } else { head += groups }
                at = end
                break
            }
            guard let group = hexGroup(part) else { return nil }
            if hasGap { tail.append(group) } else { head.append(group) }
            at = end
            guard at < bytes.count else { break }
            at += 1
            guard at < bytes.count else { return nil }
            if bytes[at] == colon {
                guard !hasGap else { return nil }
                hasGap = true
                at += 1
            }
        }
        let count: Int = head.count + tail.count
        guard hasGap ? count < 8 : count == 8 else { return nil }
        let groups: [UInt16] = head + Array(repeating: 0, count: 8 - count) + tail
        return groups.reduce(UInt128(0)) { $0 << 16 | UInt128($1) }
    }

    private static func hexGroup(_ part: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(part.count) else { return nil }
        var value: UInt16 = 0
        for byte in part {
            let lower: UInt8 = byte | 0x20
            if NameRules.Shape.isDigit(byte) {
                value = value << 4 | UInt16(byte - 0x30)
            } else if lower >= 0x61, lower <= 0x66 {
                value = value << 4 | UInt16(lower - 0x61 + 10)
            } else {
                return nil
            }
        }
        return value
    }
}
