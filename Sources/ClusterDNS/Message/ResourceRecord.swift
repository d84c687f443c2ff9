/// A record on its own: names in its data are whole, not compressed.
package struct ResourceRecord: Sendable, Hashable {
    package var name: DNSName
    package var type: RecordType
    package var recordClass: UInt16
    package var ttl: UInt32
    package var data: [UInt8]

    package init(
        name: DNSName, type: RecordType, recordClass: UInt16 = internetClass, ttl: UInt32, data: [UInt8]
    ) {
        self.name = name
        self.type = type
        self.recordClass = recordClass
        self.ttl = ttl
        self.data = data
    }

    /// How names lie in the data of types that were there before RFC 3597 forbade compression in new ones:
    /// so many bytes, so many names, the rest.
    static func layout(_ type: RecordType) -> (bytes: Int, names: Int) {
        switch type.rawValue {
        case 2, 3, 4, 5, 7, 8, 9, 12, 39: (0, 1)  // NS, MD, MF, CNAME, MB, MG, MR, PTR, DNAME
        case 15, 18, 21, 36: (2, 1)  // MX, AFSDB, RT, KX
        case 33: (6, 1)  // SRV
        case 6, 14, 17: (0, 2)  // SOA, MINFO, RP
        default: (0, 0)
        }
    }

    /// Whether names in the data may be written compressed (RFC 3597 §4).
    static func compresses(_ type: RecordType) -> Bool {
        [RecordType.ns, .cname, .ptr, .mx, .soa].contains(type)
    }
}

/// A whole message, decoded: what an upstream server answered.
package struct DNSMessage: Sendable, Equatable {
    package struct Question: Sendable, Hashable {
        package var name: DNSName
        package var type: RecordType
        package var recordClass: UInt16

        package init(name: DNSName, type: RecordType, recordClass: UInt16 = internetClass) {
            self.name = name
            self.type = type
            self.recordClass = recordClass
        }
    }

    package var id: UInt16 = 0
    package var flags: MessageFlags = MessageFlags(rawValue: 0)
    package var questions: [Question] = []
    package var answers: [ResourceRecord] = []
    package var authorities: [ResourceRecord] = []
    package var additionals: [ResourceRecord] = []

    package init() {}

    package init(_ bytes: Span<UInt8>) throws(DNSError) {
        guard bytes.count >= 12 else { throw .truncated(offset: 0) }
        id = Query.word(bytes, 0)
        flags = MessageFlags(rawValue: Query.word(bytes, 2))
        var position: Int = 12
        for _ in 0..<Query.word(bytes, 4) {
            let name: DNSName = try DNSName.read(bytes, at: &position)
            guard position + 4 <= bytes.count else { throw .truncated(offset: position) }
            questions.append(
                Question(
                    name: name, type: RecordType(rawValue: Query.word(bytes, position)),
                    recordClass: Query.word(bytes, position + 2)))
            position += 4
        }
        answers = try Self.records(Query.word(bytes, 6), bytes, &position)
        authorities = try Self.records(Query.word(bytes, 8), bytes, &position)
        additionals = try Self.records(Query.word(bytes, 10), bytes, &position)
        guard position == bytes.count else { throw .trailingBytes(offset: position) }
    }

    private static func records(
        _ count: UInt16, _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(DNSError) -> [ResourceRecord] {
        var records: [ResourceRecord] = []
        for _ in 0..<count { records.append(try record(bytes, &position)) }
        return records
    }

    private static func record(_ bytes: Span<UInt8>, _ position: inout Int) throws(DNSError) -> ResourceRecord {
        let name: DNSName = try DNSName.read(bytes, at: &position)
        guard position + 10 <= bytes.count else { throw .truncated(offset: position) }
        let type = RecordType(rawValue: Query.word(bytes, position))
        let recordClass: UInt16 = Query.word(bytes, position + 2)
        let ttl: UInt32 = UInt32(Query.word(bytes, position + 4)) << 16 | UInt32(Query.word(bytes, position + 6))
        let end: Int = position + 10 + Int(Query.word(bytes, position + 8))
        position += 10
        guard end <= bytes.count else { throw .truncated(offset: position) }
        var data: [UInt8] = []
        let layout: (bytes: Int, names: Int) = ResourceRecord.layout(type)
        if layout.names > 0 {
            guard position + layout.bytes <= end else { throw .badRecord(offset: position) }
            for index in position..<position + layout.bytes { data.append(bytes[index]) }
            position += layout.bytes
            for _ in 0..<layout.names { data += try DNSName.read(bytes, at: &position).wire }
            guard position <= end else { throw .badRecord(offset: position) }
        }
        for index in position..<end { data.append(bytes[index]) }
        position = end
        // RFC 2181 §8: a TTL with the top bit set counts as zero.
        return ResourceRecord(
            name: name, type: type, recordClass: recordClass,
            ttl: type != .opt && ttl > UInt32(Int32.max) ? 0 : ttl, data: data)
    }
}
