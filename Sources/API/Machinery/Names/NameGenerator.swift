/// Names made from randomness that the caller gives.
package enum NameGenerator {
    /// Letters and digits without vowels and look-alikes, so that no words appear: upstream's alphabet.
    static let alphabet: [UInt8] = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
    /// Generated names are labels of RFC 1123.
    package static let maximumLength: Int = 63
    package static let suffixLength: Int = 5

    /// The name for `generateName`: the base, cut to leave room, and five random characters.
    package static func name(base: String, using generator: inout some RandomNumberGenerator) -> String {
        let kept: Int = maximumLength - suffixLength
        let short: String = base.utf8.count > kept ? String(decoding: base.utf8.prefix(kept), as: UTF8.self) : base
        return short + suffix(length: suffixLength, using: &generator)
    }

    package static func suffix(length: Int, using generator: inout some RandomNumberGenerator) -> String {
        let bytes: [UInt8] = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Text in the alphabet above: each byte becomes one of its characters (upstream's `SafeEncodeString`).
    package static func safelyEncoded(_ text: String) -> String {
        let bytes: [UInt8] = text.utf8.map { alphabet[Int($0) % alphabet.count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A random (version 4) UUID in lower case.
    package static func uuid(using generator: inout some RandomNumberGenerator) -> String {
        let high: UInt64 = (generator.next() & ~0xF000) | 0x4000
        let low: UInt64 = (generator.next() & ~(3 << 62)) | (2 << 62)
        let digits: [UInt8] = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var at: Int = 0
            for nibble in 0..<32 {
                if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                    buffer[at] = UInt8(ascii: "-")
                    at += 1
                }
                let half: UInt64 = nibble < 16 ? high : low
                let shift: UInt64 = UInt64(15 - nibble % 16) * 4
                buffer[at] = digits[Int(truncatingIfNeeded: (half >> shift) & 0xF)]
                at += 1
            }
            return at
        }
    }
}
