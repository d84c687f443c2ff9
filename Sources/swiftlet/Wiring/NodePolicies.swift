import APIServer
import Client
import Flow
import Netfilter
import NetfilterKernel
import NetworkPolicies
import NodeSetup

/// Network policies on this node's own pod network. A network that the machine brought enforces them itself, or not.
struct NodePolicies: Sendable {
    private let nodeName: String
    private let transport: InProcessTransport
    private let recorder: FlowRecorder
    private let log: Log

    init(_ configuration: ClusterConfiguration, server: ControlPlane, recorder: FlowRecorder, log: Log) {
        nodeName = configuration.nodeName
        transport = server.transport(
            APIServer.UserInfo(name: ClusterBootstrap.policyUser, groups: ["system:authenticated"]))
        self.recorder = recorder
        self.log = log.with([("component", NetworkPolicyService.component)])
    }

    /// Runs until the task is cancelled. Without netfilter it says so, and policies are not enforced.
    func run() async {
        do throws(NetlinkSocket.Error) {
            await run(try NodePackets())
        } catch {
            log.error("network policies are not enforced", [("error", error.description)])
            await Gate().wait()
        }
    }

    private func run(_ packets: NodePackets) async {
        var settings = InformerSettings()
        settings.log = log
        let informers = InformerSet(over: transport, settings: settings)
        var configuration = NetworkPolicyService.Configuration()
        configuration.log = log
        configuration.recorder = recorder
        configuration.bridgeFilters = NodePackets.seesBridges
        let events = EventRecorder(
            EventSourceName(NetworkPolicyService.component, host: nodeName), client: APIClient(transport), log: log)
        configuration.events = events
        if !Files.exists("/proc/net/if_inet6") { configuration.families = [.ip4] }
        let policies = NetworkPolicyService(
            node: nodeName, informers: informers, rules: packets, configuration: configuration)
        await withDiscardingTaskGroup { group in
            group.addTask { await informers.run() }
            group.addTask { await policies.run() }
            group.addTask { await events.run() }
        }
    }
}
