import Glibc
import Synchronization
import Testing

@testable import NodeSetup

/// A node of its own on this machine: other directories, bridge, addresses and cgroups than any other node's.
struct TestNode: Sendable {
    let paths: NodePaths
    let network: PodNetworkConfiguration
    let podsRoot: String

    init() {
        let number = UInt16.random(in: 0...UInt16.max)
        let tag = String(number, radix: 16)
        paths = NodePaths(dataDirectory: "/tmp/swiftlet-node-\(tag)", runDirectory: "/run/swiftlet-node-\(tag)")
        var network = PodNetworkConfiguration()
        network.name = "swt\(tag)"
        network.bridge = "swt\(tag)"
        let range = "10.\(200 + Int(number >> 8) % 50).\(number & 0xff).0/24"
        network.ranges = [PodNetworkConfiguration.Range(node: range, cluster: range)]
        self.network = network
        podsRoot = "/swt\(tag)"
    }

    static var isPossible: Bool {
        geteuid() == 0 && ["containerd", "runc", "ctr"].allSatisfy { Files.program($0) != nil }
            && NetworkPlugins.directory() != nil
    }

    func reset() -> [Reset.Failure] {
        let reset = Reset(paths, podsRoot: podsRoot)
        return reset.execute(reset.plan())
    }

    /// Runs a supervisor around the body, ends containerd after it, and resets whatever happened.
    func withContainerd(
        _ mode: ContainerdSupervisor.StopMode = .terminate,
        _ body: @Sendable (ContainerdSupervisor, Notices) async throws -> Void
    ) async throws {
        let prepared = try await NodePreparation.prepare(paths, network: network, podsRoot: podsRoot)
        let notices = Notices()
        let supervisor = ContainerdSupervisor(configuration: prepared.containerd) { notices.append($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await supervisor.run() }
            do {
                try await supervisor.waitUntilReady()
                try await body(supervisor, notices)
            } catch {
                supervisor.stop(mode)
                throw error
            }
            supervisor.stop(mode)
            try await group.waitForAll()
        }
    }
}

/// What the supervisor tells, in order; to be read once.
final class Notices: Sendable {
    private let stream: AsyncStream<ContainerdSupervisor.Notice>
    private let continuation: AsyncStream<ContainerdSupervisor.Notice>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(16)) }

    func append(_ notice: ContainerdSupervisor.Notice) { continuation.yield(notice) }

    func next() async -> ContainerdSupervisor.Notice? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}

@Suite(.serialized, .enabled(if: TestNode.isPossible), .timeLimit(.minutes(5)))
struct ContainerdTests {
    @Test func `containerd starts, takes images, comes back after a kill, and is adopted`() async throws {
        let node = TestNode()
        defer { _ = node.reset() }
        let survivor = Mutex<Int32?>(nil)
        try await node.withContainerd(.leaveRunning) { supervisor, notices in
            let images = ContainerdImages(node.paths)
            try await images.importPause()
            let list = try Subprocess.run([
                "ctr", "-a", node.paths.containerdSocket, "-n", "k8s.io", "images", "ls", "-q",
            ])
            #expect(String(decoding: list, as: UTF8.self).contains(PauseImage.name))
            await #expect(throws: ContainerdImages.Error.unreadable(SystemError("open", "/nothing.tar", ENOENT))) {
                try await images.importArchive(file: "/nothing.tar")
            }

            let first = try #require(supervisor.processID)
            #expect(ProcessTable.signal([first], SIGKILL, waitMilliseconds: 0) == [first])
            #expect(await notices.next() == .ready(processID: first, adopted: false))
            #expect(await notices.next() == .lost(.signal(SIGKILL)))
            try await supervisor.waitUntilReady()
            let second = try #require(supervisor.processID)
            #expect(second != first)
            survivor.withLock { $0 = second }
        }
        #expect(ContainerdSupervisor.findRunning(node.paths) == survivor.withLock { $0 })

        try await node.withContainerd { supervisor, notices in
            let id = try #require(supervisor.processID)
            #expect(await notices.next() == .ready(processID: id, adopted: true))
            #expect(survivor.withLock { $0 } == id)
        }
        #expect(ContainerdSupervisor.findRunning(node.paths) == nil)

        #expect(node.reset() == [])
        #expect(Reset(node.paths, podsRoot: node.podsRoot).plan() == ResetPlan())
        #expect(!Files.exists(node.paths.dataDirectory))
        #expect(!Files.exists(node.paths.runDirectory))
    }

    @Test func `a wait for containerd ends when the supervisor stops first`() async throws {
        let node = TestNode()
        let configuration = ContainerdConfiguration(paths: node.paths, networkPlugins: "/")
        let supervisor = ContainerdSupervisor(configuration: configuration)
        defer { _ = node.reset() }
        try DataDirectory.claim(node.paths)
        supervisor.stop(.terminate)
        try await supervisor.run()
        await #expect(throws: ContainerdSupervisor.Error.stopped) { try await supervisor.waitUntilReady() }
        #expect(ContainerdSupervisor.findRunning(node.paths) == nil)
    }
}
