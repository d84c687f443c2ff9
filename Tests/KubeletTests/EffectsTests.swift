import API
import APIMachinery
import CRI
import Client
import Flow
import Glibc
import Kubelet
import Synchronization
import Testing

final class RecordedReports: PodReports {
    let events = Mutex<[String]>([])
    func report(_ status: PodStatus, of pod: Pod) {}
    func event(_ type: EventType, reason: String, message: String, container: String?, about pod: Pod) {
        events.withLock { $0.append("\(reason): \(message)") }
    }
    func startProbes(_ pod: Pod, container: String, id: String) {}
    func stopProbes(_ pod: PodIdentity, container: String) {}
    func finished(_ pod: Pod) {}
}

struct FixedVolumes: PodVolumes {
    var volumes: [String: MountedVolume] = [:]
    func mount(_ pod: Pod) async throws(PodVolumeError) -> [String: MountedVolume] { volumes }
    func unmount(_ pod: PodIdentity) async throws(PodVolumeError) {}
}

/// Remembers what it is told.
final class PlainCgroups: PodCgroups {
    let limits = Mutex<[PodCgroupLimits]>([])
    func path(of pod: Pod) -> String { "/kubepods/pod" + pod.metadata.uid }
    func create(_ pod: Pod, limits: PodCgroupLimits) async throws(PodCgroupError) {
        self.limits.withLock { $0.append(limits) }
    }
    func remove(uid: String) async throws(PodCgroupError) {}
}

struct FixedSources: ObjectSources {
    var configMaps: [ConfigMap] = []
    var secrets: [Secret] = []
    func configMap(namespace: String, name: String) async throws(StatusError) -> ConfigMap {
        guard let found = configMaps.first(where: { $0.metadata.name == name }) else {
            throw Self.missing("configmaps", name)
        }
        return found
    }
    func secret(namespace: String, name: String) async throws(StatusError) -> Secret {
        guard let found = secrets.first(where: { $0.metadata.name == name }) else {
            throw Self.missing("secrets", name)
        }
        return found
    }
    func services(namespace: String) async throws(StatusError) -> [Service] { [] }
    static func missing(_ resource: String, _ name: String) -> StatusError {
        StatusError(
            Status.with { status in
                status.code = 404
                status.reason = "NotFound"
                status.message = "\(resource) \"\(name)\" not found"
            })
    }
}

struct SilentNetwork: NetworkProber {
    func http(_ request: HTTPProbeRequest) async -> NetworkProbeResult { .success }
    func tcp(host: String, port: Int, timeout: Duration) async -> NetworkProbeResult { .success }
    func grpc(host: String, port: Int, service: String, timeout: Duration) async -> NetworkProbeResult { .success }
}

/// Effects on a runtime in memory and a directory of its own.
struct Workshop: ~Copyable {
    let runtime = ScriptedRuntime()
    let reports = RecordedReports()
    let clock = ManualMonotonicClock()
    let cgroups = PlainCgroups()
    let room = ResizeRoom(allocatable: {
        ["cpu": Quantity(2), "memory": Quantity(1 << 30, format: .binarySI)]
    })
    let effects: RuntimeEffects
    let collector: NodeCollector
    let root: String

    init(
        volumes: [String: MountedVolume] = [:], sources: FixedSources = FixedSources(),
        disk: NodeCollector.DiskUsage? = nil
    ) throws {
        root = "/tmp/kubelet-tests-\(UInt64.random(in: 0...UInt64.max))"
        try NodeFiles.makeDirectory(root)
        var configuration = RuntimeConfiguration(
            nodeName: "a", nodeAddresses: ["192.0.2.1"], kubeletDirectory: root + "/kubelet")
        configuration.logsDirectory = root + "/logs"
        configuration.logBytes = 10
        configuration.logFiles = 3
        let observer = RuntimeObserver(runtime: runtime)
        let images = ImagePuller(
            images: runtime, reports: reports, sources: sources, clock: clock, recorder: nil)
        effects = RuntimeEffects(
            configuration: configuration, runtime: runtime, images: images, volumes: FixedVolumes(volumes: volumes),
            cgroups: cgroups, sources: sources, network: SilentNetwork(), reports: reports, observer: observer,
            watch: RuntimeWatch(observer: observer, exits: nil, clock: clock, log: .silent),
            room: room, clock: clock, wallClock: SystemWallClock(), log: .silent, recorder: nil)
        collector = NodeCollector(
            runtime: runtime, images: runtime, effects: effects, configuration: configuration, clock: clock,
            log: .silent, disk: { _ in disk })
        runtime.addImage("localhost/bb:1")
    }

