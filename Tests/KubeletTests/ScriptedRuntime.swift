import CRI
import Codec
import Synchronization

/// A container runtime in memory: remembers what it is told, and fails where the test says so.
final class ScriptedRuntime: RuntimeService, ImageService {
    struct State {
        var calls: [String] = []
        var sandboxes: [PodSandbox] = []
        var configs: [String: PodSandboxConfig] = [:]
        var containers: [CRI.Container] = []
        var statuses: [String: CRI.ContainerStatus] = [:]
        var created: [ContainerConfig] = []
        var images: [String: Image] = [:]
        /// Errors by call name, used up one by one.
        var failures: [String: [CRIError]] = [:]
        var clock: Int = 1_000_000_000_000
        var pulls: [PullImageRequest] = []
        var stops: [StopContainerRequest] = []
        var execs: [ExecSyncRequest] = []
        var execAnswer = ExecSyncResponse()
        var removedImages: [String] = []
    }

    let state = Mutex(State())

    func fail(_ call: String, _ error: CRIError) { state.withLock { $0.failures[call, default: []].append(error) } }

    var calls: [String] { state.withLock { $0.calls } }

    private func note(_ call: String, _ detail: String = "") throws(CRIError) {
        let error: CRIError? = state.withLock { state in
            state.calls.append(detail.isEmpty ? call : "\(call) \(detail)")
            state.clock += 1_000_000_000
            guard state.failures[call]?.isEmpty == false else { return nil }
            return state.failures[call]?.removeFirst()
        }
        if let error { throw error }
    }

    func addImage(_ name: String, uid: Int? = nil, user: String = "", size: UInt64 = 100) {
        var image = Image()
        image.id = "sha256:" + name
        image.repoTags = [name]
        image.size = size
        image.username = user
        if let uid {
            var value = Int64Value()
            value.value = uid
            image.uid = value
        }
        let made: Image = image
        state.withLock { $0.images[name] = made }
    }

    /// Ends a container as if its process had.
    func exit(_ id: String, code: Int) {
        state.withLock { state in
            state.statuses[id]?.state = .containerExited
            state.statuses[id]?.exitCode = code
            state.statuses[id]?.finishedAt = state.clock
            for index in state.containers.indices where state.containers[index].id == id {
                state.containers[index].state = .containerExited
            }
        }
    }

    // MARK: Sandboxes

    func runPodSandbox(_ request: RunPodSandboxRequest) async throws(CRIError) -> RunPodSandboxResponse {
        let config: PodSandboxConfig = request.config ?? PodSandboxConfig()
        let attempt: Int = config.metadata?.attempt ?? 0
        try note("runPodSandbox", "\(attempt)")
        return state.withLock { state in
            var sandbox = PodSandbox()
            sandbox.id = "sandbox-\(attempt)"
            sandbox.metadata = config.metadata
            sandbox.state = .sandboxReady
            sandbox.labels = config.labels
            sandbox.createdAt = state.clock
            state.sandboxes.append(sandbox)
            state.configs[sandbox.id] = config
            var response = RunPodSandboxResponse()
            response.podSandboxId = sandbox.id
            return response
        }
    }

    func stopPodSandbox(_ request: StopPodSandboxRequest) async throws(CRIError) -> StopPodSandboxResponse {
        try note("stopPodSandbox", request.podSandboxId)
        state.withLock { state in
            for index in state.sandboxes.indices where state.sandboxes[index].id == request.podSandboxId {
                state.sandboxes[index].state = .sandboxNotready
            }
        }
        return StopPodSandboxResponse()
    }

    func removePodSandbox(_ request: RemovePodSandboxRequest) async throws(CRIError) -> RemovePodSandboxResponse {
        try note("removePodSandbox", request.podSandboxId)
        state.withLock { $0.sandboxes.removeAll { $0.id == request.podSandboxId } }
        return RemovePodSandboxResponse()
    }

