import APICore
import CRI
import CRIClient
import Codec
import Foundation
import Glibc
import NodeSetup
import StreamConnections
import Streams
import Synchronization
import Testing

enum RealNode {
    static var isPossible: Bool {
        let programs: [String] = ["containerd", "runc", "ctr", "python3", "busybox", "kubectl", "script"]
        return geteuid() == 0 && programs.allSatisfy { Files.program($0) != nil } && NetworkPlugins.directory() != nil
    }
}

/// The real `kubectl` at one end, the real containerd at the other.
@Suite(.serialized, .enabled(if: RealNode.isPossible), .timeLimit(.minutes(5)))
struct ContainerdStreamTests {
    private let paths: NodePaths
    private let network: PodNetworkConfiguration
    private let podsRoot: String

    init() {
        let number = UInt16.random(in: 0...UInt16.max)
        let tag = String(number, radix: 16)
        paths = NodePaths(dataDirectory: "/tmp/swiftlet-str-\(tag)", runDirectory: "/run/swiftlet-str-\(tag)")
        var network = PodNetworkConfiguration()
        network.name = "sws\(tag)"
        network.bridge = "sws\(tag)"
        let range = "10.\(201 + Int(number >> 8) % 40).\(number & 0xff).0/24"
        network.ranges = [PodNetworkConfiguration.Range(node: range, cluster: range)]
        self.network = network
        podsRoot = "/sws\(tag)"
    }