    deinit { try? NodeFiles.removeTree(root) }

    var events: [String] { reports.events.withLock { $0 } }

    /// Prepares, makes the sandbox and launches.
    func launch(_ pod: Pod, _ name: String = "web", attempt: Int = 0) async -> [PodEvent] {
        let identity = PodIdentity(pod)
        _ = await effects.perform(.prepare(pod), for: identity)
        if runtime.calls.contains("runPodSandbox 0") == false {
            _ = await effects.perform(.createSandbox(pod, attempt: 0), for: identity)
        }
        let action = PodAction.launch(
            pod, container: name, attempt: attempt, sandbox: "sandbox-0", imageReference: "sha256:localhost/bb:1",
            backoffSeconds: 20)
        return await effects.perform(action, for: identity)
    }

    func ensure(_ pod: Pod) async -> [PodEvent] {
        await effects.perform(.ensureImage(pod, container: "web"), for: PodIdentity(pod))
    }
}

/// `launchFailed CreateContainerError …`, as a line.
func line(_ event: PodEvent) -> String {
    switch event {
    case .prepared: "prepared"
    case .prepareFailed(let reason, let message): "prepareFailed \(reason): \(message)"
    case .sandboxReady(let id, let addresses): "sandboxReady \(id) \(addresses.joined())"
    case .sandboxFailed(let message): "sandboxFailed \(message)"
    case .imageReady(_, let reference): "imageReady \(reference)"
    case .imageFailed(_, let reason, let message): "imageFailed \(reason): \(message)"
    case .started(_, let instance): "started \(instance.id) \(instance.attempt) \(instance.isRunning)"
    case .launchFailed(_, let reason, let message): "launchFailed \(reason): \(message)"
    case .observed(let view):
        "observed "
            + view.containers.keys.sorted().map { "\($0):\(view.containers[$0]?.first?.isRunning ?? false)" }
            .joined(separator: ",")
    case .killed(let name): "killed \(name)"
    case .cleaned: "cleaned"
    case .cleanFailed(let message): "cleanFailed \(message)"
    case .sandboxStopped: "sandboxStopped"
    case .postStartDone(_, let failure): "postStartDone \(failure ?? "")"
    default: "\(event)"
    }
}

