import CRI
import CRIClient
import Glibc
import NodeSetup
import Testing

/// A node with a containerd of its own, beside whatever else runs on this machine.
struct ContainerdNode: Sendable {
    let paths: NodePaths
    let network: PodNetworkConfiguration
    let podsRoot: String

    init() {
        let number = UInt16.random(in: 0...UInt16.max)
        let tag = String(number, radix: 16)
        paths = NodePaths(dataDirectory: "/tmp/swiftlet-cri-\(tag)", runDirectory: "/run/swiftlet-cri-\(tag)")
        var network = PodNetworkConfiguration()
        network.name = "swc\(tag)"
        network.bridge = "swc\(tag)"
        let range = "10.\(150 + Int(number >> 8) % 50).\(number & 0xff).0/24"
        network.ranges = [PodNetworkConfiguration.Range(node: range, cluster: range)]
        self.network = network
        podsRoot = "/swc\(tag)"
    }

    /// The bridge's address: the first one of the range.
    var gateway: String { String(network.ranges[0].node.split(separator: "/")[0].dropLast()) + "1" }

    static var isPossible: Bool {
        let programs = ["containerd", "runc", "ctr", "python3", "busybox"]
        return geteuid() == 0 && programs.allSatisfy { Files.program($0) != nil } && NetworkPlugins.directory() != nil
    }

    /// `dev/images/make`, beside the tests.
    private static var imageMaker: String {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/") + "/dev/images/make"
    }

    func reset() -> [Reset.Failure] {
        let reset = Reset(paths, podsRoot: podsRoot)
        return reset.execute(reset.plan())
    }

    func with(_ body: @Sendable (CRIClient, ContainerdSupervisor) async throws -> Void) async throws {
        let prepared = try await NodePreparation.prepare(paths, network: network, podsRoot: podsRoot)
        let supervisor = ContainerdSupervisor(configuration: prepared.containerd)
        let client = try CRIClient(socket: paths.containerdSocket, requestTimeout: .seconds(20))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await supervisor.run() }
            group.addTask { try await client.run() }
            do {
                try await supervisor.waitUntilReady()
                _ = try await client.waitUntilReady(within: .seconds(30))
                try await body(client, supervisor)
            } catch {
                client.shutDown()
                supervisor.stop(.terminate)
                throw error
            }
            client.shutDown()
            supervisor.stop(.terminate)
            try await group.waitForAll()
        }
    }

    func importImages() async throws {
        let images = ContainerdImages(paths)
        try await images.importPause()
        let directory = paths.dataDirectory + "/test-images"
        _ = try Subprocess.run([Self.imageMaker, directory, "bb-1"])
        #expect(try await images.importArchive(file: directory + "/bb-1.tar") == ["localhost/bb:1"])
    }
}

@Suite(.serialized, .enabled(if: ContainerdNode.isPossible), .timeLimit(.minutes(5)))
struct ContainerdRuntimeTests {
    @Test func `containerd passes the conformance suite, and a reset leaves nothing`() async throws {
        let node = ContainerdNode()
        defer { _ = node.reset() }
        try await node.with { client, _ in
            try await node.importImages()
            let suite = RuntimeConformance(
                runtime: client, images: client, image: "localhost/bb:1", logs: node.paths.dataDirectory + "/logs",
                cgroupParent: node.podsRoot + "/besteffort/poduid")
            try await suite.identity()
            try await suite.imagesAreFound()
            try await suite.podLifecycle(uplink: node.gateway)
            try await suite.exitsAreSeen()
            try await suite.mistakesAreNamed()
            // Many quick calls must not look like an attack to anybody (see `PingAnswering`).
            for _ in 0..<500 { _ = try await client.version(VersionRequest()) }
        }
        #expect(node.reset() == [])
        #expect(Reset(node.paths, podsRoot: node.podsRoot).plan() == ResetPlan())
    }

