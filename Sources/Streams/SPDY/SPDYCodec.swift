/// Reads and writes the frames of one connection. Both directions carry compression state from frame to frame, so there
/// is one codec per connection, and frames must be written in the order in which they are sent.
///
///     control:  |1| version 3 | type | flags | length | …
///     data:     |0| stream id        | flags | length | payload
package struct SPDYCodec: ~Copyable {
    /// What three bytes of length can say.
    private static let payloadLimit: Int = 0xFF_FFFF
    private static let fieldLimit: Int = 256

    private var buffer: [UInt8] = []
    private var inflater: Inflater
    private var deflater: Deflater

    package init() {
        inflater = Inflater()
        deflater = Deflater()
    }

    // MARK: - Reading

    package mutating func receive(_ bytes: [UInt8]) throws(SPDYError) -> [SPDYFrame] {
        buffer += bytes
        var frames: [SPDYFrame] = []
        var offset: Int = 0
        while buffer.count - offset >= 8 {
            let length: Int =
                Int(buffer[offset + 5]) << 16 | Int(buffer[offset + 6]) << 8 | Int(buffer[offset + 7])
            guard buffer.count - offset >= 8 + length else { break }
            let head: ArraySlice<UInt8> = buffer[offset..<(offset + 8)]
            let payload: ArraySlice<UInt8> = buffer[(offset + 8)..<(offset + 8 + length)]
            frames.append(try frame(Array(head), Array(payload)))
            offset += 8 + length
        }
        buffer.removeFirst(offset)
        return frames
    }

    private mutating func frame(_ head: [UInt8], _ payload: [UInt8]) throws(SPDYError) -> SPDYFrame {
        let isLast: Bool = head[4] & 0x01 != 0
        let word: UInt32 = Self.number(head, 0)
        guard word & 0x8000_0000 != 0 else { return .data(id: word & 0x7fff_ffff, payload, isLast: isLast) }
        guard word >> 16 & 0x7fff == 3 else { throw .violation("SPDY version \(word >> 16 & 0x7fff) is not spoken") }
        let type = UInt16(truncatingIfNeeded: word)
        switch type {
        case 1:
            guard payload.count >= 10 else { throw .violation("a short SYN_STREAM") }
            let fields: [SPDYField] = try inflater.fields(Array(payload[10...]), limit: Self.fieldLimit)
            return .synStream(id: Self.number(payload, 0) & 0x7fff_ffff, fields: fields, isLast: isLast)
        case 2:
            guard payload.count >= 4 else { throw .violation("a short SYN_REPLY") }
            let fields: [SPDYField] = try inflater.fields(Array(payload[4...]), limit: Self.fieldLimit)
            return .synReply(id: Self.number(payload, 0) & 0x7fff_ffff, fields: fields, isLast: isLast)
        case 3:
            guard payload.count >= 8 else { throw .violation("a short RST_STREAM") }
            return .reset(id: Self.number(payload, 0) & 0x7fff_ffff, status: Self.number(payload, 4))
        case 6:
            guard payload.count >= 4 else { throw .violation("a short PING") }
            return .ping(id: Self.number(payload, 0))
        case 7: return .goAway
        case 8:
            // Headers for an open stream: nobody acts on them, but they move the compression state on.
            guard payload.count >= 4 else { throw .violation("a short HEADERS") }
            _ = try inflater.fields(Array(payload[4...]), limit: Self.fieldLimit)
            return .other(type: type)
        default: return .other(type: type)
        }
    }

    private static func number(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16 | UInt32(bytes[offset + 2]) << 8
            | UInt32(bytes[offset + 3])
    }

    // MARK: - Writing

    package mutating func encode(_ frame: SPDYFrame) -> [UInt8] {
        switch frame {
        case .synStream(let id, let fields, let isLast):
            // Stream id, associated stream 0, priority 0, no credentials.
            let payload: [UInt8] = Self.bytes(id) + Self.bytes(0) + [0, 0] + deflater.block(fields)
            return Self.control(1, isLast, payload)
        case .synReply(let id, let fields, let isLast):
            return Self.control(2, isLast, Self.bytes(id) + deflater.block(fields))
        case .data(let id, let payload, let isLast): return Self.data(id & 0x7fff_ffff, payload[...], isLast)
        case .reset(let id, let status): return Self.control(3, false, Self.bytes(id) + Self.bytes(status))
        case .ping(let id): return Self.control(6, false, Self.bytes(id))
        case .goAway: return Self.control(7, false, Self.bytes(0) + Self.bytes(0))
        case .other: return []
        }
    }

    /// As many frames as the payload takes.
    private static func data(_ id: UInt32, _ payload: ArraySlice<UInt8>, _ isLast: Bool) -> [UInt8] {
        let part: ArraySlice<UInt8> = payload.prefix(payloadLimit)
        let rest: ArraySlice<UInt8> = payload.dropFirst(part.count)
        let head: [UInt8] = bytes(id) + [isLast && rest.isEmpty ? 1 : 0] + length(part.count)
        return rest.isEmpty ? head + part : head + part + data(id, rest, isLast)
    }

    private static func control(_ type: UInt8, _ isLast: Bool, _ payload: [UInt8]) -> [UInt8] {
        [0x80, 0x03, 0x00, type, isLast ? 1 : 0] + length(payload.count) + payload
    }

    private static func length(_ count: Int) -> [UInt8] {
        [
            UInt8(truncatingIfNeeded: count >> 16), UInt8(truncatingIfNeeded: count >> 8),
            UInt8(truncatingIfNeeded: count),
        ]
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        [
            UInt8(truncatingIfNeeded: number >> 24), UInt8(truncatingIfNeeded: number >> 16),
            UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number),
        ]
    }
}