@Suite(.timeLimit(.minutes(5)))
struct EffectsTests {
    @Test func `a pod goes through the runtime and leaves nothing`() async throws {
        let shop = try Workshop()
        var pod: Pod = makePod("web")
        pod.spec.containers[0].terminationMessagePath = "/dev/termination-log"
        let identity = PodIdentity(pod)
        #expect(await shop.launch(pod).map(line) == ["started web-0 0 true"])
        let config: ContainerConfig = try #require(shop.runtime.state.withLock { $0.created.first })
        #expect(config.labels["io.kubernetes.container.name"] == "web")
        #expect(config.logPath == "web/0.log")
        let hosts: Mount = try #require(config.mounts.first { $0.containerPath == "/etc/hosts" })
        let text: [UInt8] = try NodeFiles.read(hosts.hostPath, limit: 4096)
        #expect(String(decoding: text, as: UTF8.self).hasSuffix("fe00::2\tip6-allrouters\n10.0.0.7\tweb-0\n"))
        let sandbox: PodSandboxConfig? = shop.runtime.state.withLock { $0.configs["sandbox-0"] }
        #expect(sandbox?.linux?.cgroupParent == "/kubepods/podu1")
        #expect(shop.events == ["Created: Created container: web", "Started: Started container web"])

        let file: Mount = try #require(config.mounts.first { $0.containerPath == "/dev/termination-log" })
        try NodeFiles.write(file.hostPath, Array("farewell".utf8))
        let killed: [PodEvent] = await shop.effects.perform(
            .kill(pod, container: "web", id: "web-0", graceSeconds: 7, message: ""), for: identity)
        #expect(killed.map(line) == ["observed web:false", "killed web"])
        guard case .observed(let view) = killed[0] else { return }
        #expect(view.containers["web"]?.first?.state.exit?.message == "farewell")
        #expect(shop.runtime.calls.contains("stopContainer web-0 7"))

        _ = await shop.effects.perform(.stopSandbox(id: "sandbox-0"), for: identity)
        #expect(await shop.effects.perform(.cleanUp(pod), for: identity).map(line) == ["cleaned"])
        #expect(shop.runtime.state.withLock { $0.sandboxes.isEmpty && $0.containers.isEmpty })
        #expect(NodeFiles.entries(shop.root + "/kubelet/pods") == [])
        #expect(NodeFiles.entries(shop.root + "/logs") == [])
        #expect(shop.effects.rememberedPods == 0)
    }

