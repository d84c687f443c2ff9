import NodeSetup

/// What `swiftlet up` was told, complete.
struct ClusterConfiguration: Sendable {
    var paths: NodePaths
    /// The address that the API server listens on.
    var bindAddress: String
    var port: Int
    var kubeletPort: Int
    var nodeName: String
    /// The node's addresses as pods and other machines reach it; the first is the main one.
    var addresses: [String]
    /// A CRI socket of somebody else's runtime; nil: Swiftlet runs a containerd of its own.
    var runtimeEndpoint: String?
    var hasNode: Bool
    var isVerbose: Bool
    var access = AccessConfiguration()

    static let podNetwork: String = "10.244.0.0/16"
    static let serviceNetwork: String = "10.96.0.0/16"
    /// The first address of the service network: the `kubernetes` Service.
    static let serviceAddress: String = "10.96.0.1"
    static let dnsAddress: String = "10.96.0.10"
    static let domain: String = "cluster.local"
    /// Where the DNS server listens on the node's own address, for who is led there by rules for Services. Not 53, which
    /// the machine may need for itself.
    static let dnsNodePort: Int = 10053
    /// Of the DNS server, as upstream.
    static let dnsMetricsPort: Int = 9153

    var files: ClusterFiles { ClusterFiles(paths) }

    /// Where local clients reach the API server.
    var serverURL: String {
        let host: String = bindAddress == "0.0.0.0" || bindAddress == "::" ? "127.0.0.1" : bindAddress
        return "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    /// Every name under which the API server may be asked for.
    var serverNames: [String] {
        [
            "kubernetes", "kubernetes.default", "kubernetes.default.svc",
            "kubernetes.default.svc.\(Self.domain)", "localhost", nodeName,
        ]
    }

    var serverAddresses: [String] {
        var known: [String] = ["127.0.0.1", "::1", Self.serviceAddress]
        for address in addresses where !known.contains(address) { known.append(address) }
        if bindAddress != "0.0.0.0" && bindAddress != "::" && !known.contains(bindAddress) { known.append(bindAddress) }
        return known
    }
}
