/// A tracked connection, as far as a proxy asks: where the client sent its packets, and who answers.
package struct TrackedConnection: Sendable, Hashable {
    package var protocolNumber: UInt8
    package var source: InternetAddress
    package var sourcePort: UInt16
    /// What the client addressed.
    package var destination: InternetAddress
    package var destinationPort: UInt16
    /// Who answers: the endpoint, or the destination itself when nobody translated it.
    package var answering: InternetAddress
    package var answeringPort: UInt16

    package init(
        protocolNumber: UInt8, source: InternetAddress, sourcePort: UInt16, destination: InternetAddress,
        destinationPort: UInt16,
        answering: InternetAddress, answeringPort: UInt16
    ) {
        self.protocolNumber = protocolNumber
        self.source = source
        self.sourcePort = sourcePort
        self.destination = destination
        self.destinationPort = destinationPort
        self.answering = answering
        self.answeringPort = answeringPort
    }
}

/// The messages of conntrack's netlink subsystem (`NFNL_SUBSYS_CTNETLINK`, 1) that we need.
package enum ConnectionMessages {
    private static let get: UInt16 = 1 << 8 | 1
    private static let delete: UInt16 = 1 << 8 | 2

    /// Asks for all connections of a family.
    package static func list(_ family: InternetAddress.Family, sequence: UInt32) -> [UInt8] {
        var writer = NetlinkWriter()
        writer.message(type: get, flags: [.request, .dump], sequence: sequence, family: family.rawValue) { _ in }
        return writer.bytes
    }

    package static func remove(_ connection: TrackedConnection, sequence: UInt32) -> [UInt8] {
        var writer = NetlinkWriter()
        let family: InternetAddress.Family = connection.source.family
        writer.message(
            type: delete, flags: [.request, .acknowledge], sequence: sequence, family: family.rawValue
        ) { body in
            body.nested(1) { tuple in
                tuple.nested(1) { addresses in
                    addresses.attribute(family == .ip4 ? 1 : 3, bytes: connection.source.bytes)
                    addresses.attribute(family == .ip4 ? 2 : 4, bytes: connection.destination.bytes)
                }
                tuple.nested(2) { ports in
                    ports.attribute(1, byte: connection.protocolNumber)
                    ports.attribute(2, bytes: bytes(connection.sourcePort))
                    ports.attribute(3, bytes: bytes(connection.destinationPort))
                }
            }
        }
        return writer.bytes
    }

    /// A connection from a list's message; nil for protocols without ports.
    package static func connection(_ message: NetlinkReader.Message) -> TrackedConnection? {
        var original: Tuple?
        var reply: Tuple?
        for (type, value) in NetlinkReader.attributes(message.body, skip: 4) {
            if type == 1 { original = Tuple(value) }
            if type == 2 { reply = Tuple(value) }
            if original != nil, reply != nil { break }
        }
        guard let original, let reply else { return nil }
        return TrackedConnection(
            protocolNumber: original.protocolNumber, source: original.source, sourcePort: original.sourcePort,
            destination: original.destination, destinationPort: original.destinationPort, answering: reply.source,
            answeringPort: reply.sourcePort)
    }

    private struct Tuple {
        var protocolNumber: UInt8 = 0
        var source: InternetAddress
        var destination: InternetAddress
        var sourcePort: UInt16 = 0
        var destinationPort: UInt16 = 0

        init?(_ bytes: ArraySlice<UInt8>) {
            var addresses: [UInt16: InternetAddress] = [:]
            for (type, value) in NetlinkReader.attributes(bytes) {
                if type == 1 {
                    for (kind, text) in NetlinkReader.attributes(value) {
                        addresses[kind] = InternetAddress(bytes: text)
                    }
                } else if type == 2 {
                    for (kind, number) in NetlinkReader.attributes(value) {
                        switch kind {
                        case 1: protocolNumber = number.first ?? 0
                        case 2: sourcePort = number.reduce(0) { $0 << 8 | UInt16($1) }
                        case 3: destinationPort = number.reduce(0) { $0 << 8 | UInt16($1) }
                        default: break
                        }
                    }
                }
            }
            guard let source = addresses[1] ?? addresses[3], let destination = addresses[2] ?? addresses[4] else {
                return nil
            }
            self.source = source
            self.destination = destination
        }
    }

    private static func bytes(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 0xff)] }
}
