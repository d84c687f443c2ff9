/// Standard base64 with padding (RFC 4648, section 4).
package enum Base64 {
    private static let letters: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// The bytes a text stands for; nil if it is not base64. Line breaks are ignored, as in Go.
    package static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0
        var count: Int = 0
        var padding: Int = 0
        for byte in text {
            if byte == 0x0a || byte == 0x0d { continue }
            if padding > 0 || byte == UInt8(ascii: "=") {
                guard byte == UInt8(ascii: "="), count + padding < 4 else { return nil }
                padding += 1
                continue
            }
            guard let digit = digit(byte) else { return nil }
            group = group << 6 | UInt32(digit)
            count += 1
            if count == 4 {
                bytes.append(UInt8(truncatingIfNeeded: group >> 16))
                bytes.append(UInt8(truncatingIfNeeded: group >> 8))
                bytes.append(UInt8(truncatingIfNeeded: group))
                (group, count) = (0, 0)
            }
        }
        switch (count, padding) {
        case (0, 0):
            break
        case (2, 2):
            bytes.append(UInt8(truncatingIfNeeded: group >> 4))
        case (3, 1):
            bytes.append(UInt8(truncatingIfNeeded: group >> 10))
            bytes.append(UInt8(truncatingIfNeeded: group >> 2))
        default:
            return nil
        }
        return bytes
    }

    /// The bytes a text stands for; nil if it is not base64.
    package static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { decode($0) }
    }

    package static func encode(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: encodedCount(bytes.count)) { text in
            guard let start = text.baseAddress else { return 0 }
            return write(bytes, to: start)
        }
    }

    static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Writes `encodedCount` bytes, and returns how many those were.
    static func write(_ bytes: [UInt8], to start: UnsafeMutablePointer<UInt8>) -> Int {
        let letters = letters.utf8Start
        var out: Int = 0
        var at: Int = 0
        while at < bytes.count {
            let left = bytes.count - at
            var group: Int = Int(bytes[at]) << 16
            if left > 1 { group |= Int(bytes[at + 1]) << 8 }
            if left > 2 { group |= Int(bytes[at + 2]) }
            start[out] = letters[group >> 18]
            start[out + 1] = letters[group >> 12 & 63]
            start[out + 2] = left > 1 ? letters[group >> 6 & 63] : UInt8(ascii: "=")
            start[out + 3] = left > 2 ? letters[group & 63] : UInt8(ascii: "=")
            out += 4
            at += 3
        }
        return out
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
