/// A table by family and name. All of ours begin with the pod network's name, by which a reset finds them.
package struct Table: Sendable, Hashable, CustomStringConvertible {
    package var family: InternetAddress.Family
    package var name: String

    package init(_ family: InternetAddress.Family, _ name: String) {
        self.family = family
        self.name = name
    }

    package var description: String { "\(family == .ip4 ? "ip" : "ip6") \(name)" }
}

/// Where a base chain hooks into the way of packets.
package struct Hook: Sendable, Hashable {
    package enum Point: UInt32, Sendable { case prerouting = 0, input, forward, output, postrouting }
    package enum Kind: String, Sendable { case filter, nat }
    package var kind: Kind
    package var point: Point
    /// Lower comes first: destination NAT is at -100, filters at 0, source NAT at 100.
    package var priority: Int32

    package init(_ kind: Kind, _ point: Point, priority: Int32) {
        self.kind = kind
        self.point = point
        self.priority = priority
    }
}

/// The types of nft's own that sets are shown with: type number, and bytes.
package enum FieldType: UInt32, Sendable, Hashable {
    case address4 = 7
    case address6 = 8
    case transportProtocol = 12
    case port = 13
    /// Any number in the machine's byte order, four bytes.
    case mark = 19

    package static func address(_ family: InternetAddress.Family) -> FieldType {
        family == .ip4 ? .address4 : .address6
    }

    /// In registers every field takes whole four bytes.
    var byteCount: Int { self == .address6 ? 16 : 4 }
    /// A field that stands alone has its own length.
    var ownByteCount: Int {
        switch self {
        case .transportProtocol: 1
        case .port: 2
        default: byteCount
        }
    }
}

/// A set, a map (with a value) or a verdict map.
package struct SetDefinition: Sendable, Hashable {
    package enum Content: Sendable, Hashable {
        case nothing
        case fields([FieldType])
        case verdict
    }

    package var name: String
    package var key: [FieldType]
    package var value: Content
    /// Whether rules add to it, with a time after which what was added goes.
    package var isDynamic: Bool

    package init(_ name: String, _ key: [FieldType], _ value: Content = .nothing, isDynamic: Bool = false) {
        self.name = name
        self.key = key
        self.value = value
        self.isDynamic = isDynamic
    }

    static func type(_ fields: [FieldType]) -> UInt32 { fields.reduce(0) { $0 << 6 | $1.rawValue } }

    static func length(_ fields: [FieldType]) -> UInt32 {
        if fields.count == 1 { return UInt32(fields[0].ownByteCount) }
        return UInt32(fields.reduce(0) { $0 + $1.byteCount })
    }

    /// Constants of the kernel: map 8, timeout 16, changed by rules 32.
    var flags: UInt32 {
        (value == .nothing ? 0 : 8) | (isDynamic ? 16 | 32 : 0)
    }
}

package struct SetElement: Sendable, Hashable {
    package enum Value: Sendable, Hashable {
        case nothing
        case bytes([UInt8])
        case verdict(Verdict)
    }

    /// As it stands in registers: fields padded to four bytes each.
    package var key: [UInt8]
    package var value: Value

    package init(_ key: [UInt8], _ value: Value = .nothing) {
        self.key = key
        self.value = value
    }
}
