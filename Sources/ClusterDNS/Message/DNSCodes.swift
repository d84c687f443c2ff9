/// The type of a resource record or a question (RFC 1035 §3.2.2 and IANA's registry).
package struct RecordType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let a = RecordType(rawValue: 1)
    package static let ns = RecordType(rawValue: 2)
    package static let cname = RecordType(rawValue: 5)
    package static let soa = RecordType(rawValue: 6)
    package static let ptr = RecordType(rawValue: 12)
    package static let hinfo = RecordType(rawValue: 13)
    package static let mx = RecordType(rawValue: 15)
    package static let txt = RecordType(rawValue: 16)
    package static let aaaa = RecordType(rawValue: 28)
    package static let srv = RecordType(rawValue: 33)
    package static let opt = RecordType(rawValue: 41)
    package static let ixfr = RecordType(rawValue: 251)
    package static let axfr = RecordType(rawValue: 252)
    package static let any = RecordType(rawValue: 255)
}

/// How a question was answered. Above 15 only with EDNS (RFC 6891).
package enum ResponseCode: UInt8, Sendable, CaseIterable {
    case noError = 0
    case formatError = 1
    case serverFailure = 2
    case nameError = 3
    case notImplemented = 4
    case refused = 5
    case badVersion = 16

    /// The name that tools print, and metrics use.
    package var text: String {
        switch self {
        case .noError: "NOERROR"
        case .formatError: "FORMERR"
        case .serverFailure: "SERVFAIL"
        case .nameError: "NXDOMAIN"
        case .notImplemented: "NOTIMP"
        case .refused: "REFUSED"
        case .badVersion: "BADVERS"
        }
    }
}

/// The second word of a message:
///
///     QR | opcode (4) | AA | TC | RD || RA | 0 | AD | CD | code (4)
package struct MessageFlags: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let response: UInt16 = 0x8000
    package static let authoritative: UInt16 = 0x0400
    package static let truncated: UInt16 = 0x0200
    package static let recursionDesired: UInt16 = 0x0100
    package static let recursionAvailable: UInt16 = 0x0080
    package static let authenticData: UInt16 = 0x0020
    package static let checkingDisabled: UInt16 = 0x0010
    package static let opcode: UInt16 = 0x7800

    package func has(_ bits: UInt16) -> Bool { rawValue & bits == bits }
    package var opcode: UInt8 { UInt8(rawValue >> 11 & 0xf) }
    package var code: UInt8 { UInt8(rawValue & 0xf) }
}

/// What is wrong with bytes that somebody sent.
package enum DNSError: Error, Equatable, Sendable {
    case truncated(offset: Int)
    case badLabel(offset: Int)
    case badPointer(offset: Int)
    case longName(offset: Int)
    case badRecord(offset: Int)
    case trailingBytes(offset: Int)
}

/// The client's class `IN`; the only one that is served.
package let internetClass: UInt16 = 1
