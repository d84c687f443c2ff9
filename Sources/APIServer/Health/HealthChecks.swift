package import APIMachinery
import Synchronization

/// `/healthz`, `/livez` and `/readyz`, with their checks by name and `?verbose`.
package final class HealthChecks: NonResourceHandler {
    package struct Check: Sendable {
        package var name: String
        /// Nil: all is well; else why not.
        package var failure: @Sendable () -> String?
        /// Ready only, not alive: a failure means "wait", not "restart".
        package var isReadiness: Bool

        package init(_ name: String, isReadiness: Bool = false, failure: @escaping @Sendable () -> String?) {
            self.name = name
            self.failure = failure
            self.isReadiness = isReadiness
        }
    }

    private struct State {
        var hasStarted: Bool = false
        var isStopping: Bool = false
        var extra: [Check] = []
    }

    private let state = Mutex(State())
    private let feed: CacheFeed

    init(feed: CacheFeed) {
        self.feed = feed
    }

    /// Adds a check, such as one of a component's start.
    package func add(_ check: Check) {
        state.withLock { $0.extra.append(check) }
    }

    func started() { state.withLock { $0.hasStarted = true } }
    /// From now on not ready: load balancers send new requests elsewhere.
    package func stopping() { state.withLock { $0.isStopping = true } }

    package var isReady: Bool { failures(readiness: true).isEmpty }

    private func checks(readiness: Bool) -> [Check] {
        let (extra, hasStarted, isStopping): ([Check], Bool, Bool) = state.withLock {
            ($0.extra, $0.hasStarted, $0.isStopping)
        }
        let feed: CacheFeed = feed
        var checks: [Check] = [Check("ping") { nil }, Check("etcd") { feed.failure }]
        if readiness {
            checks.append(Check("informer-sync") { hasStarted ? nil : "the watch caches are being loaded" })
            checks.append(Check("shutdown") { isStopping ? "the server is shutting down" : nil })
        }
        return checks + extra.filter { readiness || !$0.isReadiness }
    }

    private func failures(readiness: Bool) -> [String] {
        checks(readiness: readiness).compactMap { check in check.failure().map { "\(check.name): \($0)" } }
    }

    package var paths: [String] { ["/healthz*", "/livez*", "/readyz*"] }

    package func handle(_ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse {
        let parts: [Substring] = request.path.split(separator: "/")
        guard let endpoint = parts.first, ["healthz", "livez", "readyz"].contains(String(endpoint)), parts.count <= 2
        else { return .text("404 page not found\n", code: 404) }
        let all: [Check] = checks(readiness: endpoint == "readyz")
        if parts.count == 2 {
            guard let check = all.first(where: { $0.name == parts[1] }) else {
                return .text("404 page not found\n", code: 404)
            }
            if let failure = check.failure() { return .text("internal server error: \(failure)\n", code: 500) }
            return .text("ok")
        }
        let excluded: Set<String> = Set(request.query.filter { $0.name == "exclude" }.map { $0.value })
        var text: String = ""
        var failed: Bool = false
        for check in all {
            if excluded.contains(check.name) {
                text += "[+]\(check.name) excluded: ok\n"
            } else if check.failure() != nil {
                text += "[-]\(check.name) failed: reason withheld\n"
                failed = true
            } else {
                text += "[+]\(check.name) ok\n"
            }
        }
        if failed { return .text(text + "\(endpoint) check failed\n", code: 500) }
        return .text(request.queryValue("verbose") == nil ? "ok" : text + "\(endpoint) check passed\n")
    }
}
