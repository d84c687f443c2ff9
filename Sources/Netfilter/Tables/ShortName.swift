/// Names of chains and sets for things whose own names may be longer than the kernel takes (127 bytes for a chain).
package enum ShortName {
    package static func make(_ prefix: String, _ text: String) -> String {
        let full: String = prefix + text
        return full.utf8.count <= 110 ? full : "\(full.prefix(90))-\(digest(text))"
    }

    /// FNV-1a, 64 bits, in hexadecimal.
    package static func digest(_ text: String) -> String {
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(digest, radix: 16)
    }
}
