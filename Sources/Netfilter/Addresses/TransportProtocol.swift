/// Protocols with ports that Kubernetes knows, by IANA's number.
package enum TransportProtocol: UInt8, Sendable, Hashable {
    case tcp = 6
    case udp = 17
    case sctp = 132

    /// From Kubernetes' name; empty is TCP.
    package init?(_ name: String) {
        switch name {
        case "TCP", "": self = .tcp
        case "UDP": self = .udp
        case "SCTP": self = .sctp
        default: return nil
        }
    }

    /// Kubernetes' name.
    package var name: String {
        switch self {
        case .tcp: "TCP"
        case .udp: "UDP"
        case .sctp: "SCTP"
        }
    }
}

/// Values as they stand in registers: four bytes each.
package enum RegisterBytes {
    /// A number in the machine's byte order.
    package static func number(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

    package static func transport(_ transport: TransportProtocol) -> [UInt8] { [transport.rawValue, 0, 0, 0] }

    package static func port(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 0xff), 0, 0] }
}
