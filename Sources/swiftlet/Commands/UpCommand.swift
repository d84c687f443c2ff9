import ArgumentParser
import Glibc
import NodeSetup

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Start a cluster on this machine: control plane, node and container runtime.",
        discussion: """
            Runs in the foreground until it is interrupted; containers run on, and are found again by the next \
            `up`. With --detach it goes to the background as soon as the node is Ready. `swiftlet down` stops it with everything \
            that runs in it.
            """)

    @OptionGroup var data: DataOptions

    @Flag(help: "Go to the background when the node is Ready.") var detach = false

    @Option(
        name: .customLong("bind-address"), help: "The address that the API server listens on; all of them if not given."
    )
    var bindAddress: String?

    @Option(help: "The port of the API server.") var port: Int = 6443

    @Option(name: .customLong("kubelet-port"), help: "The port of the kubelet's own API.") var kubeletPort: Int = 10250

    @Option(name: .customLong("node-name"), help: "The node's name; the host name if not given.")
    var nodeName: String?

    @Option(
        name: .customLong("node-ip"),
        help: "The node's address, or one of each family with a comma between them; found on the machine if not given.")
    var nodeAddress: String?

    @Option(
        name: .customLong("container-runtime-endpoint"),
        help: "The CRI socket of a runtime to use instead of an own containerd.")
    var runtimeEndpoint: String?

    @Flag(name: .customLong("no-node"), help: "Only the control plane: no kubelet, no containers.")
    var isWithoutNode = false

    @Option(help: "Seconds that --detach waits for the node to be Ready.") var timeout: Int = 120

    @OptionGroup(title: "Network") var network: NetworkOptions

    @OptionGroup(title: "Access") var access: AccessOptions

    @Flag(name: .shortAndLong, help: "Log more.") var verbose = false

    func validate() throws {
        for (name, value) in [("--port", port), ("--kubelet-port", kubeletPort)] {
            guard (1...65535).contains(value) else {
                throw ValidationError("\(name) wants a port from 1 to 65535, not \(value)")
            }
        }
    }

    private func configuration() throws -> ClusterConfiguration {
        let network: ClusterNetwork = try network.network()
        return ClusterConfiguration(
            paths: data.paths, bindAddress: bindAddress ?? network.everyAddress, port: port, kubeletPort: kubeletPort,
            nodeName: nodeName ?? MachineNames.host(),
            addresses: try NetworkOptions.addresses(nodeAddress, families: network.families),
            runtimeEndpoint: runtimeEndpoint, hasNode: !isWithoutNode, isVerbose: verbose, access: access.configuration,
            network: network, batching: self.network.batching)
    }

    func run() async throws {
        let cluster: ClusterConfiguration = try configuration()
        if detach {
            try await Background(cluster, timeoutSeconds: timeout).start()
        } else {
            try await Cluster(cluster).run()
        }
    }
}
