/// The versions of the channel protocol over WebSocket that we speak, best first.
package enum ChannelProtocol: String, Sendable, CaseIterable {
    /// As v4; and a message on channel 255 closes one channel, so that standard input can end.
    case v5 = "v5.channel.k8s.io"
    /// The error channel carries a `Status`.
    case v4 = "v4.channel.k8s.io"
    case v4Base64 = "v4.base64.channel.k8s.io"
    /// The error channel carries text, and terminals cannot be resized.
    case v1 = "channel.k8s.io"
    case v1Base64 = "base64.channel.k8s.io"

    /// The best of those that a client offers; nil if it offers none that we know.
    package static func best(of offered: [String]) -> ChannelProtocol? {
        allCases.first { offered.contains($0.rawValue) }
    }

    package var framing: ChannelFraming {
        switch self {
        case .v5, .v4, .v1: .binary
        case .v4Base64, .v1Base64: .base64
        }
    }

    /// What the kubelet is asked to speak over SPDY.
    package var backend: String {
        switch self {
        case .v5, .v4, .v4Base64: "v4.channel.k8s.io"
        case .v1, .v1Base64: "channel.k8s.io"
        }
    }

    package var hasResize: Bool { backend == "v4.channel.k8s.io" }
}

/// How a message tells its channel.
package enum ChannelFraming: Sendable {
    /// A binary message: the channel's number, then the bytes.
    case binary
    /// A text message: the channel's number as a digit, then the bytes in base64 (RFC 4648 §4).
    case base64

    /// A message to the client.
    package func message(_ channel: UInt8, _ payload: some Collection<UInt8>) -> [UInt8] {
        switch self {
        case .binary: WebSocketWriter.binary([channel] + payload)
        case .base64:
            WebSocketWriter.text([0x30 + channel] + Array(WebSocketHandshake.base64(Array(payload)).utf8))
        }
    }

    /// Channel and bytes of a message from the client; nil if it is none.
    package func content(_ message: [UInt8]) -> (channel: UInt8, payload: [UInt8])? {
        guard let first = message.first else { return nil }
        switch self {
        case .binary: return (first, Array(message.dropFirst()))
        case .base64:
            guard (0x30...0x39).contains(first), let payload = Self.decoded(message.dropFirst()) else { return nil }
            return (first - 0x30, payload)
        }
    }

    /// Nil for characters that do not belong, and for a length that no encoder makes.
    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let digits: ArraySlice<UInt8> = text.last == 0x3D ? text.dropLast(text.dropLast().last == 0x3D ? 2 : 1) : text
        var out: [UInt8] = []
        out.reserveCapacity(digits.count * 3 / 4)
        var pending: UInt32 = 0
        var bits: Int = 0
        for character in digits {
            guard let value = value(character) else { return nil }
            pending = (pending << 6 | value) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                out.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
            }
        }
        return out
    }

    private static func value(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character) + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
