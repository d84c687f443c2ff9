/// Where a node keeps its things. Everything that Swiftlet makes lies below the data directory (what
/// survives a reboot) or the run directory (what does not), so that two nodes on one machine do not meet,
/// and a reset knows where to look.
package struct NodePaths: Sendable, Equatable {
    /// `/var/lib/swiftlet` unless `--data-dir` says otherwise. Absolute, without a slash at the end.
    package let dataDirectory: String
    /// Sockets, network namespaces and runtime state. Short, because a socket's path has at most 107 bytes.
    package let runDirectory: String

    package static let defaultDataDirectory = "/var/lib/swiftlet"

    package init(dataDirectory: String = NodePaths.defaultDataDirectory) {
        var path = dataDirectory
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        self.dataDirectory = path
        if path == Self.defaultDataDirectory {
            runDirectory = "/run/swiftlet"
        } else {
            let digest = SHA256.hex(of: Array(path.utf8))
            runDirectory = "/run/swiftlet-" + digest.prefix(10)
        }
    }

    /// For tests and unusual layouts.
    package init(dataDirectory: String, runDirectory: String) {
        self.dataDirectory = dataDirectory
        self.runDirectory = runDirectory
    }

    /// What lies directly in the data directory and is made by Swiftlet alone. Static pods' manifests are the user's.
    package var madeDirectories: [String] {
        [containerdDirectory, kubeletDirectory, dataDirectory + "/cni", pkiDirectory, storeDirectory]
    }
    package var madeFiles: [String] { [log, kubeconfig] }

    /// Keys and certificates of the cluster.
    package var pkiDirectory: String { dataDirectory + "/pki" }
    /// The objects.
    package var storeDirectory: String { dataDirectory + "/store" }
    /// What a cluster in the background writes.
    package var log: String { dataDirectory + "/swiftlet.log" }
    package var kubeconfig: String {
        dataDirectory == Self.defaultDataDirectory
            ? "/etc/swiftlet/admin.kubeconfig" : dataDirectory + "/admin.kubeconfig"
    }

    /// The kubelet's: volumes, plugins, logs. Mounts below it are made for pods.
    package var kubeletDirectory: String { dataDirectory + "/kubelet" }
    package var containerdDirectory: String { dataDirectory + "/containerd" }
    /// Images, snapshots and containerd's database.
    package var containerdRoot: String { containerdDirectory + "/root" }
    package var containerdConfiguration: String { containerdDirectory + "/config.toml" }
    package var containerdLog: String { containerdDirectory + "/containerd.log" }
    /// One directory per registry with a `hosts.toml`: mirrors, certificates.
    package var registryHosts: String { containerdDirectory + "/certs.d" }
    package var containerdOptional: String { containerdDirectory + "/opt" }
    package var containerdState: String { runDirectory + "/containerd" }
    package var containerdSocket: String { runDirectory + "/containerd.sock" }
    package var runcState: String { runDirectory + "/runc" }
    package var cniConfiguration: String { dataDirectory + "/cni/net.d" }
    /// Which pod has which address (host-local's files).
    package var cniAddresses: String { dataDirectory + "/cni/addresses" }
}
