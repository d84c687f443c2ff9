import APIMachinery
import APIServer
import CRI
import CRIClient
import Client
import Flow
import NodeSetup

/// The node: the container runtime below, and the kubelet that uses it.
struct NodeAgent: Sendable {
    private let configuration: ClusterConfiguration
    private let server: ControlPlane
    private let recorder: FlowRecorder
    private let log: Log

    init(_ configuration: ClusterConfiguration, server: ControlPlane, recorder: FlowRecorder, log: Log) {
        self.configuration = configuration
        self.server = server
        self.recorder = recorder
        self.log = log
    }

    func run() async {
    }
}
