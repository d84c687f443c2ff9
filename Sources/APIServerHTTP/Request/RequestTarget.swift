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
        let question: String.Index = target.firstIndex(of: "?") ?? target.endIndex
        let raw: Substring = target[..<question]
        guard raw.utf8.first == UInt8(ascii: "/") else { throw .badPath("the path must begin with a slash") }
        query = question == target.endIndex ? [] : try Self.parse(query: target[target.index(after: question)...])
        var segments: [String] = []
        var rawSegments: [Substring] = []
        let parts: [Substring] = raw.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        let isProxy: Bool = raw.contains("/proxy/")
        for (index, part) in parts.enumerated() {
            // One slash at the end is allowed.
            if part.isEmpty, index == parts.count - 1 { continue }
            guard let segment = Self.decode(part, plusIsSpace: false) else {
                throw .badPath("invalid percent encoding in the path")
            }
            let isStrict: Bool = !isProxy || !rawSegments.contains("proxy")
            if isStrict {
                guard !part.isEmpty, segment != ".", segment != "..", !segment.utf8.contains(UInt8(ascii: "/")),
                    !segment.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") })
                else { throw .badPath("invalid path segment") }
            }
            segments.append(segment)
            rawSegments.append(part)
        }
        path = "/" + segments.joined(separator: "/")
        resource = Self.resource(segments, rawSegments)
    }

    private static func resource(_ segments: [String], _ raw: [Substring]) -> Resource? {
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
        if segments.count > index + 3 { resource.rest = "/" + raw[(index + 3)...].joined(separator: "/") }
        return resource
    }

    private static func parse(query: Substring) throws(Failure) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for part in query.split(separator: "&") {
            let equals: Substring.Index = part.firstIndex(of: "=") ?? part.endIndex
            let value: Substring = equals == part.endIndex ? "" : part[part.index(after: equals)...]
            guard let name = decode(part[..<equals], plusIsSpace: true),
                let decoded = decode(value, plusIsSpace: true)
            else { throw .badQuery("invalid percent encoding in the query") }
            pairs.append((name, decoded))
        }
        return pairs
    }

    /// Nil for an incomplete escape or for bytes that are no UTF-8.
    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        if !text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) { return String(text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest: Substring.UTF8View = text.utf8
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
