/// As much of an image's name as defaults need.
package enum ImageReference {
    /// `Always` for the tag `latest`, written or implied; else `IfNotPresent`.
    package static func defaultPullPolicy(_ image: String) -> String {
        tag(image) == "latest" ? "Always" : "IfNotPresent"
    }

    /// The tag; `latest` if there is neither tag nor digest, empty if there is a digest only.
    package static func tag(_ image: String) -> String {
        let bytes: [UInt8] = Array(image.utf8)
        let end: Int = bytes.firstIndex(of: UInt8(ascii: "@")) ?? bytes.count
        let start: Int = bytes[..<end].lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        if let colon = bytes[start..<end].firstIndex(of: UInt8(ascii: ":")) {
            return String(decoding: bytes[(colon + 1)..<end], as: UTF8.self)
        }
        return end < bytes.count ? "" : "latest"
    }
}
