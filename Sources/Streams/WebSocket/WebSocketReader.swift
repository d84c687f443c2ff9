/// One message of a WebSocket connection (RFC 6455).
package enum WebSocketMessage: Sendable, Equatable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    /// The peer closes, with its status code (1005 if it gave none).
    case close(code: UInt16)
}

package enum WebSocketError: Error, Sendable, Equatable {
    /// The peer broke the protocol; the connection is closed with this code.
    case violation(code: UInt16, reason: String)
}

/// Reads the frames that a client sends. Pure: bytes in, messages out.
///
///     |F|RSV|opcode|M| length | mask key | masked payload |
///
/// Fragments are put together; control frames may come between them. After an error the reader is done.
package struct WebSocketReader: Sendable {
    private static let payloadLimit: Int = 32 * 1024 * 1024

    /// True for a server, whose peer must mask its frames; false for a client, whose peer must not.
    private let expectsMask: Bool
    private var buffer: [UInt8] = []
    private var offset: Int = 0
    /// The opcode and what has come so far of a message in fragments.
    private var fragments: (opcode: UInt8, payload: [UInt8])?

    package init(expectsMask: Bool = true) {
        self.expectsMask = expectsMask
    }

    /// Takes bytes in and gives the messages that they complete.
    package mutating func receive(_ bytes: [UInt8]) throws(WebSocketError) -> [WebSocketMessage] {
        buffer += bytes
        var messages: [WebSocketMessage] = []
        while let frame = try nextFrame() {
            if let message = try take(frame) { messages.append(message) }
        }
        if offset > 0 {
            buffer.removeFirst(offset)
            offset = 0
        }
        return messages
    }

    private struct Frame {
        var isFinal: Bool
        var opcode: UInt8
        var payload: [UInt8]
    }

    /// nil: more bytes are needed.
    private mutating func nextFrame() throws(WebSocketError) -> Frame? {
        let available: Int = buffer.count - offset
        guard available >= 2 else { return nil }
        let first: UInt8 = buffer[offset]
        let second: UInt8 = buffer[offset + 1]
        guard first & 0x70 == 0 else { throw .violation(code: 1002, reason: "reserved bits are set") }
        guard (second & 0x80 != 0) == expectsMask else {
            throw .violation(code: 1002, reason: expectsMask ? "a frame is not masked" : "a frame is masked")
        }
        var head: Int = 2
        var length: Int = Int(second & 0x7f)
        if length >= 126 {
            let bytes: Int = length == 126 ? 2 : 8
            guard available >= 2 + bytes else { return nil }
            length = 0
            for index in 0..<bytes {
                guard length <= Self.payloadLimit else { break }
                length = length << 8 | Int(buffer[offset + 2 + index])
            }
            head += bytes
        }
        guard length <= Self.payloadLimit else { throw .violation(code: 1009, reason: "a frame is too large") }
        let maskLength: Int = expectsMask ? 4 : 0
        guard available >= head + maskLength + length else { return nil }
        var payload: [UInt8] = Array(buffer[(offset + head + maskLength)..<(offset + head + maskLength + length)])
        if expectsMask {
            for index in payload.indices { payload[index] ^= buffer[offset + head + index & 3] }
        }
        offset += head + maskLength + length
        return Frame(isFinal: first & 0x80 != 0, opcode: first & 0x0f, payload: payload)
    }

    private mutating func take(_ frame: Frame) throws(WebSocketError) -> WebSocketMessage? {
        if frame.opcode >= 8 { return try Self.control(frame) }
        if frame.opcode == 0 {
            guard var known = fragments else {
                throw .violation(code: 1002, reason: "a continuation without a beginning")
            }
            known.payload += frame.payload
            guard known.payload.count <= Self.payloadLimit else {
                throw .violation(code: 1009, reason: "a message is too large")
            }
            fragments = frame.isFinal ? nil : known
            return frame.isFinal ? try Self.data(known.opcode, known.payload) : nil
        }
        guard fragments == nil else {
            throw .violation(code: 1002, reason: "a new message inside a fragmented one")
        }
        if frame.isFinal { return try Self.data(frame.opcode, frame.payload) }
        fragments = (frame.opcode, frame.payload)
        return nil
    }

    private static func data(_ opcode: UInt8, _ payload: [UInt8]) throws(WebSocketError) -> WebSocketMessage {
        switch opcode {
        case 1: return .text(payload)
        case 2: return .binary(payload)
        default: throw .violation(code: 1002, reason: "unknown opcode \(opcode)")
        }
    }

    private static func control(_ frame: Frame) throws(WebSocketError) -> WebSocketMessage {
        guard frame.isFinal, frame.payload.count <= 125 else {
            throw .violation(code: 1002, reason: "a control frame is fragmented or too long")
        }
        switch frame.opcode {
        case 8:
            guard frame.payload.count >= 2 else { return .close(code: 1005) }
            return .close(code: UInt16(frame.payload[0]) << 8 | UInt16(frame.payload[1]))
        case 9: return .ping(frame.payload)
        case 10: return .pong(frame.payload)
        default: throw .violation(code: 1002, reason: "unknown opcode \(frame.opcode)")
        }
    }
}

/// Writes the frames that a server sends: whole messages, not masked.
package enum WebSocketWriter {
    package static func binary(_ payload: [UInt8]) -> [UInt8] { frame(0x2, payload) }
    package static func text(_ payload: [UInt8]) -> [UInt8] { frame(0x1, payload) }
    package static func pong(_ payload: [UInt8]) -> [UInt8] { frame(0xA, payload) }

    package static func close(code: UInt16, reason: String = "") -> [UInt8] {
        frame(0x8, [UInt8(code >> 8), UInt8(code & 0xff)] + Array(reason.utf8.prefix(123)))
    }

    private static func frame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [0x80 | opcode]
        out.reserveCapacity(payload.count + 10)
        switch payload.count {
        case ..<126: out.append(UInt8(payload.count))
        case ..<65536: out += [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
        default:
            out.append(127)
            for shift in stride(from: 56, through: 0, by: -8) {
                out.append(UInt8(truncatingIfNeeded: payload.count >> shift))
            }
        }
        return out + payload
    }
}
