/// Names of documents in caches: 64-bit FNV-1a in hexadecimal digits. For caches, not against forgers.
enum ContentHash {
    static func of(_ bytes: [UInt8]) -> String {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        let digits: String = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// As an `ETag` has it, with quotes.
    static func tag(_ bytes: [UInt8]) -> String { "\"\(of(bytes))\"" }

    /// Whether an `If-None-Match` names the tag: it is a list, and its members may be weak.
    static func matches(_ field: String, _ tag: String) -> Bool { field == "*" || field.contains(tag) }
}
