/// Pods and containers of one node: CRI's `runtime.v1.RuntimeService`, as far as a kubelet uses it.
///
/// The messages are CRI's, and so are the rules: calls are idempotent where CRI says so (stopping and removing
/// what is gone succeeds), and `notFound` says that there is no such sandbox or container. A cancelled task
/// gets `cancelled`; the runtime may have acted nevertheless. Each call has a deadline, see `CRIMethod`.
package protocol RuntimeService: Sendable {
    func version(_ request: VersionRequest) async throws(CRIError) -> VersionResponse
    func status(_ request: StatusRequest) async throws(CRIError) -> StatusResponse
    func updateRuntimeConfig(
        _ request: UpdateRuntimeConfigRequest
    ) async throws(CRIError) -> UpdateRuntimeConfigResponse
    func runtimeConfig(_ request: RuntimeConfigRequest) async throws(CRIError) -> RuntimeConfigResponse

    func runPodSandbox(_ request: RunPodSandboxRequest) async throws(CRIError) -> RunPodSandboxResponse
    func stopPodSandbox(_ request: StopPodSandboxRequest) async throws(CRIError) -> StopPodSandboxResponse
    func removePodSandbox(_ request: RemovePodSandboxRequest) async throws(CRIError) -> RemovePodSandboxResponse
    func podSandboxStatus(_ request: PodSandboxStatusRequest) async throws(CRIError) -> PodSandboxStatusResponse
    func listPodSandbox(_ request: ListPodSandboxRequest) async throws(CRIError) -> ListPodSandboxResponse

    func createContainer(_ request: CreateContainerRequest) async throws(CRIError) -> CreateContainerResponse
    func startContainer(_ request: StartContainerRequest) async throws(CRIError) -> StartContainerResponse
    /// Waits until the container has ended: the deadline is the grace period and the usual one together.
    func stopContainer(_ request: StopContainerRequest) async throws(CRIError) -> StopContainerResponse
    func removeContainer(_ request: RemoveContainerRequest) async throws(CRIError) -> RemoveContainerResponse
    func listContainers(_ request: ListContainersRequest) async throws(CRIError) -> ListContainersResponse
    func containerStatus(_ request: ContainerStatusRequest) async throws(CRIError) -> ContainerStatusResponse
    func updateContainerResources(
        _ request: UpdateContainerResourcesRequest
    ) async throws(CRIError) -> UpdateContainerResourcesResponse
    func reopenContainerLog(
        _ request: ReopenContainerLogRequest
    ) async throws(CRIError) -> ReopenContainerLogResponse

    /// Runs a command to its end. No deadline of ours when the request has no timeout.
    func execSync(_ request: ExecSyncRequest) async throws(CRIError) -> ExecSyncResponse
    /// The next three give a URL on which the runtime's streaming server waits for one connection.
    func exec(_ request: ExecRequest) async throws(CRIError) -> ExecResponse
    func attach(_ request: AttachRequest) async throws(CRIError) -> AttachResponse
    func portForward(_ request: PortForwardRequest) async throws(CRIError) -> PortForwardResponse

    func containerStats(_ request: ContainerStatsRequest) async throws(CRIError) -> ContainerStatsResponse
    func listContainerStats(
        _ request: ListContainerStatsRequest
    ) async throws(CRIError) -> ListContainerStatsResponse
    func podSandboxStats(_ request: PodSandboxStatsRequest) async throws(CRIError) -> PodSandboxStatsResponse
    func listPodSandboxStats(
        _ request: ListPodSandboxStatsRequest
    ) async throws(CRIError) -> ListPodSandboxStatsResponse

    /// Calls `handle` for each event, one after the other, until the runtime ends the stream (which it does not
    /// by itself), the connection breaks, or the task is cancelled. The next event is not read before `handle`
    /// returns. Runtimes without events (containerd before 1.7) say `unimplemented`.
    func getContainerEvents(
        _ request: GetEventsRequest, handle: @escaping @Sendable (ContainerEventResponse) async -> Void
    ) async throws(CRIError)
}

/// Images of one node: CRI's `runtime.v1.ImageService`.
package protocol ImageService: Sendable {
    func listImages(_ request: ListImagesRequest) async throws(CRIError) -> ListImagesResponse
    /// The image is nil when it is not there; that is no error.
    func imageStatus(_ request: ImageStatusRequest) async throws(CRIError) -> ImageStatusResponse
    /// No deadline: the caller bounds it by cancelling.
    func pullImage(_ request: PullImageRequest) async throws(CRIError) -> PullImageResponse
    func removeImage(_ request: RemoveImageRequest) async throws(CRIError) -> RemoveImageResponse
    func imageFsInfo(_ request: ImageFsInfoRequest) async throws(CRIError) -> ImageFsInfoResponse
}