    func podSandboxStatus(_ request: PodSandboxStatusRequest) async throws(CRIError) -> PodSandboxStatusResponse {
        try note("podSandboxStatus", request.podSandboxId)
        return state.withLock { state in
            var network = PodSandboxNetworkStatus()
            network.ip = "10.0.0.7"
            var status = PodSandboxStatus()
            status.id = request.podSandboxId
            status.metadata = state.configs[request.podSandboxId]?.metadata
            status.network = network
            var response = PodSandboxStatusResponse()
            response.status = status
            return response
        }
    }

    func listPodSandbox(_ request: ListPodSandboxRequest) async throws(CRIError) -> ListPodSandboxResponse {
        try note("listPodSandbox")
        let uid: String? = request.filter?.labelSelector["io.kubernetes.pod.uid"]
        return state.withLock { state in
            var response = ListPodSandboxResponse()
            response.items = state.sandboxes.filter { uid == nil || $0.labels["io.kubernetes.pod.uid"] == uid }
            return response
        }
    }

    // MARK: Containers

    func createContainer(_ request: CreateContainerRequest) async throws(CRIError) -> CreateContainerResponse {
        let config: ContainerConfig = request.config ?? ContainerConfig()
        let name: String = "\(config.metadata?.name ?? "")-\(config.metadata?.attempt ?? 0)"
        try note("createContainer", name)
        return state.withLock { state in
            state.created.append(config)
            var container = CRI.Container()
            container.id = name
            container.podSandboxId = request.podSandboxId
            container.metadata = config.metadata
            container.labels = config.labels
            container.annotations = config.annotations
            container.image = config.image
            container.imageRef = config.image?.image ?? ""
            container.createdAt = state.clock
            state.containers.append(container)
            var status = CRI.ContainerStatus()
            status.id = name
            status.metadata = config.metadata
            status.labels = config.labels
            status.annotations = config.annotations
            status.imageRef = "repo@sha256:1"
            status.mounts = config.mounts
            status.logPath = (request.sandboxConfig?.logDirectory ?? "") + "/" + config.logPath
            state.statuses[name] = status
            var response = CreateContainerResponse()
            response.containerId = name
            return response
        }
    }

    func startContainer(_ request: StartContainerRequest) async throws(CRIError) -> StartContainerResponse {
        do throws(CRIError) {
            try note("startContainer", request.containerId)
        } catch {
            exit(request.containerId, code: 128)
            throw error
        }
        state.withLock { state in
            state.statuses[request.containerId]?.state = .containerRunning
            state.statuses[request.containerId]?.startedAt = state.clock
            for index in state.containers.indices where state.containers[index].id == request.containerId {
                state.containers[index].state = .containerRunning
            }
        }
        return StartContainerResponse()
    }

    func stopContainer(_ request: StopContainerRequest) async throws(CRIError) -> StopContainerResponse {
        try note("stopContainer", "\(request.containerId) \(request.timeout)")
        state.withLock { $0.stops.append(request) }
        exit(request.containerId, code: 143)
        return StopContainerResponse()
    }

    func removeContainer(_ request: RemoveContainerRequest) async throws(CRIError) -> RemoveContainerResponse {
        try note("removeContainer", request.containerId)
        state.withLock { $0.containers.removeAll { $0.id == request.containerId } }
        return RemoveContainerResponse()
    }

    func listContainers(_ request: ListContainersRequest) async throws(CRIError) -> ListContainersResponse {
        try note("listContainers")
        let uid: String? = request.filter?.labelSelector["io.kubernetes.pod.uid"]
        return state.withLock { state in
            var response = ListContainersResponse()
            response.containers = state.containers.filter { uid == nil || $0.labels["io.kubernetes.pod.uid"] == uid }
            return response
        }
    }

    func containerStatus(_ request: ContainerStatusRequest) async throws(CRIError) -> ContainerStatusResponse {
        try note("containerStatus", request.containerId)
        var response = ContainerStatusResponse()
        response.status = state.withLock { $0.statuses[request.containerId] }
        guard response.status != nil else { throw CRIError(.notFound, "no container") }
        return response
    }

    func execSync(_ request: ExecSyncRequest) async throws(CRIError) -> ExecSyncResponse {
        try note("execSync", request.cmd.joined(separator: " "))
        return state.withLock { state in
            state.execs.append(request)
            return state.execAnswer
        }
    }

