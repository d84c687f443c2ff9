/// An image's name as users write it: `[registry/]path[:tag][@digest]`.
package struct ImageName: Sendable, Equatable {
    /// `docker.io` when the name has none.
    package var registry: String
    package var path: String
    /// Empty: none.
    package var tag: String
    package var digest: String

    package struct Failure: Error, Sendable, Equatable {
        package var message: String
    }

    package init(parsing text: String) throws(Failure) {
        var rest = Substring(text)
        digest = ""
        if let at = rest.firstIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
            guard Self.isDigest(digest) else { throw Failure(message: "invalid reference format") }
        }
        tag = ""
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
            guard Self.isTag(tag) else { throw Failure(message: "invalid reference format") }
        }
        registry = "docker.io"
        let parts: [Substring] = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[0].contains(".") || parts[0].contains(":") || parts[0] == "localhost" {
            registry = String(parts[0])
            rest = parts[1]
        }
        path = String(rest)
        if path.contains(where: \.isUppercase) {
            throw Failure(message: "invalid reference format: repository name must be lowercase")
        }
        let components: [Substring] = rest.split(separator: "/", omittingEmptySubsequences: false)
        guard components.allSatisfy(Self.isComponent), path.utf8.count <= 255 else {
            throw Failure(message: "invalid reference format")
        }
    }

    /// Letters and digits, separated by one of `.`, `_`, `__`, or dashes.
    private static func isComponent(_ component: Substring) -> Bool {
        guard let first = component.utf8.first, let last = component.utf8.last, isAlphanumeric(first),
            isAlphanumeric(last)
        else { return false }
        return component.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2e || $0 == 0x5f || $0 == 0x2d }
            && !component.contains("..") && !component.contains("___")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte)
    }

    private static func isTag(_ tag: String) -> Bool {
        guard let first = tag.utf8.first, first != 0x2e, first != 0x2d, tag.utf8.count <= 128 else { return false }
        return tag.utf8.allSatisfy {
            isAlphanumeric($0) || (0x41...0x5a).contains($0) || $0 == 0x2e || $0 == 0x5f || $0 == 0x2d
        }
    }

    private static func isDigest(_ digest: String) -> Bool {
        let parts: [Substring] = digest.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && parts[1].utf8.count >= 32
            && parts[1].utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Whether nothing but `latest` is named, which is pulled always unless told otherwise.
    package var isLatest: Bool { digest.isEmpty && (tag.isEmpty || tag == "latest") }
}
