/// A plain HTTP address, as a runtime gives it for one stream: `http://127.0.0.1:36789/exec/Uo3rZ4yP`.
package struct StreamURL: Sendable, Equatable {
    package var host: String
    package var port: Int
    /// Path and query.
    package var target: String
    /// Host and port as they were written.
    package var authority: String

    /// Nil if it is something else.
    package init?(_ text: String) {
        let scheme: String = "http://"
        guard text.hasPrefix(scheme) else { return nil }
        let rest: Substring = text.dropFirst(scheme.count)
        let slash: Substring.Index = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority: Substring = rest[..<slash]
        target = slash == rest.endIndex ? "/" : String(rest[slash...])
        self.authority = String(authority)
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            let tail: Substring = authority[authority.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":"), let port = tail.isEmpty ? 80 : Int(tail.dropFirst()) else {
                return nil
            }
            self.port = port
        } else {
            let parts: [Substring] = authority.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, !parts[0].isEmpty, let port = parts.count == 2 ? Int(parts[1]) : 80 else {
                return nil
            }
            host = String(parts[0])
            self.port = port
        }
        guard (1...65535).contains(port) else { return nil }
    }
}
