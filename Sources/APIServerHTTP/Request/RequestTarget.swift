package import APIMachinery

/// What a method and a target mean, before anybody is asked.
///
///     /api/v1/namespaces/{namespace}/{resource}/{name}/{subresource}/{rest…}
///     /apis/{group}/{version}/{resource}/{name}/…
///
/// Strict: what could be read in two ways (`//`, `.`, `..`, encoded slashes, control characters) is refused.
package struct RequestTarget: Sendable {
    package enum Failure: Error, Sendable, Equatable {
        case badPath(String)
        case badQuery(String)
    }

    /// Decoded, without query.
    package var path: String
    package var query: [(name: String, value: String)]
    /// Nil: a non-resource request.
    package var resource: Resource?

    package struct Resource: Sendable {
        package var gvr: GroupVersionResource
        package var namespace: String = ""
        package var name: String = ""
        package var subresource: String = ""
        /// Behind the subresource, for proxies: `/a/b`, still encoded; empty if there is none.
        package var rest: String = ""
        /// The old form `/api/v1/watch/…`.
        package var isLegacyWatch: Bool = false
    }

    package init(_ target: String) throws(Failure) {
        let question: String.Index = target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        let raw: Substring.UTF8View = target.utf8[..<question]
        guard raw.first == Self.slash else { throw .badPath("the path must begin with a slash") }
        query =
            question == target.endIndex ? [] : try Self.parse(query: target.utf8[target.utf8.index(after: question)...])
        var parts: [Substring.UTF8View] = raw.dropFirst().split(
            separator: Self.slash, omittingEmptySubsequences: false)
        // One slash at the end is allowed.
        if let last = parts.last, last.isEmpty { parts.removeLast() }
        var segments: [String] = []
        segments.reserveCapacity(parts.count)
        // What is behind a proxy is another server's.
        var isStrict: Bool = true
        for part in parts {
            guard let segment = Self.decode(part, plusIsSpace: false) else {
                throw .badPath("invalid percent encoding in the path")
            }
            if isStrict, !Self.isClear(segment) { throw .badPath("invalid path segment") }
            segments.append(segment)
            if part.elementsEqual("proxy".utf8), part.endIndex != raw.endIndex { isStrict = false }
        }
        path = "/" + segments.joined(separator: "/")
        resource = Self.resource(segments, parts)
    }

    private static let slash = UInt8(ascii: "/")

    /// Whether there is only one way to understand it.
    private static func isClear(_ segment: String) -> Bool {
        let isOdd: Bool = segment.utf8.contains {
            $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") || $0 == slash
        }
        return !isOdd && !segment.isEmpty && segment != "." && segment != ".."
    }

    private static func resource(_ segments: [String], _ raw: [Substring.UTF8View]) -> Resource? {
        var index: Int
        let group: String
        switch segments.first {
        case "api" where segments.count > 2:
            group = ""
            index = 2
        case "apis" where segments.count > 3:
            group = segments[1]
            index = 3
        default: return nil
        }
        let version: String = segments[index - 1]
        let isLegacyWatch: Bool = segments[index] == "watch" && segments.count > index + 1
        if isLegacyWatch { index += 1 }
        var resource = Resource(gvr: GroupVersionResource(group: group, version: version, resource: segments[index]))
        resource.isLegacyWatch = isLegacyWatch
        if segments[index] == "namespaces", group.isEmpty, segments.count > index + 1 {
            let namespace: String = segments[index + 1]
            let isOwnSubresource: Bool =
                segments.count > index + 2 && ["finalize", "status"].contains(segments[index + 2])
            if segments.count == index + 2 || isOwnSubresource {
                resource.name = namespace
                if isOwnSubresource { resource.subresource = segments[index + 2] }
                return resource
            }
            resource.namespace = namespace
            index += 2
            resource.gvr.resource = segments[index]
        } else if segments[index] == "namespaces", segments.count > index + 2 {
            resource.namespace = segments[index + 1]
            index += 2
            resource.gvr.resource = segments[index]
        }
        if segments.count > index + 1 { resource.name = segments[index + 1] }
        if segments.count > index + 2 { resource.subresource = segments[index + 2] }
        if segments.count > index + 3 { resource.rest = rest(raw[(index + 3)...]) }
        return resource
    }

    private static func rest(_ parts: ArraySlice<Substring.UTF8View>) -> String {
        parts.map { "/" + String(Substring($0)) }.joined()
    }

    private static func parse(query: Substring.UTF8View) throws(Failure) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for part in query.split(separator: UInt8(ascii: "&")) {
            let end: String.Index = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            guard let name = decode(part[..<end], plusIsSpace: true),
                let decoded = decode(part[end...].dropFirst(), plusIsSpace: true)
            else { throw .badQuery("invalid percent encoding in the query") }
            pairs.append((name, decoded))
        }
        return pairs
    }

    /// Nil for an incomplete escape or for bytes that are no UTF-8.
    private static func decode(_ text: Substring.UTF8View, plusIsSpace: Bool) -> String? {
        if !text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) {
            return String(Substring(text))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest: Substring.UTF8View = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+"), plusIsSpace {
                bytes.append(0x20)
            } else if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst().flatMap({ hex($0) }), let low = rest.popFirst().flatMap({ hex($0) })
                else { return nil }
                bytes.append(high << 4 | low)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hex(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - 0x61 + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - 0x41 + 10
        default: nil
        }
    }

    // MARK: - Verbs

    package func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    /// Nil: a method that no resource has.
    package func verb(method: String) -> APIRequest.Verb? {
        guard let resource else { return nil }
        switch method {
        case "GET", "HEAD":
            let asked: String? = queryValue("watch")
            let isWatch: Bool =
                resource.subresource.isEmpty
                && (resource.isLegacyWatch || asked.map { $0 != "false" && $0 != "0" } ?? false)
            if isWatch { return .watch }
            return resource.name.isEmpty ? .list : .get
        case "POST": return .create
        case "PUT": return .update
        case "PATCH": return .patch
        case "DELETE": return resource.name.isEmpty ? .deletecollection : .delete
        default: return nil
        }
    }
}
