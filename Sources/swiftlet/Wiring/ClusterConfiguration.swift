import Controllers
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
    var network: ClusterNetwork
    var batching = EndpointBatching()

    static let domain: String = "cluster.local"
    /// Where the DNS server listens on the node's own address, for who is led there by rules for Services. Not 53, which
    /// the machine may need for itself.
    static let dnsNodePort: Int = 10053
    /// Of the DNS server, as upstream.
    static let dnsMetricsPort: Int = 9153

    /// Of the service proxy, as upstream.
    static let proxyHealthPort: Int = 10256
    static let proxyMetricsPort: Int = 10249

    /// At which this machine serves the cluster over TCP; services do not get them.
    var ownPorts: [Int] {
        [port, kubeletPort, Self.proxyHealthPort, Self.proxyMetricsPort, Self.dnsNodePort, Self.dnsMetricsPort]
    }

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
        var known: [String] = ["127.0.0.1", "::1", network.serviceAddress]
        for address in addresses where !known.contains(address) { known.append(address) }
        if bindAddress != "0.0.0.0" && bindAddress != "::" && !known.contains(bindAddress) { known.append(bindAddress) }
        return known
    }
}
