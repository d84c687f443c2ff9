/// What a client may ask of a container's log: the query of `pods/log`, and of the kubelet's `containerLogs`.
package struct LogQuery: Sendable, Equatable {
    package var container: String = ""
    package var follow: Bool = false
    package var previous: Bool = false
    package var timestamps: Bool = false
    package var sinceSeconds: Int?
    /// RFC 3339.
    package var sinceTime: String?
    package var tailLines: Int?
    package var limitBytes: Int?

    package init() {}

    /// What a value that is no number is called by the text.
    package struct Malformed: Error, Sendable, Equatable {
        package var name: String
        package var value: String
    }

    package init(_ query: QueryString) throws(Malformed) {
        container = query["container"] ?? ""
        follow = query.flag("follow")
        previous = query.flag("previous")
        timestamps = query.flag("timestamps")
        sinceSeconds = try Self.number(query, "sinceSeconds")
        if let time = query["sinceTime"], !time.isEmpty { sinceTime = time }
        tailLines = try Self.number(query, "tailLines")
        limitBytes = try Self.number(query, "limitBytes")
    }

    private static func number(_ query: QueryString, _ name: String) throws(Malformed) -> Int? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let value = Int(text) else { throw Malformed(name: name, value: text) }
        return value
    }

    /// For the kubelet; its path names the container.
    package var query: QueryString {
        var query = QueryString()
        if follow { query.append("follow", "true") }
        if let limitBytes { query.append("limitBytes", String(limitBytes)) }
        if previous { query.append("previous", "true") }
        if let sinceSeconds { query.append("sinceSeconds", String(sinceSeconds)) }
        if let sinceTime { query.append("sinceTime", sinceTime) }
        if let tailLines { query.append("tailLines", String(tailLines)) }
        if timestamps { query.append("timestamps", "true") }
        return query
    }
}
