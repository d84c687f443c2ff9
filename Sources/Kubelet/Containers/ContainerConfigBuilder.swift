package import API
package import CRI
import Codec

/// What the runtime is told of a container. Everything that had to be looked up is given.
package struct ContainerConfigBuilder {
    let pod: Pod
    let container: APICore.Container
    let attempt: Int
    /// The runtime's own reference of the image.
    let imageReference: String
    let configuration: RuntimeConfiguration
    /// What to wait before the next start, should this one fail.
    package var backoffSeconds: Int = 0

    package init(
        pod: Pod, container: APICore.Container, attempt: Int, imageReference: String,
        configuration: RuntimeConfiguration
    ) {
        self.pod = pod
        self.container = container
        self.attempt = attempt
        self.imageReference = imageReference
        self.configuration = configuration
    }

    /// - Parameters:
    ///   - volumeMounts: from `MountBuilder.volumes`.
    ///   - devices: host paths of block volumes by volume name.
    ///   - target: see `SecurityTranslation.container`.
    package func build(
        environment: EnvironmentBuilder.Result, volumeMounts: [Mount], devices: [String: String],
        image: SecurityTranslation.ImageUser, target: String?
    ) -> ContainerConfig {
        let identity = PodIdentity(pod)
        var config = ContainerConfig()
        config.metadata = metadata
        config.image = imageSpec
        let values: [String: String] = Dictionary(
            environment.variables.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
        config.command = container.command.map { Expansion.expand($0) { values[$0] } }
        config.args = container.args.map { Expansion.expand($0) { values[$0] } }
        config.workingDir = container.workingDir
        config.envs = environment.variables.map { variable in
            var pair = KeyValue()
            pair.key = variable.name
            pair.value = variable.value
            return pair
        }
        config.mounts = volumeMounts + ownMounts(identity, besides: Set(volumeMounts.map(\.containerPath)))
        config.devices = container.volumeDevices.compactMap { device in
            devices[device.name].map { path in
                var result = CRI.Device()
                result.hostPath = path
                result.containerPath = device.devicePath
                result.permissions = "mrw"
                return result
            }
        }
        config.labels = RuntimeLabels.ofPod(identity)
        config.labels[RuntimeLabels.containerName] = container.name
        config.annotations = annotations
        config.logPath = "\(container.name)/\(attempt).log"
        config.stdin = container.stdin
        config.stdinOnce = container.stdinOnce
        config.tty = container.tty
        config.linux = linux(image: image, target: target)
        config.stopSignal = Signal.named(container.lifecycle?.stopSignal)
        return config
    }

    private var metadata: ContainerMetadata {
        var metadata = ContainerMetadata()
        metadata.name = container.name
        metadata.attempt = attempt
        return metadata
    }

    private var imageSpec: ImageSpec {
        var spec = ImageSpec()
        spec.image = imageReference
        spec.userSpecifiedImage = container.image
        return spec
    }

    private var annotations: StringMap<String> {
        var annotations: StringMap<String> = [
            RuntimeLabels.restartCount: String(attempt),
            RuntimeLabels.terminationPath: container.terminationMessagePath,
            RuntimeLabels.terminationPolicy: container.terminationMessagePolicy,
            RuntimeLabels.image: container.image,
            RuntimeLabels.backoff: String(backoffSeconds),
        ]
        if let grace = pod.spec.terminationGracePeriodSeconds { annotations[RuntimeLabels.gracePeriod] = String(grace) }
        return annotations
    }

    /// `/etc/hosts` and the termination message, unless a volume is mounted there.
    private func ownMounts(_ identity: PodIdentity, besides taken: Set<String>) -> [Mount] {
        var mounts: [Mount] = []
        if !taken.contains("/etc/hosts") {
            mounts.append(MountBuilder.file(configuration.hostsFile(identity), at: "/etc/hosts"))
        }
        let message: String = container.terminationMessagePath
        if !message.isEmpty && !taken.contains(message) {
            let file: String = configuration.terminationFile(identity, container: container.name, attempt: attempt)
            mounts.append(MountBuilder.file(file, at: message))
        }
        return mounts
    }

    private func linux(image: SecurityTranslation.ImageUser, target: String?) -> LinuxContainerConfig {
        var linux = LinuxContainerConfig()
        linux.resources = ResourceTranslation.container(container, of: pod, configuration: configuration)
        linux.securityContext = SecurityTranslation.container(
            container, of: pod, image: image, target: target, configuration: configuration)
        return linux
    }
}

extension CRI.Signal {
    /// `SIGTERM`, `SIGRTMIN+3`; the runtime's choice for nil and what is unknown.
    static func named(_ name: String?) -> CRI.Signal {
        guard let name, !name.isEmpty else { return .runtimeDefault }
        let wanted: String = name.uppercased().replacing("+", with: "PLUS").replacing("-", with: "MINUS")
        for value in 1...65 where CRI.Signal(rawValue: value).description.uppercased() == wanted {
            return CRI.Signal(rawValue: value)
        }
        return .runtimeDefault
    }
}
