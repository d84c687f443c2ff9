/// The rules that give pods' packets the node's address when they leave the cluster: an nftables table per address family,
/// put there in one transaction, the same for all pods.
package struct PodMasquerade: Sendable, Equatable {
    package var table: String
    package var ranges: [PodNetworkConfiguration.Range]

    package init(_ network: PodNetworkConfiguration) {
        table = network.name + "-pods"
        ranges = network.ranges
    }

    /// Declaring, deleting and declaring again replaces a table whether or not it was there.
    /// Multicast keeps its source, as upstream's masquerading does.
    package var script: String {
        ranges.map { range in
            let family = range.isIPv6 ? "ip6" : "ip"
            let multicast = range.isIPv6 ? "ff00::/8" : "224.0.0.0/4"
            return """
                table \(family) \(table)
                delete table \(family) \(table)
                table \(family) \(table) {
                    chain postrouting {
                        type nat hook postrouting priority srcnat; policy accept;
                        \(family) saddr \(range.node) \(family) daddr != { \(range.cluster), \(multicast) } masquerade
                    }
                }

                """
        }.joined()
    }

    package func install() throws(Subprocess.Error) {
        try Subprocess.run(["nft", "-f", "-"], input: Array(script.utf8), timeout: .seconds(10))
    }
}
