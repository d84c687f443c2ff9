/// Writes netlink messages: a header, then attributes, each `length, type, value`, padded to four bytes.
///
///     | length u32 | type u16 | flags u16 | sequence u32 | port u32 | family u8 | version u8 | resource u16 (big) |
///     | length u16 | type u16 | value … | padding |  …
///
/// Headers are in the machine's byte order, nf_tables' and conntrack's numbers in network order.
package struct NetlinkWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }
        package static let request = Flags(rawValue: 0x1)
        package static let acknowledge = Flags(rawValue: 0x4)
        package static let exclusive = Flags(rawValue: 0x200)
        package static let create = Flags(rawValue: 0x400)
        package static let append = Flags(rawValue: 0x800)
        package static let dump = Flags(rawValue: 0x300)
    }

    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// One message with the header that all netfilter subsystems share.
    package mutating func message(
        type: UInt16, flags: Flags, sequence: UInt32, family: UInt8, resource: UInt16 = 0,
        _ body: (inout NetlinkWriter) -> Void
    ) {
        let start: Int = bytes.count
        appendHost(UInt32(0))
        appendHost(type)
        appendHost(flags.rawValue)
        appendHost(sequence)
        appendHost(UInt32(0))
        bytes.append(family)
        bytes.append(0)
        appendBig(resource)
        body(&self)
        patchHost(UInt32(bytes.count - start), at: start)
    }

    /// Adds flags to the message that begins at `start`.
    package mutating func addFlags(_ flags: Flags, at start: Int) {
        let present: UInt16 = UInt16(bytes[start + 6]) | UInt16(bytes[start + 7]) << 8
        let all: UInt16 = UInt16(littleEndian: present) | flags.rawValue
        withUnsafeBytes(of: all) { raw in
            bytes[start + 6] = raw[0]
            bytes[start + 7] = raw[1]
        }
    }

    package mutating func nested(_ type: UInt16, _ body: (inout NetlinkWriter) -> Void) {
        let start: Int = bytes.count
        appendHost(UInt16(0))
        appendHost(type | 0x8000)
        body(&self)
        patchHost(UInt16(bytes.count - start), at: start)
    }

    package mutating func attribute(_ type: UInt16, bytes value: some Collection<UInt8>) {
        appendHost(UInt16(4 + value.count))
        appendHost(type)
        bytes.append(contentsOf: value)
        pad()
    }

    /// Text with the zero that ends it.
    package mutating func attribute(_ type: UInt16, _ text: String) {
        appendHost(UInt16(5 + text.utf8.count))
        appendHost(type)
        bytes.append(contentsOf: text.utf8)
        bytes.append(0)
        pad()
    }

    package mutating func attribute(_ type: UInt16, byte: UInt8) { attribute(type, bytes: CollectionOfOne(byte)) }

    package mutating func attribute(_ type: UInt16, _ value: UInt32) {
        appendHost(UInt16(8))
        appendHost(type)
        appendBig(value)
    }

    package mutating func attribute(_ type: UInt16, wide value: UInt64) {
        appendHost(UInt16(12))
        appendHost(type)
        appendBig(UInt32(truncatingIfNeeded: value >> 32))
        appendBig(UInt32(truncatingIfNeeded: value))
    }

    private mutating func pad() {
        while bytes.count & 3 != 0 { bytes.append(0) }
    }

    private mutating func appendHost(_ value: UInt16) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }
    private mutating func appendHost(_ value: UInt32) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }

    private mutating func appendBig(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    private mutating func appendBig(_ value: UInt32) {
        appendBig(UInt16(truncatingIfNeeded: value >> 16))
        appendBig(UInt16(truncatingIfNeeded: value))
    }

    private mutating func patchHost(_ value: UInt16, at start: Int) {
        withUnsafeBytes(of: value) { raw in for index in 0..<2 { bytes[start + index] = raw[index] } }
    }

    private mutating func patchHost(_ value: UInt32, at start: Int) {
        withUnsafeBytes(of: value) { raw in for index in 0..<4 { bytes[start + index] = raw[index] } }
    }
}
