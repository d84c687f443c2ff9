import Streams

/// What a request to a kubelet is for.
package enum KubeletRoute: Sendable, Equatable {
    /// A container, or for `portForward` a pod (then `container` is empty).
    package struct Target: Sendable, Equatable {
        package var namespace: String
        package var pod: String
        /// Empty: whichever has that name.
        package var uid: String = ""
        package var container: String = ""
    }

    case health
    case pods
    case metrics
    case resourceMetrics
    case summary
    case logs(Target)
    case run(Target)
    case exec(Target)
    case attach(Target)
    case portForward(Target)

    package init?(path: Substring) {
        var parts: [String] = []
        for part in path.split(separator: "/") {
            guard let name = PercentCoding.decode(part.utf8, plusIsSpace: false) else { return nil }
            parts.append(name)
        }
        guard let first = parts.first else { return nil }
        switch (first, parts.count) {
        case ("healthz", 1), ("healthz", 2): self = .health
        case ("pods", 1): self = .pods
        case ("metrics", 1): self = .metrics
        case ("metrics", 2) where parts[1] == "resource": self = .resourceMetrics
        case ("stats", 2) where parts[1] == "summary": self = .summary
        case ("containerLogs", 4):
            self = .logs(Target(namespace: parts[1], pod: parts[2], container: parts[3]))
        case ("portForward", 3): self = .portForward(Target(namespace: parts[1], pod: parts[2]))
        case ("portForward", 4): self = .portForward(Target(namespace: parts[1], pod: parts[2], uid: parts[3]))
        case ("run", 4), ("run", 5), ("exec", 4), ("exec", 5), ("attach", 4), ("attach", 5):
            let uid: String = parts.count == 5 ? parts[3] : ""
            let target = Target(namespace: parts[1], pod: parts[2], uid: uid, container: parts[parts.count - 1])
            switch first {
            case "run": self = .run(target)
            case "exec": self = .exec(target)
            default: self = .attach(target)
            }
        default: return nil
        }
    }

    /// Whether a method may be used for it.
    func allows(_ method: String) -> Bool {
        switch self {
        case .health, .pods, .metrics, .resourceMetrics, .summary, .logs: method == "GET" || method == "HEAD"
        case .run: method == "POST"
        case .exec, .attach, .portForward: method == "GET" || method == "POST"
        }
    }

    /// The subresource of `nodes` that whoever asks must be allowed, by upstream's rule on paths.
    package static func subresource(path: Substring) -> String {
        func isBelow(_ prefix: String) -> Bool { path == prefix || path.hasPrefix(prefix + "/") }
        if isBelow("/stats") { return "stats" }
        if isBelow("/metrics") { return "metrics" }
        if isBelow("/logs") { return "log" }
        if isBelow("/checkpoint") { return "checkpoint" }
        return isBelow("/spec") ? "spec" : "proxy"
    }

    /// The verb for a method, by upstream's table.
    package static func verb(method: String) -> String {
        switch method {
        case "POST": "create"
        case "PUT": "update"
        case "PATCH": "patch"
        case "DELETE": "delete"
        default: "get"
        }
    }
}
