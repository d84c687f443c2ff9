/// A question as a client asked it. Made once and read into again and again, so that reading allocates nothing.
package struct Query: Sendable {
    package var id: UInt16 = 0
    package var flags: MessageFlags = MessageFlags(rawValue: 0)
    package var type: RecordType = .a
    package var recordClass: UInt16 = internetClass
    /// In lower case, in wire form with the closing zero.
    package var name: [UInt8] = []
    /// Where each label of the name begins, without the root.
    package var labels: [Int] = []
    /// Name, type and class as they were sent: what is repeated in the answer.
    package var question: [UInt8] = []
    package var edns: EDNS?

    package struct EDNS: Sendable, Equatable {
        /// The largest UDP payload that the client takes, bytes.
        package var size: Int
        package var version: UInt8
        package var wantsSignatures: Bool
    }

    package enum Verdict: Sendable, Equatable {
        case query
        /// Nobody waits for an answer to this: an answer itself, or no message at all.
        case ignore
        case refuse(ResponseCode)
    }

    package init() {
        name.reserveCapacity(DNSName.maximumBytes)
        question.reserveCapacity(DNSName.maximumBytes + 4)
        labels.reserveCapacity(16)
    }

    /// Reads a message from outside. After `.refuse` the id and flags hold, and the question is empty unless it could be
    /// read.
    package mutating func read(_ bytes: Span<UInt8>) -> Verdict {
        edns = nil
        name.removeAll(keepingCapacity: true)
        labels.removeAll(keepingCapacity: true)
        question.removeAll(keepingCapacity: true)
        guard bytes.count >= 12 else { return .ignore }
        id = Self.word(bytes, 0)
        flags = MessageFlags(rawValue: Self.word(bytes, 2))
        if flags.has(MessageFlags.response) { return .ignore }
        guard flags.opcode == 0 else { return .refuse(.notImplemented) }
        guard Self.word(bytes, 4) == 1 else { return .refuse(.formatError) }
        do throws(DNSError) {
            var position: Int = try readQuestion(bytes)
            try readRecords(bytes, &position)
        } catch {
            return .refuse(.formatError)
        }
        if let edns, edns.version != 0 { return .refuse(.badVersion) }
        guard recordClass == internetClass, type != .axfr, type != .ixfr else { return .refuse(.refused) }
        return .query
    }

    private mutating func readQuestion(_ bytes: Span<UInt8>) throws(DNSError) -> Int {
        var position: Int = 12
        while true {
            guard position < bytes.count else { throw .truncated(offset: position) }
            let length = Int(bytes[position])
            // Nothing is before the first name that it could point to.
            guard length <= DNSName.maximumLabelBytes else { throw .badLabel(offset: position) }
            let end: Int = position + 1 + length
            guard end < bytes.count || length == 0 else { throw .truncated(offset: position) }
            guard end - 12 < DNSName.maximumBytes || length == 0 else { throw .longName(offset: position) }
            if length > 0 { labels.append(position - 12) }
            for index in position..<end { name.append(DNSName.lower(bytes[index])) }
            position = end
            if length == 0 { break }
        }
        guard name.count <= DNSName.maximumBytes else { throw .longName(offset: 12) }
        guard position + 4 <= bytes.count else { throw .truncated(offset: position) }
        type = RecordType(rawValue: Self.word(bytes, position))
        recordClass = Self.word(bytes, position + 2)
        position += 4
        for index in 12..<position { question.append(bytes[index]) }
        return position
    }

    /// Only the OPT record means something to us, the others must be well formed.
    private mutating func readRecords(_ bytes: Span<UInt8>, _ position: inout Int) throws(DNSError) {
        let others: Int = Int(Self.word(bytes, 6)) + Int(Self.word(bytes, 8))
        let count: Int = others + Int(Self.word(bytes, 10))
        for index in 0..<count {
            let start: Int = position
            try DNSName.skip(bytes, at: &position)
            guard position + 10 <= bytes.count else { throw .truncated(offset: position) }
            let type = RecordType(rawValue: Self.word(bytes, position))
            let end: Int = position + 10 + Int(Self.word(bytes, position + 8))
            guard end <= bytes.count else { throw .truncated(offset: position) }
            if type == .opt {
                // RFC 6891 §6.1.1: one, at the root, among the additional records.
                guard edns == nil, index >= others, bytes[start] == 0 else { throw .badRecord(offset: start) }
                edns = EDNS(
                    size: max(512, Int(Self.word(bytes, position + 2))), version: bytes[position + 5],
                    wantsSignatures: bytes[position + 6] & 0x80 != 0)
                try Self.checkOptions(bytes, from: position + 10, to: end)
            }
            position = end
        }
        guard position == bytes.count else { throw .trailingBytes(offset: position) }
    }

    private static func checkOptions(_ bytes: Span<UInt8>, from start: Int, to end: Int) throws(DNSError) {
        var position: Int = start
        while position < end {
            guard position + 4 <= end else { throw .badRecord(offset: position) }
            position += 4 + Int(word(bytes, position + 2))
        }
        guard position == end else { throw .badRecord(offset: position) }
    }

    @inline(__always)
    static func word(_ bytes: Span<UInt8>, _ index: Int) -> UInt16 {
        UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
    }
}
