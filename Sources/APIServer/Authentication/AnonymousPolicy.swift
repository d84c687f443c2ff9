/// For which paths a request without credentials is `system:anonymous`; for others it is 401.
///
/// Upstream's default is everything, and leaves the rest to authorization (`--anonymous-auth`); it can be limited to
/// some paths (`AuthenticationConfiguration`), of which `health` are those that a load balancer needs.
package struct AnonymousPolicy: Sendable, Equatable {
    /// Nil: all paths.
    private let paths: [String]?

    package static let everything = AnonymousPolicy(paths: nil)
    package static let nothing = AnonymousPolicy(paths: [])
    package static let health = AnonymousPolicy(paths: ["/healthz", "/livez", "/readyz"])

    package init(paths: [String]?) {
        self.paths = paths
    }

    /// - Parameter path: decoded, without query.
    package func allows(_ path: String) -> Bool {
        guard let paths else { return true }
        return paths.contains { path == $0 || path.hasPrefix($0 + "/") }
    }
}
