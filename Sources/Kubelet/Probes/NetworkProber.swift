/// Asks containers over the network, for probes and hooks. An adapter over sockets.
package protocol NetworkProber: Sendable {
    /// One HTTP GET. Redirects are followed within the host; one that leads elsewhere counts as success.
    func http(_ request: HTTPProbeRequest) async -> NetworkProbeResult
    /// Opens a connection and closes it.
    func tcp(host: String, port: Int, timeout: Duration) async -> NetworkProbeResult
    /// `grpc.health.v1.Health/Check`.
    func grpc(host: String, port: Int, service: String, timeout: Duration) async -> NetworkProbeResult
}

package struct HTTPProbeRequest: Sendable, Equatable {
    /// HTTPS without verification of the certificate, as upstream.
    package var isSecure: Bool
    package var host: String
    package var port: Int
    /// Path and query, beginning with `/`.
    package var path: String
    /// In order. `Host`, `User-Agent` and `Accept` are set unless they are here.
    package var headers: [(name: String, value: String)]
    package var timeout: Duration

    package init(
        isSecure: Bool, host: String, port: Int, path: String, headers: [(name: String, value: String)],
        timeout: Duration
    ) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.path = path
        self.headers = headers
        self.timeout = timeout
    }

    package static func == (one: HTTPProbeRequest, other: HTTPProbeRequest) -> Bool {
        one.isSecure == other.isSecure && one.host == other.host && one.port == other.port && one.path == other.path
            && one.timeout == other.timeout
            && one.headers.elementsEqual(other.headers) { $0.name == $1.name && $0.value == $1.value }
    }

    /// `http://10.244.0.5:8080/healthz`
    package var url: String {
        let bracketed: String = host.contains(":") ? "[\(host)]" : host
        return "\(isSecure ? "https" : "http")://\(bracketed):\(port)\(path)"
    }
}

package enum NetworkProbeResult: Sendable, Equatable {
    case success
    /// It answered, and wrongly, or not at all: the message as an event shows it.
    case failure(String)
}
