/// The 32-bit FNV-1a hash: the same on every machine and in every run, for names that must be found again.
package struct FNV1a: Sendable {
    package private(set) var value: UInt32 = 2_166_136_261

    package init() {}

    package mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt32(byte)) &* 16_777_619 }
    }

    package mutating func combine(_ text: String) { combine(text.utf8) }

    package static func hash(_ text: String) -> UInt32 {
        var hash = FNV1a()
        hash.combine(text)
        return hash.value
    }

    /// The hash in decimal digits and in the alphabet of generated names, as in `pod-template-hash`.
    package var safeText: String { NameGenerator.safelyEncoded(String(value)) }
}
