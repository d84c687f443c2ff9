package import API
import APIMachinery
import APIRules
import Codec

/// What the scheduler needs to know of a pod, worked out once when it is queued.
package struct PodRequirements: Sendable {
    package struct HostPort: Sendable, Hashable {
        package var address: String
        package var transport: String
        package var port: Int

        /// Two pods cannot both have a port if the protocol is the same and one of the addresses is all, or both are the same.
        package func conflicts(with other: HostPort) -> Bool {
            port == other.port && transport == other.transport
                && (address == other.address || address == "0.0.0.0" || other.address == "0.0.0.0")
        }
    }

    package var requests: ResourceVector
    /// As `requests`, but with upstream's assumptions (0.1 core, 200 MB) for containers that name none: only for scoring.
    package var scoringRequests: ResourceVector
    package var hostPorts: [HostPort]
    package var images: [String]
    /// The claims that its volumes name, `namespace/name`.
    package var claims: [String]

    /// Assumed for scoring where a container requests no CPU, in thousandths of a core.
    package static let defaultMilliCPU: Int = 100
    /// Assumed for scoring where a container requests no memory, in bytes.
    package static let defaultMemory: Int = 200 * 1024 * 1024

    package init(_ pod: Pod, names: inout ResourceNames) {
        let spec: PodSpec = Self.counted(pod)
        requests = Self.total(spec, names: &names, assumingDefaults: false)
        scoringRequests = Self.total(spec, names: &names, assumingDefaults: true)
        hostPorts = Self.ports(pod.spec)
        images = pod.spec.containers.map(\.image)
        claims = pod.spec.volumes.compactMap { volume in
            volume.persistentVolumeClaim.map { VolumeTable.key(pod.metadata.namespace, $0.claimName) }
        }
    }

    /// The spec with what a pod that is being resized takes of its node (KEP-1287): the most of what its containers ask
    /// for, were granted and have; without what they ask for if the node can never grant it.
    private static func counted(_ pod: Pod) -> PodSpec {
        var spec: PodSpec = pod.spec
        guard !spec.nodeName.isEmpty else { return spec }
        let isInfeasible: Bool = pod.status.conditions.contains {
            $0.type == "PodResizePending" && $0.status == "True" && $0.reason == "Infeasible"
        }
        func fill(_ containers: inout [Container], _ statuses: [ContainerStatus]) {
            for index in containers.indices {
                guard let status = statuses.first(where: { $0.name == containers[index].name }),
                    let actual = status.resources?.requests
                else { continue }
                let asked: StringMap<Quantity> = containers[index].resources.requests
                if actual == asked && (status.allocatedResources.isEmpty || status.allocatedResources == asked) {
                    continue
                }
                var amounts: StringMap<Quantity> = isInfeasible ? actual : asked
                amounts.raise(to: actual)
                amounts.raise(to: status.allocatedResources)
                containers[index].resources.requests = amounts
            }
        }
        fill(&spec.containers, pod.status.containerStatuses)
        fill(&spec.initContainers, pod.status.initContainerStatuses)
        return spec
    }

    /// Upstream's rule: the sum of containers and sidecars (init containers that always restart), or the most that any
    /// init container needs together with the sidecars started before it, whichever is more; plus the overhead.
    private static func total(
        _ spec: PodSpec, names: inout ResourceNames, assumingDefaults: Bool
    ) -> ResourceVector {
        var running = ResourceVector()
        for container in spec.containers {
            running += request(container, names: &names, assumingDefaults: assumingDefaults)
        }
        var sidecars = ResourceVector()
        var initial = ResourceVector()
        for container in spec.initContainers {
            var need: ResourceVector = request(container, names: &names, assumingDefaults: assumingDefaults)
            if container.restartPolicy == "Always" {
                sidecars += need
                running += need
                need = sidecars
            } else {
                need += sidecars
            }
            initial.formMaximum(need)
        }
        running.formMaximum(initial)
        running += names.vector(spec.overhead)
        return running
    }

    private static func request(
        _ container: Container, names: inout ResourceNames, assumingDefaults: Bool
    ) -> ResourceVector {
        var vector: ResourceVector = names.vector(container.resources.requests)
        if assumingDefaults {
            if container.resources.requests["cpu"] == nil { vector.milliCPU = defaultMilliCPU }
            if container.resources.requests["memory"] == nil { vector.memory = defaultMemory }
        }
        return vector
    }

    private static func ports(_ spec: PodSpec) -> [HostPort] {
        var ports: [HostPort] = []
        let sidecars: [Container] = spec.initContainers.filter { $0.restartPolicy == "Always" }
        for container in spec.containers + sidecars {
            for port in container.ports where port.hostPort > 0 {
                let address: String = port.hostIP.isEmpty ? "0.0.0.0" : port.hostIP
                let transport: String = port.protocol.isEmpty ? "TCP" : port.protocol
                ports.append(HostPort(address: address, transport: transport, port: port.hostPort))
            }
        }
        return ports
    }
}
