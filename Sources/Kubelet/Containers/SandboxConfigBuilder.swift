package import API
package import CRI
import Codec

/// What the runtime is told of a pod.
package enum SandboxConfigBuilder {
    /// - Parameter cgroupParent: the pod's cgroup; empty leaves the place to the runtime.
    package static func build(
        _ pod: Pod, attempt: Int, resolver: Resolver, cgroupParent: String, configuration: RuntimeConfiguration
    ) -> PodSandboxConfig {
        let identity = PodIdentity(pod)
        var config = PodSandboxConfig()
        config.metadata = metadata(identity, attempt: attempt)
        if !pod.spec.hostNetwork {
            let host = PodNames.host(pod, clusterDomain: configuration.clusterDomain)
            let isFull: Bool = pod.spec.setHostnameAsFQDN == true && !host.domain.isEmpty
            config.hostname = isFull ? "\(host.name).\(host.domain)" : host.name
            config.portMappings = portMappings(pod)
        }
        config.logDirectory = configuration.logDirectory(identity)
        config.dnsConfig = dns(resolver)
        config.labels = pod.metadata.labels.merging(RuntimeLabels.ofPod(identity))
        config.annotations = pod.metadata.annotations
        config.linux = linux(pod, cgroupParent: cgroupParent, configuration: configuration)
        return config
    }

    private static func metadata(_ pod: PodIdentity, attempt: Int) -> PodSandboxMetadata {
        var metadata = PodSandboxMetadata()
        metadata.name = pod.name
        metadata.namespace = pod.namespace
        metadata.uid = pod.uid
        metadata.attempt = attempt
        return metadata
    }

    private static func dns(_ resolver: Resolver) -> DNSConfig {
        var config = DNSConfig()
        config.servers = resolver.servers
        config.searches = resolver.searches
        config.options = resolver.options
        return config
    }

    private static func portMappings(_ pod: Pod) -> [PortMapping] {
        let sidecars: [APICore.Container] = pod.spec.initContainers.filter { $0.restartPolicy == "Always" }
        return (sidecars + pod.spec.containers).flatMap(\.ports).filter { $0.hostPort > 0 }.map { port in
            var mapping = PortMapping()
            mapping.containerPort = port.containerPort
            mapping.hostPort = port.hostPort
            mapping.hostIp = port.hostIP
            mapping.protocol =
                switch port.protocol {
                case "UDP": .udp
                case "SCTP": .sctp
                default: .tcp
                }
            return mapping
        }
    }

    private static func linux(
        _ pod: Pod, cgroupParent: String, configuration: RuntimeConfiguration
    ) -> LinuxPodSandboxConfig {
        var linux = LinuxPodSandboxConfig()
        linux.cgroupParent = cgroupParent
        linux.securityContext = SecurityTranslation.sandbox(pod, configuration: configuration)
        for sysctl in pod.spec.securityContext?.sysctls ?? [] { linux.sysctls[sysctl.name] = sysctl.value }
        let limits: PodCgroupLimits = ResourceTranslation.pod(pod)
        var resources = LinuxContainerResources()
        resources.cpuShares = limits.cpuShares
        resources.cpuQuota = limits.cpuQuotaMicroseconds ?? 0
        resources.cpuPeriod = ResourceTranslation.quotaPeriod
        resources.memoryLimitInBytes = limits.memoryBytes ?? 0
        linux.resources = resources
        return linux
    }
}
