/// The rule that gives pods' packets the node's address when they leave the cluster: one nftables table, put
/// there in one transaction, the same for all pods.
package struct PodMasquerade: Sendable, Equatable {
    package var table: String
    package var podCIDR: String
    package var clusterCIDR: String

    package init(_ network: PodNetworkConfiguration) {
        table = network.name + "-pods"
        podCIDR = network.podCIDR
        clusterCIDR = network.clusterCIDR
    }

    /// Declaring, deleting and declaring again replaces the table whether or not it was there.
    /// Multicast keeps its source, as upstream's masquerading does.
    package var script: String {
        """
        table ip \(table)
        delete table ip \(table)
        table ip \(table) {
            chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr \(podCIDR) ip daddr != { \(clusterCIDR), 224.0.0.0/4 } masquerade
            }
        }

        """
    }

    package func install() throws(Subprocess.Error) {
        try Subprocess.run(["nft", "-f", "-"], input: Array(script.utf8), timeout: .seconds(10))
    }
}
