import CRI
import Codec
import HTTPServer
import StreamConnections
import Streams
import Synchronization

/// A runtime with one sandbox `s` and one container `c`, whose streaming server is `FakeStreamingServer`.
final class FakeRuntime: RuntimeService {
    struct State {
        var streamingPort: Int = 0
        var logPath: String = ""
        var isRunning: Bool = true
        var execs: [ExecRequest] = []
        var attaches: [AttachRequest] = []
    }

    let state: Mutex<State> = Mutex(State())

    func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

    private func url(_ path: String) -> String { "http://127.0.0.1:\(state.withLock { $0.streamingPort })/\(path)" }

    func exec(_ request: ExecRequest) async throws(CRIError) -> ExecResponse {
        set { $0.execs.append(request) }
        if request.cmd == ["refused"] { throw CRIError(.resourceExhausted, "too many execs") }
        var response = ExecResponse()
        response.url = url("exec/token")
        return response
    }

    func attach(_ request: AttachRequest) async throws(CRIError) -> AttachResponse {
        set { $0.attaches.append(request) }
        var response = AttachResponse()
        response.url = url("attach/token")
        return response
    }

    func portForward(_ request: PortForwardRequest) async throws(CRIError) -> PortForwardResponse {
        guard request.podSandboxId == "s" else { throw CRIError(.notFound, "no sandbox") }
        var response = PortForwardResponse()
        response.url = url("portforward/token")
        return response
    }

    func execSync(_ request: ExecSyncRequest) async throws(CRIError) -> ExecSyncResponse {
        var response = ExecSyncResponse()
        response.stdout = Array(request.cmd.joined(separator: " ").utf8)
        return response
    }

    func listContainers(_ request: ListContainersRequest) async throws(CRIError) -> ListContainersResponse {
        var response = ListContainersResponse()
        guard request.filter?.labelSelector["io.kubernetes.container.name"] == "c", state.withLock({ $0.isRunning })
        else { return response }
        var container = Container()
        container.id = "id-c"
        container.state = .containerRunning
        response.containers = [container]
        return response
    }

    func containerStatus(_ request: ContainerStatusRequest) async throws(CRIError) -> ContainerStatusResponse {
        guard request.containerId == "id-c" else { throw CRIError(.notFound, "no container") }
        var status = ContainerStatus()
        status.id = "id-c"
        (status.logPath, status.state) = state.withLock {
            ($0.logPath, $0.isRunning ? .containerRunning : .containerExited)
        }
        var response = ContainerStatusResponse()
        response.status = status
        return response
    }

    func listPodSandbox(_ request: ListPodSandboxRequest) async throws(CRIError) -> ListPodSandboxResponse {
        var sandbox = PodSandbox()
        sandbox.id = "s"
        var response = ListPodSandboxResponse()
        response.items = [sandbox]
        return response
    }

    func listContainerStats(_ request: ListContainerStatsRequest) async throws(CRIError) -> ListContainerStatsResponse {
        var stats = ContainerStats()
        var attributes = ContainerAttributes()
        var metadata = ContainerMetadata()
        metadata.name = "c"
        attributes.metadata = metadata
        attributes.labels = [
            "io.kubernetes.pod.name": "web", "io.kubernetes.pod.namespace": "default", "io.kubernetes.pod.uid": "u1",
        ]
        stats.attributes = attributes
        var cpu = CpuUsage()
        var nanoseconds = UInt64Value()
        nanoseconds.value = 1_500_000_000
        cpu.usageCoreNanoSeconds = nanoseconds
        cpu.timestamp = 1_700_000_000_000_000_000
        stats.cpu = cpu
        var response = ListContainerStatsResponse()
        response.stats = [stats]
        return response
    }

    private static func not<Value>() throws(CRIError) -> Value { throw CRIError(.unimplemented, "not in this test") }

    func version(_ request: VersionRequest) async throws(CRIError) -> VersionResponse { try Self.not() }
    func status(_ request: StatusRequest) async throws(CRIError) -> StatusResponse { try Self.not() }
    func updateRuntimeConfig(_ request: UpdateRuntimeConfigRequest) async throws(CRIError)
        -> UpdateRuntimeConfigResponse
    { try Self.not() }
    func runtimeConfig(_ request: RuntimeConfigRequest) async throws(CRIError) -> RuntimeConfigResponse {
        try Self.not()
    }
    func runPodSandbox(_ request: RunPodSandboxRequest) async throws(CRIError) -> RunPodSandboxResponse {
        try Self.not()
    }
    func stopPodSandbox(_ request: StopPodSandboxRequest) async throws(CRIError) -> StopPodSandboxResponse {
        try Self.not()
    }
    func removePodSandbox(_ request: RemovePodSandboxRequest) async throws(CRIError) -> RemovePodSandboxResponse {
        try Self.not()
    }
    func podSandboxStatus(_ request: PodSandboxStatusRequest) async throws(CRIError) -> PodSandboxStatusResponse {
        try Self.not()
    }
    func createContainer(_ request: CreateContainerRequest) async throws(CRIError) -> CreateContainerResponse {
        try Self.not()
    }
    func startContainer(_ request: StartContainerRequest) async throws(CRIError) -> StartContainerResponse {
        try Self.not()
    }
    func stopContainer(_ request: StopContainerRequest) async throws(CRIError) -> StopContainerResponse {
        try Self.not()
    }
    func removeContainer(_ request: RemoveContainerRequest) async throws(CRIError) -> RemoveContainerResponse {
        try Self.not()
    }
    func updateContainerResources(_ request: UpdateContainerResourcesRequest) async throws(CRIError)
        -> UpdateContainerResourcesResponse
    { try Self.not() }
    func reopenContainerLog(_ request: ReopenContainerLogRequest) async throws(CRIError) -> ReopenContainerLogResponse {
        try Self.not()
    }
    func containerStats(_ request: ContainerStatsRequest) async throws(CRIError) -> ContainerStatsResponse {
        try Self.not()
    }
    func podSandboxStats(_ request: PodSandboxStatsRequest) async throws(CRIError) -> PodSandboxStatsResponse {
        try Self.not()
    }
    func listPodSandboxStats(_ request: ListPodSandboxStatsRequest) async throws(CRIError)
        -> ListPodSandboxStatsResponse
    { try Self.not() }
    func getContainerEvents(
        _ request: GetEventsRequest, handle: @escaping @Sendable (ContainerEventResponse) async -> Void
    ) async throws(CRIError) { throw CRIError(.unimplemented, "not in this test") }
}

