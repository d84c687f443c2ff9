package import API

/// The `/etc/hosts` that the kubelet keeps for a pod, in upstream's form.
package enum HostsFile {
    private static let preamble: String = """
        # Kubernetes-managed hosts file.
        127.0.0.1\tlocalhost
        ::1\tlocalhost ip6-localhost ip6-loopback
        fe00::0\tip6-localnet
        fe00::0\tip6-mcastprefix
        fe00::1\tip6-allnodes
        fe00::2\tip6-allrouters

        """

    package static func text(
        addresses: [String], host: (name: String, domain: String), aliases: [HostAlias]
    ) -> String {
        var text: String = preamble
        for address in addresses {
            text +=
                host.domain.isEmpty
                ? "\(address)\t\(host.name)\n" : "\(address)\t\(host.name).\(host.domain)\t\(host.name)\n"
        }
        return text + entries(aliases)
    }

    /// For pods on the node's network: the node's own file, and the aliases.
    package static func text(hostFile: String, aliases: [HostAlias]) -> String {
        "# Kubernetes-managed hosts file (host network).\n" + hostFile + entries(aliases)
    }

    private static func entries(_ aliases: [HostAlias]) -> String {
        guard !aliases.isEmpty else { return "" }
        var text: String = "\n# Entries added by HostAliases.\n"
        for alias in aliases { text += "\(alias.ip)\t\(alias.hostnames.joined(separator: "\t"))\n" }
        return text
    }
}
