package import CRI

extension CRIClient: RuntimeService {
    package func version(_ request: VersionRequest) async throws(CRIError) -> VersionResponse {
        try await call(RuntimeServiceMethod.version, request)
    }

    package func status(_ request: StatusRequest) async throws(CRIError) -> StatusResponse {
        try await call(RuntimeServiceMethod.status, request)
    }

    package func updateRuntimeConfig(
        _ request: UpdateRuntimeConfigRequest
    ) async throws(CRIError) -> UpdateRuntimeConfigResponse {
        try await call(RuntimeServiceMethod.updateRuntimeConfig, request)
    }

    package func runtimeConfig(_ request: RuntimeConfigRequest) async throws(CRIError) -> RuntimeConfigResponse {
        try await call(RuntimeServiceMethod.runtimeConfig, request)
    }

    package func runPodSandbox(_ request: RunPodSandboxRequest) async throws(CRIError) -> RunPodSandboxResponse {
        try await call(RuntimeServiceMethod.runPodSandbox, request)
    }

    package func stopPodSandbox(_ request: StopPodSandboxRequest) async throws(CRIError) -> StopPodSandboxResponse {
        try await call(RuntimeServiceMethod.stopPodSandbox, request)
    }

    package func removePodSandbox(
        _ request: RemovePodSandboxRequest
    ) async throws(CRIError) -> RemovePodSandboxResponse {
        try await call(RuntimeServiceMethod.removePodSandbox, request)
    }

    package func podSandboxStatus(
        _ request: PodSandboxStatusRequest
    ) async throws(CRIError) -> PodSandboxStatusResponse {
        try await call(RuntimeServiceMethod.podSandboxStatus, request)
    }

    package func listPodSandbox(_ request: ListPodSandboxRequest) async throws(CRIError) -> ListPodSandboxResponse {
        try await call(RuntimeServiceMethod.listPodSandbox, request)
    }

    package func createContainer(
        _ request: CreateContainerRequest
    ) async throws(CRIError) -> CreateContainerResponse {
        try await call(RuntimeServiceMethod.createContainer, request)
    }

    package func startContainer(_ request: StartContainerRequest) async throws(CRIError) -> StartContainerResponse {
        try await call(RuntimeServiceMethod.startContainer, request)
    }

    package func stopContainer(_ request: StopContainerRequest) async throws(CRIError) -> StopContainerResponse {
        try await call(RuntimeServiceMethod.stopContainer, request, requested: .seconds(max(0, request.timeout)))
    }

    package func removeContainer(
        _ request: RemoveContainerRequest
    ) async throws(CRIError) -> RemoveContainerResponse {
        try await call(RuntimeServiceMethod.removeContainer, request)
    }

    package func listContainers(_ request: ListContainersRequest) async throws(CRIError) -> ListContainersResponse {
        try await call(RuntimeServiceMethod.listContainers, request)
    }

    package func containerStatus(
        _ request: ContainerStatusRequest
    ) async throws(CRIError) -> ContainerStatusResponse {
        try await call(RuntimeServiceMethod.containerStatus, request)
    }

    package func updateContainerResources(
        _ request: UpdateContainerResourcesRequest
    ) async throws(CRIError) -> UpdateContainerResourcesResponse {
        try await call(RuntimeServiceMethod.updateContainerResources, request)
    }

    package func reopenContainerLog(
        _ request: ReopenContainerLogRequest
    ) async throws(CRIError) -> ReopenContainerLogResponse {
        try await call(RuntimeServiceMethod.reopenContainerLog, request)
    }

    package func execSync(_ request: ExecSyncRequest) async throws(CRIError) -> ExecSyncResponse {
        try await call(RuntimeServiceMethod.execSync, request, requested: .seconds(max(0, request.timeout)))
    }

    package func exec(_ request: ExecRequest) async throws(CRIError) -> ExecResponse {
        try await call(RuntimeServiceMethod.exec, request)
    }

    package func attach(_ request: AttachRequest) async throws(CRIError) -> AttachResponse {
        try await call(RuntimeServiceMethod.attach, request)
    }

    package func portForward(_ request: PortForwardRequest) async throws(CRIError) -> PortForwardResponse {
        try await call(RuntimeServiceMethod.portForward, request)
    }

    package func containerStats(_ request: ContainerStatsRequest) async throws(CRIError) -> ContainerStatsResponse {
        try await call(RuntimeServiceMethod.containerStats, request)
    }

    package func listContainerStats(
        _ request: ListContainerStatsRequest
    ) async throws(CRIError) -> ListContainerStatsResponse {
        try await call(RuntimeServiceMethod.listContainerStats, request)
    }

    package func podSandboxStats(
        _ request: PodSandboxStatsRequest
    ) async throws(CRIError) -> PodSandboxStatsResponse {
        try await call(RuntimeServiceMethod.podSandboxStats, request)
    }

    package func listPodSandboxStats(
        _ request: ListPodSandboxStatsRequest
    ) async throws(CRIError) -> ListPodSandboxStatsResponse {
        try await call(RuntimeServiceMethod.listPodSandboxStats, request)
    }

    package func getContainerEvents(
        _ request: GetEventsRequest, handle: @escaping @Sendable (ContainerEventResponse) async -> Void
    ) async throws(CRIError) {
        try await stream(RuntimeServiceMethod.getContainerEvents, request, handle: handle)
    }
}
