import CRI
import Codec
import Glibc
import NodeSetup
import Testing

/// What every implementation of CRI's two services must do: one suite, run on each of them. `image` has a
/// busybox at /bin/sh; `logs` is a directory of the test's own; `cgroupParent` is for its pods.
struct RuntimeConformance<Runtime: RuntimeService, Images: ImageService>: Sendable {
    let runtime: Runtime
    let images: Images
    let image: String
    let logs: String
    let cgroupParent: String

    func sandboxConfiguration(_ name: String) -> PodSandboxConfig {
        var config = PodSandboxConfig()
        var metadata = PodSandboxMetadata()
        metadata.name = name
        metadata.uid = "uid-" + name
        metadata.namespace = "default"
        config.metadata = metadata
        config.hostname = name
        config.logDirectory = logs + "/" + name
        config.labels = ["app": name]
        var linux = LinuxPodSandboxConfig()
        linux.cgroupParent = cgroupParent
        config.linux = linux
        return config
    }

    func run(_ sandbox: PodSandboxConfig) async throws -> String {
        try Files.makeDirectory(sandbox.logDirectory)
        var request = RunPodSandboxRequest()
        request.config = sandbox
        return try await runtime.runPodSandbox(request).podSandboxId
    }

    func create(_ name: String, _ script: String, in sandbox: String, _ config: PodSandboxConfig) async throws -> String
    {
        var container = ContainerConfig()
        var metadata = ContainerMetadata()
        metadata.name = name
        container.metadata = metadata
        var spec = ImageSpec()
        spec.image = image
        container.image = spec
        container.command = ["/bin/sh", "-c", script]
        container.logPath = name + ".log"
        container.labels = ["name": name]
        var request = CreateContainerRequest()
        request.podSandboxId = sandbox
        request.config = container
        request.sandboxConfig = config
        return try await runtime.createContainer(request).containerId
    }

    func start(_ id: String) async throws {
        var request = StartContainerRequest()
        request.containerId = id
        _ = try await runtime.startContainer(request)
    }

    func status(_ id: String, verbose: Bool = false) async throws -> ContainerStatusResponse {
        var request = ContainerStatusRequest()
        request.containerId = id
        request.verbose = verbose
        return try await runtime.containerStatus(request)
    }

    func exec(_ id: String, _ command: [String], timeout: Int = 10) async throws -> ExecSyncResponse {
        var request = ExecSyncRequest()
        request.containerId = id
        request.cmd = command
        request.timeout = timeout
        return try await runtime.execSync(request)
    }

    func stop(_ id: String, timeout: Int) async throws {
        var request = StopContainerRequest()
        request.containerId = id
        request.timeout = timeout
        _ = try await runtime.stopContainer(request)
    }

    func remove(_ id: String) async throws {
        var request = RemoveContainerRequest()
        request.containerId = id
        _ = try await runtime.removeContainer(request)
    }

    func stopSandbox(_ id: String) async throws {
        var request = StopPodSandboxRequest()
        request.podSandboxId = id
        _ = try await runtime.stopPodSandbox(request)
    }

    func removeSandbox(_ id: String) async throws {
        var request = RemovePodSandboxRequest()
        request.podSandboxId = id
        _ = try await runtime.removePodSandbox(request)
    }

    func sandboxStatus(_ id: String) async throws -> PodSandboxStatus {
        var request = PodSandboxStatusRequest()
        request.podSandboxId = id
        return try #require(try await runtime.podSandboxStatus(request).status)
    }

    /// Waits on the process itself, by a pidfd, then asks until the runtime knows the exit code. Bounded.
    func waitForExit(_ id: String) async throws -> ContainerStatus {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(20)
        while true {
            let answer = try await status(id, verbose: true)
            let found = try #require(answer.status)
            if found.state == .containerExited { return found }
            let process = VerboseInfo(answer.info).processID
            guard clock.now < end else {
                let present = process.flatMap(ProcessTable.entry) != nil
                throw CRIError(
                    .deadlineExceeded, "\(id) is \(found.state), its process \(process ?? 0) there: \(present)")
            }
            if let process {
                _ = await OwnedThread.run { ProcessTable.signal([process], 0, waitMilliseconds: 1_000) }
            }
        }
    }

    // MARK: - The suite

    func identity() async throws {
        var request = VersionRequest()
        request.version = "v1"
        let version = try await runtime.version(request)
        #expect(version.runtimeApiVersion == "v1")
        #expect(!version.runtimeName.isEmpty)
        let conditions = try #require(try await runtime.status(StatusRequest()).status).conditions
        for type in ["RuntimeReady", "NetworkReady"] {
            let condition = try #require(conditions.first { $0.type == type })
            #expect(condition.status, "\(condition.message)")
        }
    }

    func imagesAreFound() async throws {
        var request = ImageStatusRequest()
        var spec = ImageSpec()
        spec.image = image
        request.image = spec
        let found = try #require(try await images.imageStatus(request).image)
        #expect(found.repoTags == [image])
        #expect(found.size > 0)
        #expect(try await images.listImages(ListImagesRequest()).images.contains { $0.id == found.id })
        // A port where nobody listens: the pull fails at once.
        spec.image = "localhost:1/no/such:image"
        request.image = spec
        #expect(try await images.imageStatus(request).image == nil)
        var pull = PullImageRequest()
        pull.image = spec
        await #expect(throws: CRIError.self) { _ = try await images.pullImage(pull) }
        #expect(try await images.imageFsInfo(ImageFsInfoRequest()).imageFilesystems.count == 1)
    }

