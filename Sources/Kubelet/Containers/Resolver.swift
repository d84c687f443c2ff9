package import API

/// How a pod resolves names: the content of its `resolv.conf`.
package struct Resolver: Sendable, Equatable {
    package var servers: [String] = []
    package var searches: [String] = []
    package var options: [String] = []

    package init() {}

    /// The limits of libc that upstream keeps.
    private static let serverLimit: Int = 3
    private static let searchLimit: Int = 32
    private static let searchBytes: Int = 2048

    /// Reads the node's file (resolv.conf(5)): the last `search` and `options` lines count.
    package init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words: [Substring] = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard let keyword = words.first, !keyword.hasPrefix("#"), !keyword.hasPrefix(";") else { continue }
            let values: [String] = words.dropFirst().map(String.init)
            switch keyword {
            case "nameserver": servers += values.prefix(1)
            case "search": searches = values.map { $0 == "." ? $0 : $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
            case "options": options = values
            default: break
            }
        }
    }

    /// The file that pods can use: not one whose servers are all on the node's loopback interface, where pods do not reach
    /// them, when systemd-resolved keeps another one with the servers behind. kubeadm chooses the same.
    package static func file(
        standard: String = "/etc/resolv.conf", behindResolved: String = "/run/systemd/resolve/resolv.conf",
        read: (String) -> String?
    ) -> String {
        let servers: [String] = Resolver(parsing: read(standard) ?? "").servers
        let isLocal: Bool = !servers.isEmpty && servers.allSatisfy { $0.hasPrefix("127.") || $0 == "::1" }
        guard isLocal, let other = read(behindResolved), !Resolver(parsing: other).servers.isEmpty else {
            return standard
        }
        return behindResolved
    }

    /// What the pod asked for. `problem` is an event's message when not all of it could be had.
    package static func of(
        _ pod: Pod, host: Resolver, clusterDNS: [String], clusterDomain: String
    ) -> (resolver: Resolver, problem: (reason: String, message: String)?) {
        var resolver = Resolver()
        var problem: (reason: String, message: String)?
        let wantsCluster: Bool =
            pod.spec.dnsPolicy == "ClusterFirstWithHostNet"
            || (pod.spec.dnsPolicy != "Default" && pod.spec.dnsPolicy != "None" && !pod.spec.hostNetwork)
        if wantsCluster && !clusterDNS.isEmpty {
            resolver.servers = clusterDNS
            let zone: String = "svc.\(clusterDomain)"
            resolver.searches = ["\(pod.metadata.namespace).\(zone)", zone, clusterDomain] + host.searches
            resolver.options = ["ndots:5"]
        } else if pod.spec.dnsPolicy != "None" {
            resolver = host
            if wantsCluster {
                let who: String = PodNames.text(PodIdentity(pod))
                problem = (
                    "MissingClusterDNS",
                    "pod: \"\(who)\". kubelet does not have ClusterDNS IP configured and cannot create Pod using "
                        + "\"ClusterFirst\" policy. Falling back to \"Default\" policy."
                )
            }
        }
        if let config = pod.spec.dnsConfig { resolver.merge(config) }
        resolver.searches = unique(resolver.searches)
        if let cut = resolver.fit() { problem = problem ?? ("DNSConfigForming", cut) }
        return (resolver, problem)
    }

    private mutating func merge(_ config: PodDNSConfig) {
        servers = Self.unique(servers + config.nameservers)
        searches = Self.unique(searches + config.searches)
        for option in config.options {
            let text: String = option.value.map { "\(option.name):\($0)" } ?? option.name
            if let index = options.firstIndex(where: { $0.split(separator: ":").first.map(String.init) == option.name })
            {
                options[index] = text
            } else {
                options.append(text)
            }
        }
    }

    private static func unique(_ values: [String]) -> [String] {
        var seen: Set<String> = []
        return values.filter { seen.insert($0).inserted }
    }

    /// Cuts off what libc would not take; says so.
    private mutating func fit() -> String? {
        var cut: String?
        if servers.count > Self.serverLimit {
            servers = Array(servers.prefix(Self.serverLimit))
            cut =
                "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
                + servers.joined(separator: " ")
        }
        var kept: [String] = []
        var bytes: Int = 0
        for search in searches.prefix(Self.searchLimit) {
            bytes += search.utf8.count + (kept.isEmpty ? 0 : 1)
            if bytes > Self.searchBytes { break }
            kept.append(search)
        }
        if kept.count < searches.count {
            searches = kept
            cut =
                "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
                + kept.joined(separator: " ")
        }
        return cut
    }
}
