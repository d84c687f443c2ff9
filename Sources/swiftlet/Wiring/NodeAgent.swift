import API
import APIDefaults
import APIMachinery
import APIServer
import APIValidation
import CRI
import CRIClient
import Client
import Codec
import Flow
import Glibc
import HTTPServer
import Kubelet
import KubeletNetwork
import KubeletServer
import NIOPosix
import NodeSetup

/// The node: the container runtime below, and the kubelet that uses it.
struct NodeAgent: Sendable {
    private let configuration: ClusterConfiguration
    private let server: ControlPlane
    private let certificates: Certificates
    private let recorder: FlowRecorder
    private let log: Log

    init(
        _ configuration: ClusterConfiguration, server: ControlPlane, certificates: Certificates,
        recorder: FlowRecorder, log: Log
    ) {
        self.configuration = configuration
        self.server = server
        self.certificates = certificates
        self.recorder = recorder
        self.log = log
    }

    /// Runs until the task is cancelled, or the node cannot be set up, which is logged. Containers run on.
    func run() async {
        do {
            try await runNode()
        } catch is CancellationError {
        } catch {
            if !Task.isCancelled { log.error("the node stopped", [("error", "\(error)")]) }
        }
    }

    private func runNode() async throws {
        let prepared: NodePreparation.Prepared = try await NodePreparation.prepare(
            configuration.paths, network: configuration.network.podNetwork)
        for change in prepared.network.changes { log.info("prepared the machine", [("change", change)]) }
        for problem in prepared.network.problems { log.warning("the node does with less", [("problem", problem)]) }
        let exits = ExitWatcher()
        let dns: NodeDNS? = await NodeDNS.open(configuration, server: server, recorder: recorder, log: log)
        let socket: String = configuration.runtimeEndpoint ?? configuration.paths.containerdSocket
        let runtime = try CRIClient(socket: socket)
        try await withThrowingTaskGroup(of: Void.self) { group in
            if configuration.runtimeEndpoint == nil { group.addTask { try await superviseContainerd(prepared) } }
            group.addTask { await exits.run() }
            if let dns { group.addTask { await dns.run() } }
            group.addTask {
                // A kubelet may not give itself a role; whoever runs the cluster may.
                await server.label(node: configuration.nodeName)
                await Gate().wait()
            }
            group.addTask {
                await NodeProxy(configuration, server: server, recorder: recorder, log: log).run()
            }
            if prepared.containerd.networkConfiguration != NetworkPlugins.systemConfiguration {
                group.addTask {
                    await NodePolicies(configuration, server: server, recorder: recorder, log: log).run()
                }
            }
            group.addTask { try await runtime.run() }
            group.addTask {
                _ = try await runtime.waitUntilReady(within: .seconds(60))
                if configuration.runtimeEndpoint == nil { try await bringPauseImage(runtime) }
                let kubelet: KubeletService = kubelet(runtime, prepared, exits, hasDNS: dns != nil)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await kubelet.run() }
                    group.addTask { try await serve(kubelet, runtime) }
                    try await group.next()
                    group.cancelAll()
                }
            }
            // Whatever ends first ends the node; an error says why.
            try await group.next()
            group.cancelAll()
        }
    }

    private func superviseContainerd(_ prepared: NodePreparation.Prepared) async throws {
        let log: Log = log.with([("component", "containerd")])
        let supervisor = ContainerdSupervisor(configuration: prepared.containerd) { notice in
            switch notice {
            case .ready(let process, let isAdopted):
                log.info(isAdopted ? "found running" : "started", [("process", String(process))])
            case .lost(let status): log.warning("died; starting it again", [("status", status.description)])
            case .spawnFailed(let error): log.error("failed to start", [("error", "\(error)")])
            }
        }
        try await withTaskCancellationHandler {
            try await supervisor.run()
        } onCancel: {
            // Pods run on while Swiftlet is away, and the next one takes the same containerd over.
            supervisor.stop(.leaveRunning)
        }
    }

    /// The kubelet's own API: logs, exec, attach, port-forward, statistics.
    private func serve(_ kubelet: KubeletService, _ runtime: CRIClient) async throws {
        let handler = KubeletHandler(
            KubeletHandler.Configuration(
                nodeName: configuration.nodeName, directory: NodePods(kubelet.workers), runtime: runtime,
                gate: ReviewGate(transport: transport)))
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(
                host: configuration.network.everyAddress, port: configuration.kubeletPort),
            loops: EventLoops(count: 1), tls: certificates.kubelet, handler: handler)
        try await server.start()
        try await server.run()
    }

    /// The node's own identity.
    private var transport: InProcessTransport {
        server.transport(
            APIServer.UserInfo(name: "system:node:\(configuration.nodeName)", groups: ["system:nodes"]))
    }

    private func bringPauseImage(_ runtime: CRIClient) async throws {
        var request = ImageStatusRequest()
        var image = ImageSpec()
        image.image = PauseImage.name
        request.image = image
        if try await runtime.imageStatus(request).image != nil { return }
        try await ContainerdImages(configuration.paths).importPause()
    }

    private func kubelet(
        _ runtime: CRIClient, _ prepared: NodePreparation.Prepared, _ exits: ExitWatcher, hasDNS: Bool
    ) -> KubeletService {
        let reader = MachineReader(dataDirectory: configuration.paths.dataDirectory)
        let machine: Kubelet.MachineFacts = reader.read()
        var settings = RuntimeConfiguration(
            nodeName: configuration.nodeName, nodeAddresses: configuration.addresses,
            kubeletDirectory: configuration.paths.kubeletDirectory)
        settings.logsDirectory = configuration.paths.kubeletDirectory + "/logs"
        settings.clusterDomain = ClusterConfiguration.domain
        settings.resolverFile = NodeDNS.resolverFile
        if hasDNS { settings.clusterDNS = [configuration.network.dnsAddress] }
        settings.memoryBytes = machine.memoryBytes
        let allocatable: StringMap<Quantity> = [
            "cpu": Quantity(machine.processors), "memory": Quantity(machine.memoryBytes, format: .binarySI),
        ]
        settings.allocatable = { allocatable }
        settings.lowestOOMScore = prepared.containerd.restrictsOOMScore ? Self.ownOOMScore() : -1000
        if case .v2 = prepared.cgroups.version { settings.isCgroupUnified = true }
        var parts = KubeletService.Parts(
            runtime: runtime, images: runtime, cgroups: NodeCgroups(prepared.cgroups), exits: NodeExits(exits),
            network: SocketProber(group: MultiThreadedEventLoopGroup.singleton), machine: { reader.read() })
        parts.log = log.with([("component", "kubelet")])
        parts.recorder = recorder
        parts.staticPods = (
            configuration.files.manifests,
            StaticPodManifest.Rules(
                fill: { $0.setDefaults() }, check: { pod in pod.validate().map(\.description) })
        )
        // With a network of the machine's own, only that knows the ranges.
        let hasOwnNetwork: Bool = prepared.containerd.networkConfiguration != NetworkPlugins.systemConfiguration
        let identity = NodeStatusBuilder.Identity(
            name: configuration.nodeName, addresses: configuration.addresses, port: configuration.kubeletPort,
            kubeletVersion: Version.kubernetes,
            labels: ["node.kubernetes.io/instance-type": "swiftlet"],
            podCIDRs: hasOwnNetwork ? configuration.network.podNetwork.ranges.map(\.node) : [])
        return KubeletService(identity, configuration: settings, transport: transport, parts: parts)
    }

    /// Without CAP_SYS_RESOURCE nobody below us may have a lower score than we have.
    private static func ownOOMScore() -> Int {
        Files.text("/proc/self/oom_score_adj").flatMap { text in Int(text.filter { !$0.isWhitespace }) } ?? 0
    }
}