    /// One pod from its first to its last call.
    func podLifecycle(uplink: String?) async throws {
        let config = sandboxConfiguration("life")
        let sandbox = try await run(config)
        let ready = try await sandboxStatus(sandbox)
        #expect(ready.state == .sandboxReady)
        let address = try #require(ready.network).ip
        #expect(address.hasPrefix("10."))

        let container = try await create("main", "echo out; echo err >&2; exec sleep 1000", in: sandbox, config)
        #expect(try await status(container).status?.state == .containerCreated)
        try await start(container)
        let running = try await status(container, verbose: true)
        #expect(running.status?.state == .containerRunning)
        #expect(try #require(running.status).startedAt > 0)
        #expect(VerboseInfo(running.info).processID != nil)

        let command = "hostname; ip -4 -o addr show dev eth0; echo wrong >&2; exit 3"
        let answer = try await exec(container, ["/bin/sh", "-c", command])
        #expect(answer.exitCode == 3)
        #expect(String(decoding: answer.stdout, as: UTF8.self).hasPrefix("life\n"))
        #expect(String(decoding: answer.stdout, as: UTF8.self).contains(" \(address)/24 "))
        #expect(answer.stderr == Array("wrong\n".utf8))
        if let uplink {
            #expect(try await exec(container, ["ping", "-c", "1", "-W", "2", uplink]).exitCode == 0)
        }
        await #expect(throws: CRIError.self) { try await exec(container, ["sleep", "1000"], timeout: 1) }

        var stats = ContainerStatsRequest()
        stats.containerId = container
        let usage = try await runtime.containerStats(stats).stats
        #expect(usage?.memory?.workingSetBytes?.value ?? 0 > 0)

        try await stop(container, timeout: 0)
        let ended = try #require(try await status(container).status)
        #expect(ended.state == .containerExited)
        #expect(ended.exitCode == 137)
        try expectLog(config.logDirectory + "/main.log", ["stdout F out", "stderr F err"])

        try await remove(container)
        try await remove(container)
        await expectNotFound { try await status(container) }
        try await stopSandbox(sandbox)
        #expect(try await sandboxStatus(sandbox).state == .sandboxNotready)
        try await stopSandbox(sandbox)
        try await removeSandbox(sandbox)
        try await removeSandbox(sandbox)
        await expectNotFound { try await sandboxStatus(sandbox) }
    }

    func exitsAreSeen() async throws {
        let config = sandboxConfiguration("exits")
        let sandbox = try await run(config)
        let failing = try await create("failing", "exit 5", in: sandbox, config)
        try await start(failing)
        let ended = try await waitForExit(failing)
        #expect(ended.exitCode == 5)
        #expect(ended.reason == "Error")
        // containerd notes the start after the start: one that ends at once has ended before it started.
        #expect(ended.startedAt > 0)
        #expect(ended.finishedAt > 0)

        // A shell that is the first process gets SIGTERM only if it asks for it.
        let script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
        let polite = try await create("polite", script, in: sandbox, config)
        try await start(polite)
        for _ in 0..<200 where Files.text(config.logDirectory + "/polite.log")?.contains("up") != true {
            _ = try await exec(polite, ["true"])
        }
        try await stop(polite, timeout: 20)
        #expect(try await status(polite).status?.exitCode == 0)
        #expect(try await status(polite).status?.reason == "Completed")
        try expectLog(config.logDirectory + "/polite.log", ["stdout F up", "stdout F bye"])

        var filter = ContainerFilter()
        filter.podSandboxId = sandbox
        filter.labelSelector = ["name": "polite"]
        var list = ListContainersRequest()
        list.filter = filter
        #expect(try await runtime.listContainers(list).containers.map(\.id) == [polite])
        try await stopSandbox(sandbox)
        try await removeSandbox(sandbox)
        // Removing a sandbox removes its containers.
        #expect(try await runtime.listContainers(list).containers.isEmpty)
    }

    func mistakesAreNamed() async throws {
        await expectNotFound { try await status("nothing") }
        await expectNotFound { try await exec("nothing", ["true"]) }
        let config = sandboxConfiguration("mistakes")
        let sandbox = try await run(config)
        let bad = try await create("bad", "", in: sandbox, config)
        await #expect(throws: CRIError.self) { try await exec(bad, ["true"]) }
        await #expect(throws: CRIError.self) { try await create("bad", "", in: sandbox, config) }
        try await stopSandbox(sandbox)
        try await removeSandbox(sandbox)
    }

    private func expectNotFound(_ body: () async throws -> some Any) async {
        do {
            _ = try await body()
            Issue.record("it must not be there")
        } catch {
            #expect((error as? CRIError)?.code == .notFound, "\(error)")
        }
    }

    /// CRI's log format: time, stream, F or P, text.
    private func expectLog(_ path: String, _ expected: [String]) throws {
        let text = try #require(Files.text(path))
        let lines = text.split(separator: "\n").compactMap { line in
            line.split(separator: " ", maxSplits: 1).last.map(String.init)
        }
        #expect(lines.sorted() == expected.sorted())
    }
}
