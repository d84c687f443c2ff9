package import HTTPServer
package import Streams

/// The heads that a proxy hands on: without what belongs to one connection or is for us alone.
package enum ProxyHead {
    /// RFC 9110 §7.6.1.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    /// Who asked, and how, is ours to know.
    private static func isOurs(_ name: String) -> Bool {
        name == "authorization" || name == "host" || name == "content-length" || name == "expect"
            || name.hasPrefix("impersonate-") || name.hasPrefix("x-remote-")
    }

    /// What the backend gets.
    ///
    /// - Parameter keepsUpgrade: it may switch protocols.
    package static func request(_ http: HTTPRequest, prefix: String, keepsUpgrade: Bool) -> [HTTP1ResponseHead.Field] {
        let named: Set<String> = Set(
            http.fields.values("connection").flatMap { $0.lowercased().split(separator: ",") }
                .map { String($0.filter { $0 != " " && $0 != "\t" }) })
        var fields: [HTTP1ResponseHead.Field] = []
        var forwarded: String = ""
        for field in http.fields.fields {
            let isHop: Bool = hopByHop.contains(field.name) || named.contains(field.name)
            if isOurs(field.name) || isHop { continue }
            if field.name == "x-forwarded-for" {
                forwarded += field.value + ", "
            } else {
                fields.append(HTTP1ResponseHead.Field(field.name, field.value))
            }
        }
        if keepsUpgrade, let upgrade = http.fields["upgrade"] {
            fields.append(HTTP1ResponseHead.Field("connection", "Upgrade"))
            fields.append(HTTP1ResponseHead.Field("upgrade", upgrade))
        } else {
            fields.append(HTTP1ResponseHead.Field("connection", "close"))
        }
        fields.append(HTTP1ResponseHead.Field("x-forwarded-for", forwarded + http.connection.remoteHost))
        fields.append(HTTP1ResponseHead.Field("x-forwarded-uri", prefix))
        if let host = http.fields["host"] { fields.append(HTTP1ResponseHead.Field("x-forwarded-host", host)) }
        fields.append(HTTP1ResponseHead.Field("x-forwarded-proto", http.connection.isTLS ? "https" : "http"))
        return fields
    }

    /// What the client gets.
    package static func answer(_ head: HTTP1ResponseHead, place: ProxyPlace, host: String, prefix: String) -> HTTPFields
    {
        var fields = HTTPFields()
        for field in head.fields where !hopByHop.contains(field.name) && field.name != "date" {
            let value: String =
                field.name == "location"
                ? location(field.value, place: place, host: host, prefix: prefix) : field.value
            fields.append(field.name, value)
        }
        return fields
    }

    /// A redirection within the backend leads through the proxy again; one to elsewhere stays as it is.
    package static func location(_ text: String, place: ProxyPlace, host: String, prefix: String) -> String {
        var path: Substring = text[...]
        for scheme in ["http://", "https://", "//"] where text.lowercased().hasPrefix(scheme) {
            let rest: Substring = text.dropFirst(scheme.count)
            let end: Substring.Index = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
            let authority: Substring = rest[..<end]
            guard authority == place.authority || authority == place.host || authority == host else { return text }
            path = rest[end...]
            if !path.hasPrefix("/") { path = "/" + path }
            break
        }
        guard path.hasPrefix("/") else { return text }
        return path.hasPrefix(prefix) ? String(path) : prefix + path
    }
}
