/// One of nf_tables' sixteen registers of four bytes. What is wider takes the next ones too.
package struct Register: Sendable, Hashable {
    package let index: UInt32
    package init(_ index: Int) {
        precondition((0..<16).contains(index), "there are sixteen registers")
        self.index = UInt32(index)
    }

    /// `NFT_REG32_00` is 8.
    var number: UInt32 { 8 + index }
}

package enum Verdict: Sendable, Hashable {
    case accept, drop, `return`
    case jump(String)
    case goto(String)

    var code: UInt32 {
        switch self {
        case .drop: 0
        case .accept: 1
        case .jump: UInt32(bitPattern: -3)
        case .goto: UInt32(bitPattern: -4)
        case .return: UInt32(bitPattern: -5)
        }
    }

    var chain: String? {
        switch self {
        case .jump(let chain), .goto(let chain): chain
        case .accept, .drop, .return: nil
        }
    }
}

/// What a rule is made of. An expression that does not hold ends its rule; the next one goes on.
package enum Expression: Sendable, Hashable {
    /// From the network header: 12 and 16 for IPv4 addresses, 8 and 24 for IPv6.
    case networkHeader(offset: Int, length: Int, Register)
    /// From the transport header: the destination port is at 2 for TCP, UDP and SCTP.
    case transportHeader(offset: Int, length: Int, Register)
    case meta(MetaKey, Register)
    case setMark(Register)
    case connection(ConnectionKey, Register)
    case compare(Register, Comparison, [UInt8])
    case bitwise(Register, into: Register, mask: [UInt8], xor: [UInt8])
    case lookup(set: String, Register, inverted: Bool = false)
    case lookupValue(map: String, Register, into: Register)
    case lookupVerdict(map: String, Register)
    case immediate(Register, [UInt8])
    case verdict(Verdict)
    /// A random number below `modulus`, in the machine's byte order.
    case random(modulus: Int, Register)
    /// The kind of address in the routing tables (`RTN_LOCAL` is 2), in the machine's byte order.
    case addressKind(ofSource: Bool, Register)
    case destinationNAT(InternetAddress.Family, address: Register, port: Register)
    /// Source ports are drawn at random, so that connections that start at once do not collide.
    case masquerade
    /// ICMP "port unreachable", in the words of the table's family.
    case rejectUnreachable(InternetAddress.Family)
    /// For TCP; unlike ICMP errors its number per second has no bound.
    case rejectReset
    /// Adds to a set, or begins anew the time that an element has.
    case remember(set: String, Register, milliseconds: UInt64)

    package enum MetaKey: UInt32, Sendable { case mark = 3, inputName = 6, outputName = 7, transportProtocol = 16 }
    package enum ConnectionKey: UInt32, Sendable { case state = 0, direction = 1, status = 2 }
    package enum Comparison: UInt32, Sendable { case equal = 0, unequal, less, atMost, greater, atLeast }

    var name: String {
        switch self {
        case .networkHeader, .transportHeader: "payload"
        case .meta, .setMark: "meta"
        case .connection: "ct"
        case .compare: "cmp"
        case .bitwise: "bitwise"
        case .lookup, .lookupValue, .lookupVerdict: "lookup"
        case .immediate, .verdict: "immediate"
        case .random: "numgen"
        case .addressKind: "fib"
        case .destinationNAT: "nat"
        case .masquerade: "masq"
        case .rejectUnreachable, .rejectReset: "reject"
        case .remember: "dynset"
        }
    }

    func write(_ writer: inout NetlinkWriter) {
        writer.nested(1) { element in
            element.attribute(1, name)
            element.nested(2) { writeData(&$0) }
        }
    }

    private func writeData(_ writer: inout NetlinkWriter) {
        switch self {
        case .networkHeader(let offset, let length, let register):
            Self.payload(1, offset, length, register, &writer)
        case .transportHeader(let offset, let length, let register):
            Self.payload(2, offset, length, register, &writer)
        case .meta(let key, let register):
            writer.attribute(1, register.number)
            writer.attribute(2, key.rawValue)
        case .setMark(let register):
            writer.attribute(2, MetaKey.mark.rawValue)
            writer.attribute(3, register.number)
        case .connection(let key, let register):
            writer.attribute(1, register.number)
            writer.attribute(2, key.rawValue)
        case .compare(let register, let comparison, let value):
            writer.attribute(1, register.number)
            writer.attribute(2, comparison.rawValue)
            writer.nested(3) { $0.attribute(1, bytes: value) }
        case .bitwise(let source, let target, let mask, let xor):
            writer.attribute(1, source.number)
            writer.attribute(2, target.number)
            writer.attribute(3, UInt32(mask.count))
            writer.nested(4) { $0.attribute(1, bytes: mask) }
            writer.nested(5) { $0.attribute(1, bytes: xor) }
        case .lookup(let set, let register, let inverted):
            writer.attribute(1, set)
            writer.attribute(2, register.number)
            if inverted { writer.attribute(5, UInt32(1)) }
        case .lookupValue(let map, let register, let target):
            writer.attribute(1, map)
            writer.attribute(2, register.number)
            writer.attribute(3, target.number)
        case .lookupVerdict(let map, let register):
            writer.attribute(1, map)
            writer.attribute(2, register.number)
            writer.attribute(3, UInt32(0))
        case .immediate, .verdict, .random, .addressKind, .destinationNAT, .masquerade, .rejectUnreachable,
            .rejectReset,
            .remember:
            writeAction(&writer)
        }
    }

    private func writeAction(_ writer: inout NetlinkWriter) {
        switch self {
        case .immediate(let register, let value):
            writer.attribute(1, register.number)
            writer.nested(2) { $0.attribute(1, bytes: value) }
        case .verdict(let verdict):
            writer.attribute(1, UInt32(0))
            writer.nested(2) { $0.write(verdict) }
        case .random(let modulus, let register):
            writer.attribute(1, register.number)
            writer.attribute(2, UInt32(modulus))
            writer.attribute(3, UInt32(1))
            writer.attribute(4, UInt32(0))
        case .addressKind(let ofSource, let register):
            writer.attribute(1, register.number)
            writer.attribute(2, UInt32(3))
            writer.attribute(3, UInt32(ofSource ? 1 : 2))
        case .destinationNAT(let family, let address, let port):
            writer.attribute(1, UInt32(1))
            writer.attribute(2, UInt32(family.rawValue))
            writer.attribute(3, address.number)
            writer.attribute(5, port.number)
        case .masquerade:
            writer.attribute(1, UInt32(1 << 4))
        case .rejectUnreachable(let family):
            writer.attribute(1, UInt32(0))
            writer.attribute(2, byte: family == .ip4 ? 3 : 4)
        case .rejectReset:
            writer.attribute(1, UInt32(1))
            writer.attribute(2, byte: 0)
        case .remember(let set, let key, let milliseconds):
            writer.attribute(1, set)
            writer.attribute(3, UInt32(1))
            writer.attribute(4, key.number)
            writer.attribute(6, wide: milliseconds)
        default:
            preconditionFailure("what reads is written above")
        }
    }

    private static func payload(
        _ base: UInt32, _ offset: Int, _ length: Int, _ register: Register, _ writer: inout NetlinkWriter
    ) {
        writer.attribute(1, register.number)
        writer.attribute(2, base)
        writer.attribute(3, UInt32(offset))
        writer.attribute(4, UInt32(length))
    }
}

extension NetlinkWriter {
    mutating func write(_ verdict: Verdict) {
        nested(2) { writer in
            writer.attribute(1, verdict.code)
            if let chain = verdict.chain { writer.attribute(2, chain) }
        }
    }
}
