/// An address with the length of its network's prefix, such as `10.244.0.0/16`.
package struct CIDR: Sendable, Hashable, CustomStringConvertible {
    /// The address as given; its host bits need not be zero.
    package let address: IPAddress
    /// 0…32 or 0…128.
    package let prefixLength: Int

    /// Nil if the length is out of the family's range.
    package init?(_ address: IPAddress, prefixLength: Int) {
        guard prefixLength >= 0, prefixLength <= address.family.bitCount else { return nil }
        self.address = address
        self.prefixLength = prefixLength
    }

    package init?(_ text: some StringProtocol) {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let digits = text[text.utf8.index(after: slash)...]
        guard !digits.isEmpty, digits.utf8.count <= 3, digits.utf8.allSatisfy(NameRules.Shape.isDigit),
            var length = Int(digits), let address = IPAddress(text[..<slash])
        else { return nil }
        // `::ffff:10.0.0.0/104` is written with the length of its IPv6 form.
        if address.family == .v4, text[..<slash].utf8.contains(UInt8(ascii: ":")) {
            guard length >= 96 else { return nil }
            length -= 96
        }
        self.init(address, prefixLength: length)
    }

    private var mask: UInt128 {
        let hostBits: Int = address.family.bitCount - prefixLength
        let all: UInt128 = address.family == .v4 ? 0xFFFF_FFFF : UInt128.max
        return hostBits == 128 ? 0 : (all >> UInt128(hostBits)) << UInt128(hostBits)
    }

    /// The first address of the network.
    package var network: IPAddress {
        let bits: UInt128 = address.bits & mask
        return address.family == .v4 ? IPAddress(v4: UInt32(truncatingIfNeeded: bits)) : IPAddress(v6: bits)
    }

    /// The last address of the network.
    package var last: IPAddress {
        let all: UInt128 = address.family == .v4 ? 0xFFFF_FFFF : UInt128.max
        let bits: UInt128 = address.bits | (all ^ mask)
        return address.family == .v4 ? IPAddress(v4: UInt32(truncatingIfNeeded: bits)) : IPAddress(v6: bits)
    }

    /// Without host bits.
    package var isCanonical: Bool { network == address }

    package func contains(_ other: IPAddress) -> Bool {
        other.family == address.family && other.bits & mask == address.bits & mask
    }

    package func overlaps(_ other: CIDR) -> Bool {
        contains(other.network) || other.contains(network)
    }

    /// The network in canonical form: `10.244.0.0/16`.
    package var description: String { "\(network)/\(prefixLength)" }
}
