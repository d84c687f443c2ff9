/// An upstream's answer, checked, brought into our own form, and ready to be sent to anyone who asks the same.
package struct StoredAnswer: Sendable, Equatable {
    private var bytes: [UInt8]
    private var ttlOffsets: [Int]
    private var answerEnds: [Int]
    private let questionEnd: Int
    package let code: UInt8
    /// For how long it may be kept.
    package let lifetime: Duration

    /// - Parameters:
    ///   - message: with one question.
    ///   - maximumTTL: no record is told to hold longer.
    package init(_ message: DNSMessage, maximumTTL: UInt32) {
        var own: DNSMessage = message
        own.id = 0
        let kept: UInt16 = message.flags.rawValue & (MessageFlags.authenticData | 0xf)
        own.flags = MessageFlags(rawValue: kept | MessageFlags.response | MessageFlags.recursionAvailable)
        own.answers = Self.capped(message.answers, maximumTTL)
        own.authorities = Self.capped(message.authorities, maximumTTL)
        own.additionals = Self.capped(message.additionals.filter { $0.type != .opt }, maximumTTL)
        let writer = MessageWriter(own)
        bytes = writer.bytes
        ttlOffsets = writer.ttlOffsets
        answerEnds = writer.answerEnds
        questionEnd = 12 + (own.questions.first.map { $0.name.wire.count + 4 } ?? 0)
        code = message.flags.code
        lifetime = Self.lifetime(own)
    }

    private static func capped(_ records: [ResourceRecord], _ maximum: UInt32) -> [ResourceRecord] {
        records.map { record in
            var record: ResourceRecord = record
            record.ttl = min(record.ttl, maximum)
            return record
        }
    }

    /// As long as the shortest-lived record; for absence what the zone says (RFC 2308 §5); a failure for 5 s at most, as
    /// CoreDNS.
    private static func lifetime(_ message: DNSMessage) -> Duration {
        switch message.flags.code {
        case ResponseCode.noError.rawValue where !message.answers.isEmpty:
            let shortest: UInt32 = message.answers.map(\.ttl).min() ?? 0
            return .seconds(Int64(shortest))
        case ResponseCode.noError.rawValue, ResponseCode.nameError.rawValue:
            guard let authority = message.authorities.first(where: { $0.type == .soa }), authority.data.count >= 4
            else {
                return .zero
            }
            let minimum: UInt32 = authority.data.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
            return .seconds(Int64(min(authority.ttl, minimum)))
        case ResponseCode.serverFailure.rawValue:
            return .seconds(5)
        default:
            return .zero
        }
    }

    package var byteCount: Int { bytes.count }

    /// The answer for one client.
    /// - Parameters:
    ///   - age: how long it was kept.
    ///   - chain: the names by which the client's own became the one that was asked.
    package func reply(
        to query: Query, age: Duration, limit: Int, chain: [DNSName] = [], chainTTL: UInt32 = 30
    ) -> [UInt8] {
        guard chain.isEmpty else { return joined(query, age, limit, chain, chainTTL) }
        let optBytes: Int = query.edns == nil ? 0 : 11
        var reply: [UInt8] = bytes
        let seconds = UInt32(clamping: age.components.seconds)
        for offset in ttlOffsets { Self.age(&reply, offset, seconds) }
        var flags: UInt16 = UInt16(reply[2]) << 8 | UInt16(reply[3])
        flags |= query.flags.rawValue & (MessageFlags.recursionDesired | MessageFlags.checkingDisabled)
        if reply.count + optBytes > limit {
            flags |= MessageFlags.truncated
            let kept: Int = answerEnds.prefix { $0 + optBytes <= limit }.count
            reply.removeLast(reply.count - (kept == 0 ? questionEnd : answerEnds[kept - 1]))
            Self.set(&reply, 6, UInt16(kept))
            Self.set(&reply, 8, 0)
            Self.set(&reply, 10, 0)
        }
        Self.set(&reply, 0, query.id)
        Self.set(&reply, 2, flags)
        if query.question.count == questionEnd - 12 {
            reply.replaceSubrange(12..<questionEnd, with: query.question)
        }
        if let edns = query.edns {
            let size: Int = AnswerWriter.payload
            reply += [
                0, 0, 41, UInt8(size >> 8), UInt8(size & 0xff), 0, 0, edns.wantsSignatures ? 0x80 : 0, 0, 0, 0,
            ]
            Self.set(&reply, 10, (UInt16(reply[10]) << 8 | UInt16(reply[11])) + 1)
        }
        return reply
    }

    private func joined(
        _ query: Query, _ age: Duration, _ limit: Int, _ chain: [DNSName], _ ttl: UInt32
    ) -> [UInt8] {
        var aged: [UInt8] = bytes
        for offset in ttlOffsets { Self.age(&aged, offset, UInt32(clamping: age.components.seconds)) }
        var message = DNSMessage()
        do throws(DNSError) {
            message = try DNSMessage(aged.span)
        } catch {
            preconditionFailure("an answer of our own making cannot be read: \(error)")
        }
        var owner = DNSName(checked: Array(query.question.dropLast(4)))
        message.questions = [DNSMessage.Question(name: owner, type: query.type)]
        var links: [ResourceRecord] = []
        for target in chain {
            links.append(ResourceRecord(name: owner, type: .cname, ttl: ttl, data: target.wire))
            owner = target
        }
        message.answers = links + message.answers
        return StoredAnswer(message, maximumTTL: .max).reply(to: query, age: .zero, limit: limit)
    }

    private static func set(_ bytes: inout [UInt8], _ offset: Int, _ word: UInt16) {
        bytes[offset] = UInt8(word >> 8)
        bytes[offset + 1] = UInt8(truncatingIfNeeded: word)
    }

    private static func age(_ bytes: inout [UInt8], _ offset: Int, _ seconds: UInt32) {
        let old: UInt32 = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
        let new: UInt32 = old - min(old, seconds)
        set(&bytes, offset, UInt16(new >> 16))
        set(&bytes, offset + 2, UInt16(truncatingIfNeeded: new))
    }
}
