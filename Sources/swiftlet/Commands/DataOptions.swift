import ArgumentParser
import NodeSetup

/// Where the cluster is; every command takes it.
struct DataOptions: ParsableArguments {
    @Option(
        name: .customLong("data-dir"),
        help: ArgumentHelp(
            "Where the cluster keeps everything.", discussion: "An absolute path; one directory is one cluster.",
            valueName: "directory"))
    var dataDirectory: String = NodePaths.defaultDataDirectory

    func validate() throws {
        guard dataDirectory.hasPrefix("/") else {
            throw ValidationError("--data-dir wants an absolute path, not \"\(dataDirectory)\"")
        }
    }

    var paths: NodePaths { NodePaths(dataDirectory: dataDirectory) }

    /// `/etc/swiftlet/admin.kubeconfig` for the default cluster; other clusters keep theirs with their data.
    var kubeconfig: String { ClusterFiles(paths).kubeconfig }
}

/// The files of a cluster that only the command line knows.
struct ClusterFiles {
    let paths: NodePaths

    init(_ paths: NodePaths) {
        self.paths = paths
    }

    var pki: String { paths.pkiDirectory }
    var store: String { paths.storeDirectory }
    var log: String { paths.log }
    var manifests: String { paths.dataDirectory + "/manifests" }
    /// The process id of the running cluster, locked as long as it runs.
    var process: String { paths.runDirectory + "/swiftlet.pid" }

    var kubeconfig: String { paths.kubeconfig }
}
