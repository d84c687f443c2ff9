import APICore
import APIMachinery
import CRI
import Codec

/// Finds the containers that requests are about: the pod in the kubelet's directory, the rest at the runtime.
struct ContainerFinder: Sendable {
    private static let podUID: String = "io.kubernetes.pod.uid"
    private static let containerName: String = "io.kubernetes.container.name"

    let directory: any PodDirectory
    let runtime: any RuntimeService

    func pod(_ target: KubeletRoute.Target) throws(KubeletFailure) -> Pod {
        guard let pod = directory.pod(namespace: target.namespace, name: target.pod),
            target.uid.isEmpty || target.uid == pod.metadata.uid
        else { throw KubeletFailure(404, "pod does not exist") }
        return pod
    }

    /// The running container of that name.
    func running(_ name: String, of pod: Pod) async throws(KubeletFailure) -> String {
        var filter = ContainerFilter()
        filter.labelSelector = [Self.podUID: pod.metadata.uid, Self.containerName: name]
        var state = ContainerStateValue()
        state.state = .containerRunning
        filter.state = state
        var request = ListContainersRequest()
        request.filter = filter
        do throws(CRIError) {
            let found: [CRI.Container] = try await runtime.listContainers(request).containers
            if let newest = found.max(by: { $0.createdAt < $1.createdAt }) { return newest.id }
        } catch {
            throw KubeletFailure(error)
        }
        throw KubeletFailure(500, "container not found (\"\(name)\")")
    }

    /// The sandbox that is ready.
    func sandbox(of pod: Pod) async throws(KubeletFailure) -> String {
        var filter = PodSandboxFilter()
        filter.labelSelector = [Self.podUID: pod.metadata.uid]
        var state = PodSandboxStateValue()
        state.state = .sandboxReady
        filter.state = state
        var request = ListPodSandboxRequest()
        request.filter = filter
        do throws(CRIError) {
            let found: [PodSandbox] = try await runtime.listPodSandbox(request).items
            if let newest = found.max(by: { $0.createdAt < $1.createdAt }) { return newest.id }
        } catch {
            throw KubeletFailure(error)
        }
        throw KubeletFailure(
            500, "failed to find sandbox of pod \(pod.metadata.name)_\(pod.metadata.namespace)(\(pod.metadata.uid))")
    }

    /// What the runtime says of a container; nil when it does not know it.
    func status(_ id: String) async throws(KubeletFailure) -> CRI.ContainerStatus? {
        var request = ContainerStatusRequest()
        request.containerId = id
        do throws(CRIError) {
            return try await runtime.containerStatus(request).status
        } catch {
            if error.code == .notFound { return nil }
            throw KubeletFailure(error)
        }
    }
}
