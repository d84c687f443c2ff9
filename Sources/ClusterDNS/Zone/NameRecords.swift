/// All records of one name, encoded as they go into an answer: each begins with a pointer to the question's name.
struct NameRecords: Sendable, Equatable {
    /// `C0 0C | type | class | TTL (4) | 4 | address`
    static let addressStride: Int = 16
    /// The same with sixteen bytes of address.
    static let longAddressStride: Int = 28
    /// Of an SRV record's target within it: pointer, type, class, TTL, length, priority, weight, port.
    static let targetOffset: Int = 18

    var addresses: [UInt8] = []
    var longAddresses: [UInt8] = []
    /// SRV records, one after another.
    var services: [UInt8] = []
    var serviceStarts: [Int] = []
    var alias: DNSName?

    static func header(_ type: RecordType, ttl: UInt32, length: Int) -> [UInt8] {
        [
            0xc0, 0x0c, UInt8(type.rawValue >> 8), UInt8(truncatingIfNeeded: type.rawValue), 0, 1,
            UInt8(truncatingIfNeeded: ttl >> 24), UInt8(truncatingIfNeeded: ttl >> 16),
            UInt8(truncatingIfNeeded: ttl >> 8), UInt8(truncatingIfNeeded: ttl),
            UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length),
        ]
    }

    mutating func add(_ address: InternetAddress, ttl: UInt32) {
        let bytes: [UInt8] = address.bytes
        if address.isIPv6 {
            longAddresses += Self.header(.aaaa, ttl: ttl, length: 16) + bytes
        } else {
            addresses += Self.header(.a, ttl: ttl, length: 4) + bytes
        }
    }

    /// - Parameter targets: each with its port. The weight is shared evenly, as CoreDNS does.
    mutating func setServices(_ targets: [(target: DNSName, port: UInt16)], ttl: UInt32) {
        let weight = UInt16(max(1, 100 / max(1, targets.count)))
        for (target, port) in targets {
            serviceStarts.append(services.count)
            services += Self.header(.srv, ttl: ttl, length: 6 + target.wire.count)
            for word in [0, weight, port] { services += [UInt8(word >> 8), UInt8(truncatingIfNeeded: word)] }
            services += target.wire
        }
    }
}
