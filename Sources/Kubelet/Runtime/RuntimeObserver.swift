package import CRI
import Codec
import Synchronization

/// Asks the runtime what it has, pod by pod or of all at once. What does not change any more is asked for once.
package final class RuntimeObserver: Sendable {
    private struct State {
        /// Exits by container ID: they stay as they are.
        var exits: [String: ContainerInstance] = [:]
        /// Addresses by sandbox ID.
        var addresses: [String: [String]] = [:]
        /// The process that holds the namespaces, by sandbox ID.
        var processes: [String: Int32] = [:]
    }

    private let state = Mutex(State())
    private let runtime: any RuntimeService
    private let reader = InstanceReader()
    /// Numbers questions and answers, so that machines know which came later.
    private let order = Atomic<Int>(0)

    /// Whether a pod's address of IPv6 is the primary one, as the node's is; runtimes have IPv4 first.
    private let prefersIPv6: Bool

    package init(runtime: any RuntimeService, prefersIPv6: Bool = false) {
        self.runtime = runtime
        self.prefersIPv6 = prefersIPv6
    }

    /// What the runtime has of one pod.
    package func observe(_ uid: String) async throws(CRIError) -> RuntimeView {
        var sandboxes = ListPodSandboxRequest()
        var sandboxFilter = PodSandboxFilter()
        sandboxFilter.labelSelector = [RuntimeLabels.podUID: uid]
        sandboxes.filter = sandboxFilter
        var containers = ListContainersRequest()
        var containerFilter = ContainerFilter()
        containerFilter.labelSelector = [RuntimeLabels.podUID: uid]
        containers.filter = containerFilter
        return try await view(
            order: nextOrder(), sandboxes: try await runtime.listPodSandbox(sandboxes).items,
            containers: try await runtime.listContainers(containers).containers)
    }

    /// What the runtime has of all pods of a kubelet.
    package func observeAll() async throws(CRIError) -> (views: [PodIdentity: RuntimeView], order: ObservationOrder) {
        let order: ObservationOrder = nextOrder()
        var sandboxes: [PodIdentity: [PodSandbox]] = [:]
        for sandbox in try await runtime.listPodSandbox(ListPodSandboxRequest()).items {
            guard let pod = RuntimeLabels.identity(sandbox.labels) else { continue }
            sandboxes[pod, default: []].append(sandbox)
        }
        var containers: [PodIdentity: [CRI.Container]] = [:]
        for container in try await runtime.listContainers(ListContainersRequest()).containers {
            guard let pod = RuntimeLabels.identity(container.labels) else { continue }
            containers[pod, default: []].append(container)
        }
        var views: [PodIdentity: RuntimeView] = [:]
        for pod in Set(sandboxes.keys).union(containers.keys) {
            views[pod] = try await view(
                order: order, sandboxes: sandboxes[pod] ?? [], containers: containers[pod] ?? [])
        }
        forget(except: views)
        return (views, order)
    }

    private func nextOrder() -> ObservationOrder {
        ObservationOrder(order.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue)
    }

    private func view(
        order: ObservationOrder, sandboxes: [PodSandbox], containers: [CRI.Container]
    ) async throws(CRIError) -> RuntimeView {
        var view = RuntimeView()
        view.order = order
        for sandbox in sandboxes.sorted(by: { $0.createdAt > $1.createdAt }) {
            let isReady: Bool = sandbox.state == .sandboxReady
            let addresses: [String] = isReady && view.sandboxes.isEmpty ? try await self.addresses(of: sandbox.id) : []
            view.sandboxes.append(
                .init(
                    id: sandbox.id, attempt: sandbox.metadata?.attempt ?? 0, isReady: isReady, addresses: addresses))
        }
        var newest: [String: [CRI.Container]] = [:]
        for container in containers.sorted(by: { $0.createdAt > $1.createdAt }) {
            newest[container.labels[RuntimeLabels.containerName] ?? "", default: []].append(container)
        }
        for (name, found) in newest where !name.isEmpty {
            // The machine wants the newest run and the one before it.
            for container in found.prefix(2) {
                guard var instance = try await instance(container) else { continue }
                instance.sandbox = container.podSandboxId
                view.containers[name, default: []].append(instance)
            }
        }
        return view
    }

    /// nil: it was removed meanwhile.
    private func instance(_ container: CRI.Container) async throws(CRIError) -> ContainerInstance? {
        if let known = state.withLock({ $0.exits[container.id] }) { return known }
        do throws(CRIError) {
            return try await status(container.id).instance
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    /// One container as it is now, and its process while it has one.
    package func status(
        _ container: String
    ) async throws(CRIError) -> (instance: ContainerInstance, processID: Int32?) {
        var request = ContainerStatusRequest()
        request.containerId = container
        request.verbose = true
        let response: ContainerStatusResponse = try await runtime.containerStatus(request)
        guard let status = response.status else { throw CRIError(.notFound, "container \(container) has no status") }
        let processID: Int32? = VerboseInfo(response.info).processID
        guard status.state == .containerExited else {
            var instance: ContainerInstance = reader.instance(status)
            instance.order = nextOrder()
            return (instance, processID)
        }
        let reader: InstanceReader = self.reader
        var instance: ContainerInstance = await BlockingWork.run { reader.instance(status) }
        instance.order = nextOrder()
        state.withLock { $0.exits[container] = instance }
        return (instance, processID)
    }

    /// A sandbox's addresses, the primary one first; none for those on the node's network.
    package func addresses(of sandbox: String) async throws(CRIError) -> [String] {
        if let known = state.withLock({ $0.addresses[sandbox] }) { return known }
        var request = PodSandboxStatusRequest()
        request.podSandboxId = sandbox
        request.verbose = true
        let response: PodSandboxStatusResponse = try await runtime.podSandboxStatus(request)
        let network: PodSandboxNetworkStatus? = response.status?.network
        let processID: Int32? = VerboseInfo(response.info).processID
        let all: [String] = [network?.ip ?? ""] + (network?.additionalIps.map(\.ip) ?? [])
        let present: [String] = all.filter { !$0.isEmpty }
        let addresses: [String] =
            present.filter { $0.contains(":") == prefersIPv6 } + present.filter { $0.contains(":") != prefersIPv6 }
        state.withLock { state in
            state.addresses[sandbox] = addresses
            state.processes[sandbox] = processID
        }
        return addresses
    }

    /// Tells of containers that stopped, by the runtime's own events, until the stream breaks. `unimplemented`: it
    /// has none.
    package func stops(
        _ handle: @escaping @Sendable (_ container: String, PodIdentity) async -> Void
    ) async throws(CRIError) {
        try await runtime.getContainerEvents(GetEventsRequest()) { event in
            guard event.containerEventType == .containerStoppedEvent, let sandbox = event.podSandboxStatus,
                let pod = RuntimeLabels.identity(sandbox.labels), event.containerId != sandbox.id
            else { return }
            await handle(event.containerId, pod)
        }
    }

    /// The process of a sandbox whose addresses were asked for; nil where the runtime does not tell.
    package func process(of sandbox: String) -> Int32? { state.withLock { $0.processes[sandbox] } }

    private func forget(except views: [PodIdentity: RuntimeView]) {
        let containers: Set<String> = Set(views.values.flatMap { $0.containers.values.flatMap { $0.map(\.id) } })
        let sandboxes: Set<String> = Set(views.values.flatMap { $0.sandboxes.map(\.id) })
        state.withLock { state in
            state.exits = state.exits.filter { containers.contains($0.key) }
            state.addresses = state.addresses.filter { sandboxes.contains($0.key) }
            state.processes = state.processes.filter { sandboxes.contains($0.key) }
        }
    }
}
