/// A server that is asked for names that are not the cluster's.
package struct Upstream: Hashable, Sendable, CustomStringConvertible {
    package var address: InternetAddress
    package var port: UInt16
    /// The interface of a link-local address.
    package var scope: String?

    package init(_ address: InternetAddress, port: UInt16 = 53, scope: String? = nil) {
        self.address = address
        self.port = port
        self.scope = scope
    }

    package var description: String {
        let host: String = address.description + (scope.map { "%\($0)" } ?? "")
        return address.isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// The servers of a resolv.conf(5), in its order. As many as CoreDNS takes.
    package static func parse(resolvConf text: String) -> [Upstream] {
        var found: [Upstream] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words: [Substring] = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, words[0] == "nameserver" else { continue }
            let parts: [Substring] = words[1].split(separator: "%", maxSplits: 1)
            guard let address = InternetAddress(String(parts[0])) else { continue }
            let upstream = Upstream(address, scope: parts.count > 1 ? String(parts[1]) : nil)
            if !found.contains(upstream) && found.count < 15 { found.append(upstream) }
        }
        return found
    }
}

/// Which upstreams there are, and which of them answer. They are asked in the order of the file, as the node's own
/// resolver does; those that failed lately come last.
struct UpstreamHealth: Sendable {
    private struct State: Sendable {
        var upstream: Upstream
        var failures: Int = 0
        var isLooping: Bool = false
    }

    /// Failures in a row after which a server is thought to be down.
    private static let limit: Int = 2
    /// How often one question tries whether any answers again while all are down.
    private static let probeInterval: Duration = .seconds(1)

    private var states: [State] = []
    private var nextProbe: Duration = .zero

    var upstreams: [Upstream] { states.map(\.upstream) }
    var isEmpty: Bool { !states.contains { !$0.isLooping } }
    var usable: [Upstream] { states.filter { !$0.isLooping }.map(\.upstream) }

    mutating func set(_ upstreams: [Upstream]) {
        states = upstreams.map { upstream in states.first { $0.upstream == upstream } ?? State(upstream: upstream) }
        nextProbe = .zero
    }

    /// The servers to try for a new question, in order; empty: none answers, and that was tried just now.
    mutating func plan(now: Duration) -> [Upstream] {
        let able: [State] = states.filter { !$0.isLooping }
        let healthy: [Upstream] = able.filter { $0.failures < Self.limit }.map(\.upstream)
        let down: [Upstream] = able.filter { $0.failures >= Self.limit }.map(\.upstream)
        if healthy.isEmpty {
            guard now >= nextProbe else { return [] }
            nextProbe = now + Self.probeInterval
            return down
        }
        // A lone lost datagram is no reason to give up.
        return Array((healthy + down + healthy).prefix(4))
    }

    mutating func succeeded(_ upstream: Upstream) { change(upstream) { $0.failures = 0 } }
    mutating func failed(_ upstream: Upstream) { change(upstream) { $0.failures += 1 } }
    mutating func loops(_ upstream: Upstream) { change(upstream) { $0.isLooping = true } }

    private mutating func change(_ upstream: Upstream, _ body: (inout State) -> Void) {
        guard let index = states.firstIndex(where: { $0.upstream == upstream }) else { return }
        body(&states[index])
    }
}