/// The streaming server of a runtime, as containerd's looks from outside.
///
/// `exec`, `attach`: what comes to stdin goes to stdout. When stdin ends, `bye` goes to stderr, and the
/// status to error.
/// `portforward`: what comes to a data stream comes back behind the stream's port.
final class FakeStreamingServer: HTTPHandler {
    /// Tells of each connection that has ended.
    let ended: AsyncStream<Void>
    private let tell: AsyncStream<Void>.Continuation

    init() {
        (ended, tell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(16))
    }

    static let success: String = "{\"metadata\":{},\"status\":\"Success\"}"

    func handle(_ request: HTTPRequest, responder: HTTPResponder) {
        guard request.method == "POST", request.requestedUpgrade == "SPDY/3.1",
            let version = request.fields["x-stream-protocol-version"],
            let connection = responder.upgrade(fields: [
                "upgrade": "SPDY/3.1", "connection": "Upgrade", "x-stream-protocol-version": version,
            ])
        else { return responder.respond(status: 403, body: Array("no upgrade".utf8)) }
        let isForward: Bool = request.target.hasPrefix("/portforward/")
        StreamTasks.start {
            await isForward ? Self.forward(connection) : Self.run(connection)
            self.tell.yield()
        }
    }

    private static func run(_ connection: RawConnection) async {
        var codec = SPDYCodec()
        var ids: [String: UInt32] = [:]
        while let bytes = await connection.read() {
            guard let frames = try? codec.receive(bytes) else { return }
            for frame in frames {
                switch frame {
                case .synStream(let id, let fields, _):
                    ids[fields.first { $0.name == "streamtype" }?.value ?? ""] = id
                    _ = await connection.write(codec.encode(.synReply(id: id, fields: [], isLast: false)))
                case .data(let id, let payload, let isLast):
                    if id == ids["resize"] {
                        _ = await connection.write(
                            codec.encode(.data(id: ids["stdout"] ?? 0, Array("resized:".utf8) + payload, isLast: false))
                        )
                        continue
                    }
                    guard id == ids["stdin"] else { continue }
                    if !payload.isEmpty {
                        _ = await connection.write(codec.encode(.data(id: ids["stdout"] ?? 0, payload, isLast: false)))
                    }
                    if isLast { return await end(connection, &codec, ids) }
                default: continue
                }
            }
        }
    }

    private static func end(_ connection: RawConnection, _ codec: inout SPDYCodec, _ ids: [String: UInt32]) async {
        var last: [UInt8] = []
        if let id = ids["stderr"] { last += codec.encode(.data(id: id, Array("bye".utf8), isLast: true)) }
        if let id = ids["stdout"] { last += codec.encode(.data(id: id, [], isLast: true)) }
        if let id = ids["error"] { last += codec.encode(.data(id: id, Array(success.utf8), isLast: false)) }
        for id in ids.values { last += codec.encode(.reset(id: id, status: 5)) }
        _ = await connection.write(last + codec.encode(.goAway))
        connection.closeWrite()
    }

    private static func forward(_ connection: RawConnection) async {
        var codec = SPDYCodec()
        var ports: [UInt32: String] = [:]
        while let bytes = await connection.read() {
            guard let frames = try? codec.receive(bytes) else { return }
            for frame in frames {
                switch frame {
                case .synStream(let id, let fields, _):
                    _ = await connection.write(codec.encode(.synReply(id: id, fields: [], isLast: false)))
                    if fields.contains(SPDYField("streamtype", "data")) {
                        ports[id] = fields.first { $0.name == "port" }?.value
                    }
                case .data(let id, let payload, _):
                    guard let port = ports[id], !payload.isEmpty else { continue }
                    _ = await connection.write(
                        codec.encode(.data(id: id, Array("\(port):".utf8) + payload, isLast: false)))
                default: continue
                }
            }
        }
    }
}