    func reopenContainerLog(
        _ request: ReopenContainerLogRequest
    ) async throws(CRIError) -> ReopenContainerLogResponse {
        try note("reopenContainerLog", request.containerId)
        return ReopenContainerLogResponse()
    }

    // MARK: Images

    func listImages(_ request: ListImagesRequest) async throws(CRIError) -> ListImagesResponse {
        var response = ListImagesResponse()
        response.images = state.withLock { $0.images.values.sorted { $0.id < $1.id } }
        return response
    }

    func imageStatus(_ request: ImageStatusRequest) async throws(CRIError) -> ImageStatusResponse {
        let name: String = request.image?.image ?? ""
        try note("imageStatus")
        var response = ImageStatusResponse()
        response.image = state.withLock { state in
            state.images[name] ?? state.images.values.first { $0.id == name }
        }
        return response
    }

    func pullImage(_ request: PullImageRequest) async throws(CRIError) -> PullImageResponse {
        state.withLock { $0.pulls.append(request) }
        try note("pullImage", request.image?.image ?? "")
        addImage(request.image?.image ?? "")
        var response = PullImageResponse()
        response.imageRef = "sha256:" + (request.image?.image ?? "")
        return response
    }

    func removeImage(_ request: RemoveImageRequest) async throws(CRIError) -> RemoveImageResponse {
        try note("removeImage", request.image?.image ?? "")
        state.withLock { state in
            state.images = state.images.filter { $0.value.id != request.image?.image }
        }
        return RemoveImageResponse()
    }

    func imageFsInfo(_ request: ImageFsInfoRequest) async throws(CRIError) -> ImageFsInfoResponse {
        var identifier = FilesystemIdentifier()
        identifier.mountpoint = "/images"
        var usage = FilesystemUsage()
        usage.fsId = identifier
        var response = ImageFsInfoResponse()
        response.imageFilesystems = [usage]
        return response
    }

    // MARK: What no test needs

    private static let unimplemented = CRIError(.unimplemented, "not in this runtime")

    func version(_ request: VersionRequest) async throws(CRIError) -> VersionResponse { throw Self.unimplemented }
    func status(_ request: StatusRequest) async throws(CRIError) -> StatusResponse { throw Self.unimplemented }
    func updateRuntimeConfig(
        _ request: UpdateRuntimeConfigRequest
    ) async throws(CRIError) -> UpdateRuntimeConfigResponse { throw Self.unimplemented }
    func runtimeConfig(_ request: RuntimeConfigRequest) async throws(CRIError) -> RuntimeConfigResponse {
        throw Self.unimplemented
    }
    func updateContainerResources(
        _ request: UpdateContainerResourcesRequest
    ) async throws(CRIError) -> UpdateContainerResourcesResponse {
        try note("updateContainerResources", "\(request.containerId) \(request.linux?.memoryLimitInBytes ?? 0)")
        return UpdateContainerResourcesResponse()
    }
    func exec(_ request: ExecRequest) async throws(CRIError) -> ExecResponse { throw Self.unimplemented }
    func attach(_ request: AttachRequest) async throws(CRIError) -> AttachResponse { throw Self.unimplemented }
    func portForward(_ request: PortForwardRequest) async throws(CRIError) -> PortForwardResponse {
        throw Self.unimplemented
    }
    func containerStats(_ request: ContainerStatsRequest) async throws(CRIError) -> ContainerStatsResponse {
        throw Self.unimplemented
    }
    func listContainerStats(
        _ request: ListContainerStatsRequest
    ) async throws(CRIError) -> ListContainerStatsResponse { throw Self.unimplemented }
    func podSandboxStats(_ request: PodSandboxStatsRequest) async throws(CRIError) -> PodSandboxStatsResponse {
        throw Self.unimplemented
    }
    func listPodSandboxStats(
        _ request: ListPodSandboxStatsRequest
    ) async throws(CRIError) -> ListPodSandboxStatsResponse { throw Self.unimplemented }
    func getContainerEvents(
        _ request: GetEventsRequest, handle: @escaping @Sendable (ContainerEventResponse) async -> Void
    ) async throws(CRIError) { throw Self.unimplemented }
}
