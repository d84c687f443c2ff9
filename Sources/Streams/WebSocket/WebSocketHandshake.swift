/// The opening of a WebSocket connection, seen from the server (RFC 6455 §4.2).
package enum WebSocketHandshake {
    private static let suffix: String = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    private static let alphabet: [UInt8] = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The answer to a client's key; nil if that is not 16 bytes in base64.
    package static func accept(key: String) -> String? {
        let bytes: [UInt8] = Array(key.utf8)
        guard bytes.count == 24, bytes.hasSuffix("=="), bytes.prefix(22).allSatisfy({ alphabet.contains($0) }) else {
            return nil
        }
        return base64(SHA1.digest(bytes + Array(suffix.utf8)))
    }

    /// The protocols that a client offers, in its order: fields may be repeated, and hold lists.
    package static func protocols(_ fields: [String]) -> [String] {
        fields.flatMap { $0.split(separator: ",") }.map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    static func base64(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count: Int = min(3, bytes.count - start)
            var group: UInt32 = 0
            for index in 0..<3 { group = group << 8 | (index < count ? UInt32(bytes[start + index]) : 0) }
            for index in 0..<4 {
                out.append(index <= count ? alphabet[Int(group >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

extension [UInt8] {
    fileprivate func hasSuffix(_ text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
