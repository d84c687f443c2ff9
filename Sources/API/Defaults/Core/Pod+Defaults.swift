package import APICore
import APIMachinery
import Codec

extension Pod {
    package mutating func setDefaults() {
        spec.setDefaults()
        for index in spec.initContainers.indices { spec.initContainers[index].fillRequests() }
        for index in spec.containers.indices { spec.containers[index].fillRequests() }
        spec.fillPodRequests()
        if spec.enableServiceLinks == nil { spec.enableServiceLinks = true }
        if spec.hostNetwork {
            for index in spec.initContainers.indices { spec.initContainers[index].fillHostPorts() }
            for index in spec.containers.indices { spec.containers[index].fillHostPorts() }
        }
        for index in status.initContainerStatuses.indices { status.initContainerStatuses[index].setDefaults() }
        for index in status.containerStatuses.indices { status.containerStatuses[index].setDefaults() }
        for index in status.ephemeralContainerStatuses.indices {
            status.ephemeralContainerStatuses[index].setDefaults()
        }
    }
}

extension PodTemplate {
    package mutating func setDefaults() { template.setDefaults() }
}

extension PodTemplateSpec {
    /// Fewer than a pod gets: requests, service links and host ports are left to the pods made of it.
    package mutating func setDefaults() { spec.setDefaults() }
}

extension PodSpec {
    package mutating func setDefaults() {
        if dnsPolicy.isEmpty { dnsPolicy = "ClusterFirst" }
        if restartPolicy.isEmpty { restartPolicy = "Always" }
        if securityContext == nil { securityContext = PodSecurityContext() }
        if terminationGracePeriodSeconds == nil { terminationGracePeriodSeconds = 30 }
        if schedulerName.isEmpty { schedulerName = "default-scheduler" }
        // The deprecated name is always shown as a copy of the proper one.
        if serviceAccountName.isEmpty { serviceAccountName = serviceAccount }
        if serviceAccount != serviceAccountName { serviceAccount = serviceAccountName }
        for index in volumes.indices { volumes[index].setDefaults() }
        for index in initContainers.indices { initContainers[index].setDefaults() }
        for index in containers.indices { containers[index].setDefaults() }
        for index in ephemeralContainers.indices { ephemeralContainers[index].setDefaults() }
        overhead.roundUpToMilli()
        if resources != nil {
            resources?.limits.roundUpToMilli()
            resources?.requests.roundUpToMilli()
        }
    }

    /// With pod limits, missing pod requests are those of the containers, or else the limits.
    fileprivate mutating func fillPodRequests() {
        guard let limits = resources?.limits, !limits.isEmpty else { return }
        var sums: StringMap<Quantity> = StringMap()
        for container in containers {
            for (name, amount) in container.resources.requests where PodSpec.isPodResource(name) {
                sums[name] = (sums[name] ?? Quantity()) + amount
            }
        }
        resources?.requests.fill(from: sums)
        resources?.requests.fill(from: limits)
    }

    private static func isPodResource(_ name: String) -> Bool {
        name == "cpu" || name == "memory" || name.hasPrefix("hugepages-")
    }
}

extension Container {
    /// Who states a limit but no request requests the limit.
    fileprivate mutating func fillRequests() {
        if !resources.limits.isEmpty { resources.requests.fill(from: resources.limits) }
    }

    /// On the host's network a port is a port of the host.
    fileprivate mutating func fillHostPorts() {
        for index in ports.indices where ports[index].hostPort == 0 {
            ports[index].hostPort = ports[index].containerPort
        }
    }
}

extension ContainerStatus {
    fileprivate mutating func setDefaults() {
        allocatedResources.roundUpToMilli()
    }
}