    @Test func `a reset takes running pods away, with all that belongs to them`() async throws {
        let node = ContainerdNode()
        defer { _ = node.reset() }
        try await node.with { client, supervisor in
            try await node.importImages()
            let suite = RuntimeConformance(
                runtime: client, images: client, image: "localhost/bb:1", logs: node.paths.dataDirectory + "/logs",
                cgroupParent: node.podsRoot + "/besteffort/poduid")
            var config = suite.sandboxConfiguration("left")
            var port = PortMapping()
            port.containerPort = 80
            port.hostPort = 20_080
            config.portMappings = [port]
            let sandbox = try await suite.run(config)
            let container = try await suite.create("main", "sleep 1000 & exec sleep 1000", in: sandbox, config)
            try await suite.start(container)

            // Containers outlive containerd, and the next one knows them.
            let first = try #require(supervisor.processID)
            _ = await OwnedThread.run { ProcessTable.signal([first], SIGKILL, waitMilliseconds: 5_000) }
            try await supervisor.waitUntilReady()
            _ = try await client.waitUntilReady(within: .seconds(30))
            #expect(try await suite.status(container).status?.state == .containerRunning)
            #expect(try await suite.exec(container, ["true"]).exitCode == 0)
        }
        let reset = Reset(node.paths, podsRoot: node.podsRoot)
        let plan = reset.plan()
        #expect(!plan.isEmpty)
        let text = plan.steps.map(\.description).joined(separator: "\n")
        for expected in [
            "containerd-shim", "container process sleep", "network interface \(node.network.bridge)",
            "nftables table ip \(node.network.name)-pods", "iptables-restore", "cgroup \(node.podsRoot)/besteffort",
            "unmount \(node.paths.runDirectory)/containerd",
        ] {
            #expect(text.contains(expected), "\(expected) in \(text)")
        }
        #expect(reset.execute(plan) == [])
        #expect(reset.plan() == ResetPlan())
        #expect(try MountTable.read().allSatisfy { !$0.path.contains(node.paths.runDirectory) })
        #expect(!Files.exists("/sys/class/net/" + node.network.bridge))
        let rules = try Subprocess.run(["iptables-save"])
        #expect(!String(decoding: rules, as: UTF8.self).contains(node.network.name))
    }

    @Test func `what keeps its data finds its images again, and the dead pods as dead`() async throws {
        let node = ContainerdNode()
        defer { _ = node.reset() }
        let suite: @Sendable (CRIClient) -> RuntimeConformance<CRIClient, CRIClient> = { client in
            RuntimeConformance(
                runtime: client, images: client, image: "localhost/bb:1", logs: node.paths.dataDirectory + "/logs",
                cgroupParent: node.podsRoot + "/besteffort/poduid")
        }
        try await node.with { client, _ in
            try await node.importImages()
            _ = try await suite(client).run(suite(client).sandboxConfiguration("first"))
        }
        let down = Reset(node.paths, keepingData: true, podsRoot: node.podsRoot)
        #expect(down.execute(down.plan()) == [])
        #expect(down.plan().steps.allSatisfy { step in if case .endProcess = step { false } else { true } })
        try await node.with { client, _ in
            let suite = suite(client)
            let sandboxes = try await client.listPodSandbox(ListPodSandboxRequest()).items
            #expect(sandboxes.map(\.state) == [.sandboxNotready])
            for sandbox in sandboxes {
                try await suite.stopSandbox(sandbox.id)
                try await suite.removeSandbox(sandbox.id)
            }
            let second = try await suite.run(suite.sandboxConfiguration("second"))
            #expect(try await suite.sandboxStatus(second).state == .sandboxReady)
        }
        #expect(node.reset() == [])
    }

    @Test func `a runtime that is not there is unavailable, and cancelling ends a call`() async throws {
        let client = try CRIClient(socket: "unix:///nowhere/containerd.sock")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            let error = await #expect(throws: CRIError.self) { _ = try await client.version(VersionRequest()) }
            #expect(error?.code == .unavailable)
            await #expect(throws: CRIError.self) { _ = try await client.waitUntilReady(within: .milliseconds(50)) }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
