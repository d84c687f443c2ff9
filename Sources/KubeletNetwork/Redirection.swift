import Kubelet

/// Where a `Location` header leads.
enum Redirection {
    /// nil: to something that is no HTTP address.
    static func follow(_ location: String, from request: HTTPProbeRequest) -> HTTPProbeRequest? {
        var next: HTTPProbeRequest = request
        var rest = Substring(location)
        if let scheme = rest.range(of: "://") {
            switch rest[..<scheme.lowerBound].lowercased() {
            case "http": next.isSecure = false
            case "https": next.isSecure = true
            default: return nil
            }
            rest = rest[scheme.upperBound...]
        } else if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
        } else {
            next.path = rest.hasPrefix("/") ? String(rest) : directory(request.path) + rest
            return next
        }
        let end: Substring.Index = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        let tail: Substring = rest[end...]
        next.path = tail.hasPrefix("/") ? String(tail) : "/" + tail
        guard let (host, port) = authority(rest[..<end]) else { return nil }
        next.host = host
        next.port = port ?? (next.isSecure ? 443 : 80)
        return next
    }

    private static func directory(_ path: String) -> String {
        let plain: Substring = path.prefix { $0 != "?" }
        guard let slash = plain.lastIndex(of: "/") else { return "/" }
        return String(plain[...slash])
    }

    private static func authority(_ text: Substring) -> (String, Int?)? {
        let text: Substring = text.lastIndex(of: "@").map { text[text.index(after: $0)...] } ?? text
        if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
            let port: Substring = text[text.index(after: close)...].drop { $0 == ":" }
            return (String(text[text.index(after: text.startIndex)..<close]), Int(port))
        }
        let parts: [Substring] = text.split(separator: ":", maxSplits: 1)
        guard let host = parts.first else { return nil }
        return (String(host), parts.count == 2 ? Int(parts[1]) : nil)
    }
}

extension Substring {
    fileprivate func range(of text: String) -> Range<Substring.Index>? {
        var start: Substring.Index = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