    @Test func `what cannot be made or started says why, in upstream's words`() async throws {
        let shop = try Workshop()
        var pod: Pod = makePod("web")
        pod.spec.containers[0].env = [
            EnvVar.with { variable in
                variable.name = "A"
                variable.valueFrom = EnvVarSource.with { source in
                    source.configMapKeyRef = ConfigMapKeySelector.with { $0.name = "settings" }
                }
            }
        ]
        #expect(
            await shop.launch(pod).map(line) == [
                "launchFailed CreateContainerConfigError: configmap \"settings\" not found"
            ])
        pod.spec.containers[0].env = []
        pod.spec.securityContext = PodSecurityContext.with { $0.runAsNonRoot = true }
        #expect(
            await shop.launch(pod).map(line) == [
                "launchFailed CreateContainerConfigError: container has runAsNonRoot and image will run as root "
                    + "(pod: \"web-0_default(u1)\", container: web)"
            ])
        pod.spec.securityContext = nil
        shop.runtime.fail("createContainer", CRIError(.unknown, "no room"))
        #expect(
            await shop.launch(pod).map(line) == [
                "launchFailed CreateContainerError: rpc error: code = Unknown desc = no room", "observed ",
            ])
        shop.runtime.fail("startContainer", CRIError(.unknown, "no such file"))
        #expect(
            await shop.launch(pod).map(line) == ["launchFailed RunContainerError: no such file", "observed web:false"])
        #expect(shop.events.contains("Failed: Error: no such file"))
    }

    @Test func `a sandbox that cannot be had as asked for is not made otherwise`() async throws {
        let shop = try Workshop()
        var pod: Pod = makePod("web")
        pod.spec.hostUsers = false
        let users: [PodEvent] = await shop.effects.perform(.createSandbox(pod, attempt: 0), for: PodIdentity(pod))
        #expect(
            users.map(line) == [
                "sandboxFailed user namespaces (hostUsers: false) are not supported on this node"
            ])
        pod.spec.hostUsers = nil
        pod.spec.runtimeClassName = "kata"
        let classes: [PodEvent] = await shop.effects.perform(.createSandbox(pod, attempt: 0), for: PodIdentity(pod))
        #expect(
            classes.map(line) == [
                "sandboxFailed failed to get sandbox runtime: no runtime for \"kata\" is configured"
            ])
        pod.spec.runtimeClassName = nil
        shop.runtime.fail("runPodSandbox", CRIError(.unknown, "no address left"))
        let failed: [PodEvent] = await shop.effects.perform(.createSandbox(pod, attempt: 0), for: PodIdentity(pod))
        #expect(failed.map(line) == ["sandboxFailed rpc error: code = Unknown desc = no address left"])
    }

    @Test func `pull policies decide who asks the registry`() async throws {
        let shop = try Workshop()
        var pod: Pod = makePod("web")
        #expect(await shop.ensure(pod).map(line) == ["imageReady sha256:localhost/bb:1"])
        #expect(shop.events == ["Pulled: Container image \"localhost/bb:1\" already present on machine"])
        pod.spec.containers[0].image = "localhost/other:1"
        pod.spec.containers[0].imagePullPolicy = "Never"
        #expect(
            await shop.ensure(pod).map(line) == [
                "imageFailed ErrImageNeverPull: Container image \"localhost/other:1\" is not present with pull "
                    + "policy of Never"
            ])
        pod.spec.containers[0].imagePullPolicy = "IfNotPresent"
        shop.runtime.fail("pullImage", CRIError(.notFound, "no such image"))
        #expect(
            await shop.ensure(pod).map(line) == [
                "imageFailed ErrImagePull: rpc error: code = NotFound desc = no such image"
            ])
        #expect(await shop.ensure(pod).map(line) == ["imageReady sha256:localhost/other:1"])
        pod.spec.containers[0].image = "Localhost/UPPER"
        let failed: String = await shop.ensure(pod).map(line)[0]
        #expect(failed.hasPrefix("imageFailed InvalidImageName: Failed to apply default image tag"))
        #expect(shop.runtime.state.withLock { $0.pulls.count } == 2)
    }

    @Test func `logins come from pull secrets, the most specific first`() async throws {
        let file: String = """
            {"auths": {"registry.example.com": {"auth": "YTpi"}, "*.example.com": {"username": "c", "password": "d"},
            "registry.example.com/team": {"username": "e", "password": "f"}, "other.org": {"username": "g"}}}
            """
        let secret = Secret.with { secret in
            secret.metadata.name = "pull"
            secret.data[".dockerconfigjson"] = Array(file.utf8)
        }
        let shop = try Workshop(sources: FixedSources(secrets: [secret]))
        var pod: Pod = makePod("web")
        pod.spec.containers[0].image = "registry.example.com/team/app:1"
        pod.spec.imagePullSecrets = ["pull", "lost"].map { name in LocalObjectReference.with { $0.name = name } }
        for _ in 0..<2 { shop.runtime.fail("pullImage", CRIError(.permissionDenied, "no")) }
        #expect(await shop.ensure(pod).map(line) == ["imageReady sha256:registry.example.com/team/app:1"])
        let users: [String] = shop.runtime.state.withLock { $0.pulls.map { $0.auth?.username ?? "" } }
        #expect(users.first == "e")
        #expect(Set(users) == ["a", "c", "e"])
        #expect(shop.events.contains { $0.hasPrefix("FailedToRetrieveImagePullSecret") && $0.contains("lost") })
    }

    @Test func `a hook takes its time out of the grace period`() async throws {
        let shop = try Workshop()
        var pod: Pod = makePod("web")
        pod.spec.containers[0].lifecycle = Lifecycle.with { lifecycle in
            lifecycle.preStop = LifecycleHandler.with { $0.sleep = SleepAction.with { $0.seconds = 4 } }
        }
        _ = await shop.launch(pod)
        let effects: RuntimeEffects = shop.effects
        let given: Pod = pod
        async let killed = effects.perform(
            .kill(given, container: "web", id: "web-0", graceSeconds: 10, message: ""), for: PodIdentity(given))
        await shop.clock.waitForSleepers(2)
        shop.clock.advance(by: .seconds(4))
        #expect(await killed.map(line) == ["observed web:false", "killed web"])
        #expect(shop.runtime.state.withLock { $0.stops.map(\.timeout) } == [6])
    }

    @Test func `a part of a volume never leads out of it`() async throws {
        let shop = try Workshop()
        let volume: String = shop.root + "/volume"
        try NodeFiles.makeDirectory(volume + "/inside")
        symlink("../../etc", volume + "/escape")
        symlink("/etc", volume + "/absolute")
        var container: APICore.Container = makeContainer("web")
        for path in ["../x", "/etc", "a/../../b"] {
            container.volumeMounts = [
                VolumeMount.with { mount in
                    mount.name = "v"
                    mount.mountPath = "/v"
                    mount.subPath = path
                }
            ]
            #expect(throws: MountBuilder.Failure.self) {
                try MountBuilder.volumes(
                    container, volumes: ["v": MountedVolume(hostPath: volume)], variables: { _ in nil },
                    subPath: { (part) throws(MountBuilder.Failure) in part.volumePath + "/" + part.subPath })
            }
        }
        for path in ["escape", "absolute", "inside/../escape/x"] {
            #expect(throws: MountBuilder.Failure.self) { try SubPath.open(volume: volume, subPath: path) }
        }
        // What is made has the volume's mode, whatever the umask: a user that is not root may write there.
        chmod(volume, 0o2777)
        let found = try SubPath.open(volume: volume, subPath: "inside/new")
        var status = stat()
        #expect(fstat(found.descriptor, &status) == 0 && status.st_mode & 0o7777 == 0o2777)
        close(found.descriptor)
        #expect(found.isDirectory)
        #expect(NodeFiles.entries(volume + "/inside") == ["new"])
    }

    @Test func `images go when the disk is full, the longest unused first, never one in use`() async throws {
        let shop = try Workshop(disk: .init(capacityBytes: 1000, availableBytes: 50))
        _ = await shop.launch(makePod("web"))
        for name in ["old:1", "older:1"] { shop.runtime.addImage(name, size: 90) }
        var memory = NodeCollector.ImageMemory()
        #expect(try await shop.collector.collectImages(&memory) == [])
        shop.clock.advance(by: .seconds(300))
        shop.runtime.addImage("fresh:1")
        #expect(try await shop.collector.collectImages(&memory) == ["sha256:old:1", "sha256:older:1"])
        #expect(shop.runtime.state.withLock { $0.images.keys.sorted() } == ["fresh:1", "localhost/bb:1"])
    }

    @Test func `the newest ended run of a container stays, older ones go`() async throws {
        let shop = try Workshop()
        let pod: Pod = makePod("web")
        for attempt in 0..<3 {
            _ = await shop.launch(pod, attempt: attempt)
            shop.runtime.exit("web-\(attempt)", code: 1)
        }
        _ = await shop.launch(pod, attempt: 3)
        try await shop.collector.removeDeadContainers()
        #expect(shop.runtime.state.withLock { $0.containers.map(\.id) } == ["web-2", "web-3"])
    }

    @Test func `a large log is renamed and the runtime opens a new one`() async throws {
        let shop = try Workshop()
        let pod: Pod = makePod("web")
        _ = await shop.launch(pod)
        let directory: String = shop.root + "/logs/default_web-0_u1/web"
        for _ in 0..<4 {
            try NodeFiles.write(directory + "/0.log", Array("0123456789".utf8))
            try await shop.collector.rotateLogs()
        }
        #expect(NodeFiles.entries(directory) == ["0.log.1", "0.log.2"])
        try NodeFiles.write(directory + "/0.log", Array("small".utf8))
        try await shop.collector.rotateLogs()
        #expect(NodeFiles.entries(directory) == ["0.log", "0.log.1", "0.log.2"])
    }

    @Test func `a pod that nobody knows is taken away, a known one stays`() async throws {
        let shop = try Workshop()
        _ = await shop.launch(makePod("web"))
        try await shop.collector.removeOrphans(known: { ["u1"] })
        #expect(shop.runtime.state.withLock { $0.sandboxes.count } == 1)
        try await shop.collector.removeOrphans(known: { nil })
        #expect(shop.runtime.state.withLock { $0.sandboxes.count } == 1)
        try await shop.collector.removeOrphans(known: { [] })
        #expect(shop.runtime.state.withLock { $0.sandboxes.isEmpty })
        #expect(NodeFiles.entries(shop.root + "/kubelet/pods") == [])
    }
}