    private func withContainerd(_ body: @escaping @Sendable (CRIClient) async throws -> Void) async throws {
        let reset = Reset(paths, podsRoot: podsRoot)
        defer { _ = reset.execute(reset.plan()) }
        let prepared = try await NodePreparation.prepare(paths, network: network, podsRoot: podsRoot)
        let supervisor = ContainerdSupervisor(configuration: prepared.containerd)
        let client = try CRIClient(socket: paths.containerdSocket, requestTimeout: .seconds(20))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await supervisor.run() }
            group.addTask { try await client.run() }
            let result: Result<Void, any Error>
            do {
                try await supervisor.waitUntilReady()
                _ = try await client.waitUntilReady(within: .seconds(30))
                let images = ContainerdImages(paths)
                try await images.importPause()
                let directory: String = paths.dataDirectory + "/test-images"
                let maker: String =
                    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/dev/images/make"
                _ = try Subprocess.run([maker, directory, "bb-1"])
                _ = try await images.importArchive(file: directory + "/bb-1.tar")
                result = .success(try await body(client))
            } catch {
                result = .failure(error)
            }
            client.shutDown()
            supervisor.stop(.terminate)
            try await group.waitForAll()
            try result.get()
        }
    }

    private func sandbox(_ client: CRIClient) async throws -> (id: String, config: PodSandboxConfig) {
        var config = PodSandboxConfig()
        var metadata = PodSandboxMetadata()
        metadata.name = "web"
        metadata.uid = "u1"
        metadata.namespace = "default"
        config.metadata = metadata
        config.logDirectory = paths.dataDirectory + "/logs"
        config.labels = ["io.kubernetes.pod.uid": "u1"]
        var linux = LinuxPodSandboxConfig()
        linux.cgroupParent = podsRoot + "/besteffort/podu1"
        config.linux = linux
        try Files.makeDirectory(config.logDirectory)
        var request = RunPodSandboxRequest()
        request.config = config
        return (try await client.runPodSandbox(request).podSandboxId, config)
    }

    private func container(
        _ client: CRIClient, _ script: String, in sandbox: (id: String, config: PodSandboxConfig)
    ) async throws -> String {
        var config = ContainerConfig()
        var metadata = ContainerMetadata()
        metadata.name = "c"
        config.metadata = metadata
        var image = ImageSpec()
        image.image = "localhost/bb:1"
        config.image = image
        config.command = ["/bin/sh", "-c", script]
        config.logPath = "c.log"
        config.stdin = true
        config.labels = ["io.kubernetes.pod.uid": "u1", "io.kubernetes.container.name": "c"]
        var request = CreateContainerRequest()
        request.podSandboxId = sandbox.id
        request.config = config
        request.sandboxConfig = sandbox.config
        let id: String = try await client.createContainer(request).containerId
        var start = StartContainerRequest()
        start.containerId = id
        _ = try await client.startContainer(start)
        return id
    }

    @Test func `kubectl reaches a container of containerd in every way`() async throws {
        try await withContainerd { client in
            let place = try await sandbox(client)
            let script: String =
                "echo started; mkdir -p /www; echo served > /www/index.html; httpd -p 80 -h /www; "
                + "read line; echo got $line; echo error >&2; sleep 1000"
            let id: String = try await container(client, script, in: place)
            try await withCluster(real: client) { cluster in
                var pod: Pod = makePod("web")
                pod.status.containerStatuses[0].containerID = "containerd://" + id
                cluster.directory.list.withLock { $0 = [pod] }
                for overWebSocket in ["true", "false"] {
                    let environment: [String: String] = [
                        "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": overWebSocket,
                        "KUBECTL_PORT_FORWARD_WEBSOCKETS": overWebSocket,
                    ]
                    try await Self.tryExec(cluster, environment)
                    try await Self.tryForward(cluster, environment)
                }
                try await Self.tryCopy(cluster)
                try await Self.tryAttachAndLogs(cluster)
            }
        }
    }

    private static func tryExec(_ cluster: Cluster, _ environment: [String: String]) async throws {
        let big = String(repeating: "0123456789abcde\n", count: 65_536)
        let echo: Kubectl.Run = try await Kubectl.run(
            ["exec", "-i", "web", "--", "cat"], cluster, input: big, environment: environment)
        #expect(echo.output == big, "\(echo.output.utf8.count) bytes; \(echo.errors)")
        #expect(echo.code == 0)
        let failing: Kubectl.Run = try await Kubectl.run(
            ["exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 7"], cluster, environment: environment)
        #expect(failing.output == "out\n")
        #expect(failing.errors == "err\ncommand terminated with exit code 7\n")
        #expect(failing.code == 7)
        let missing: Kubectl.Run = try await Kubectl.run(
            ["exec", "web", "--", "no-such-program"], cluster, environment: environment)
        #expect(missing.code != 0)
        #expect(missing.errors.contains("executable file not found"), "\(missing.errors)")
        // The size comes behind the start.
        let wait: String =
            "test -t 1 || exit; for i in 1 2 3 4 5 6 7 8 9; do stty size | grep 100 && break; sleep 0.2; done"
        let terminal: Kubectl.Run = try await Kubectl.run(
            ["exec", "-it", "web", "--", "sh", "-c", wait], cluster, environment: environment,
            terminal: true)
        #expect(terminal.output.contains("40 100"), "\(terminal.output) \(terminal.errors)")
    }

    private static func tryForward(_ cluster: Cluster, _ environment: [String: String]) async throws {
        try await Kubectl.forward("web", cluster, environment) { port in
            // Twice: each connection has streams of its own.
            for _ in 0..<2 {
                let connection: OutgoingConnection = try await StreamClient.connect(port: port)
                _ = await connection.write(Array("GET / HTTP/1.0\r\n\r\n".utf8))
                #expect(await readText(connection, until: "served").contains("200 OK"))
            }
        }
    }

    private static func tryCopy(_ cluster: Cluster) async throws {
        let directory: String = try makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try write(String(repeating: "some text\n", count: 50_000), to: directory + "/file")
        let there: Kubectl.Run = try await Kubectl.run(["cp", directory + "/file", "web:/tmp/file"], cluster)
        #expect(there.code == 0, "\(there.errors)")
        let back: Kubectl.Run = try await Kubectl.run(["cp", "web:/tmp/file", directory + "/back"], cluster)
        #expect(back.code == 0, "\(back.errors)")
        #expect(FileManager.default.contentsEqual(atPath: directory + "/file", andPath: directory + "/back"))
    }

    private static func tryAttachAndLogs(_ cluster: Cluster) async throws {
        let exchange: BackendExchange = try await cluster.open(
            "GET", "/api/v1/namespaces/default/pods/web/log?follow=true")
        #expect(try await exchange.nextBody() == Array("started\n".utf8))
        let attached: BackendExchange = try await cluster.websocket(
            "/api/v1/namespaces/default/pods/web/attach?stdin=true&stdout=true&stderr=true", "v4.channel.k8s.io")
        #expect(attached.head.status == 101)
        _ = await attached.connection.write(WebSocketTests.masked(2, [0] + Array("hello\n".utf8)))
        #expect(await readText(attached.connection, until: "got hello\n").contains("got hello"))
        var followed: String = ""
        while followed.count(where: { $0 == "\n" }) < 2, let bytes = try await exchange.nextBody() {
            followed += String(decoding: bytes, as: UTF8.self)
        }
        // Two pipes: which of them the runtime reads first is not laid down.
        #expect(followed.split(separator: "\n").sorted() == ["error", "got hello"])
    }
}
