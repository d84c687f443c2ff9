/// Writes messages, with names compressed.
package struct MessageWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    /// Where the TTL of each record but OPT lies.
    package private(set) var ttlOffsets: [Int] = []
    /// Where each record of the answer section ends.
    package private(set) var answerEnds: [Int] = []
    /// Suffixes of names, and where they begin. Case counts, so that every name keeps its own.
    private var suffixes: [ArraySlice<UInt8>: Int] = [:]

    package init() {}

    package init(_ message: DNSMessage) {
        append(message.id)
        append(message.flags.rawValue)
        for count in [
            message.questions.count, message.answers.count, message.authorities.count, message.additionals.count,
        ] { append(UInt16(clamping: count)) }
        for question in message.questions {
            append(name: question.name, compressing: true)
            append(question.type.rawValue)
            append(question.recordClass)
        }
        for record in message.answers {
            append(record)
            answerEnds.append(bytes.count)
        }
        for record in message.authorities + message.additionals { append(record) }
    }

    package mutating func append(_ word: UInt16) {
        bytes.append(UInt8(word >> 8))
        bytes.append(UInt8(truncatingIfNeeded: word))
    }

    package mutating func append(_ record: ResourceRecord) {
        append(name: record.name, compressing: true)
        append(record.type.rawValue)
        append(record.recordClass)
        if record.type != .opt { ttlOffsets.append(bytes.count) }
        append(UInt16(record.ttl >> 16))
        append(UInt16(truncatingIfNeeded: record.ttl))
        let lengthOffset: Int = bytes.count
        append(0)
        if ResourceRecord.compresses(record.type) {
            append(data: record)
        } else {
            bytes += record.data
        }
        let length: Int = bytes.count - lengthOffset - 2
        bytes[lengthOffset] = UInt8(truncatingIfNeeded: length >> 8)
        bytes[lengthOffset + 1] = UInt8(truncatingIfNeeded: length)
    }

    private mutating func append(data record: ResourceRecord) {
        let layout: (bytes: Int, names: Int) = ResourceRecord.layout(record.type)
        var position: Int = layout.bytes
        bytes += record.data.prefix(position)
        for _ in 0..<layout.names {
            do throws(DNSError) {
                append(name: try DNSName.read(record.data.span, at: &position), compressing: true)
            } catch {
                // Not made by us from a message, else it were whole: written as it is.
                break
            }
        }
        bytes += record.data.dropFirst(position)
    }

    package mutating func append(name: DNSName, compressing: Bool) {
        let wire: [UInt8] = name.wire
        var position: Int = 0
        while wire[position] != 0 {
            let suffix: ArraySlice<UInt8> = wire[position...]
            if compressing, let known = suffixes[suffix] {
                append(0xc000 | UInt16(known))
                return
            }
            // Pointers have 14 bits.
            if bytes.count < 0x4000 { suffixes[suffix] = bytes.count }
            let end: Int = position + 1 + Int(wire[position])
            bytes += wire[position..<end]
            position = end
        }
        bytes.append(0)
    }
}
