import API
import APIMachinery
import CRI
import Client
import Flow

/// Creating and starting containers.
extension RuntimeEffects {
    /// Why a container could not be made: a waiting reason and its message.
    struct LaunchFailure: Error {
        var reason: String
        var message: String

        static func config(_ message: String) -> LaunchFailure {
            LaunchFailure(reason: "CreateContainerConfigError", message: message)
        }
    }

    /// Where and as what a container is started.
    struct Launch: Sendable {
        var attempt: Int
        var sandbox: String
        var imageReference: String
        var backoffSeconds: Int
    }

    func launch(_ pod: Pod, _ name: String, _ launch: Launch) async -> [PodEvent] {
        guard let container = PodMachine.spec(of: name, in: pod) else { return [] }
        let identity = PodIdentity(pod)
        do throws(LaunchFailure) {
            let id: String = try await create(container, of: pod, launch)
            if let failure = await start(id, container, of: pod) {
                // What is left of it in the runtime tells how it ended, and that this attempt was used.
                return [failure] + (await observed(identity))
            }
            return [.started(container: name, instance: await running(id, container, launch.attempt, identity))]
        } catch {
            reports.event(
                .warning, reason: "Failed", message: "Error: \(error.message)", container: name, about: pod)
            let failed = PodEvent.launchFailed(container: name, reason: error.reason, message: error.message)
            // Perhaps because the sandbox has died: then there is no use in trying again in it.
            return error.reason == "CreateContainerError" ? [failed] + (await observed(identity)) : [failed]
        }
    }

    private func create(
        _ container: APICore.Container, of pod: Pod, _ launch: Launch
    ) async throws(LaunchFailure) -> String {
        let sandbox: String = launch.sandbox
        let began: Int64 = FlowRecorder.systemTime()
        var request = CreateContainerRequest()
        request.podSandboxId = sandbox
        let addresses: [String]
        do throws(CRIError) {
            request.sandboxConfig = try await sandboxConfig(of: pod, sandbox: sandbox)
            addresses = try await self.addresses(of: pod, sandbox: sandbox)
        } catch {
            throw LaunchFailure(reason: "CreateContainerError", message: "\(error)")
        }
        let config: ContainerConfig = try await config(container, of: pod, launch, addresses: addresses)
        try await makeFiles(container, of: pod, attempt: launch.attempt, addresses: addresses)
        request.config = config
        do throws(CRIError) {
            let id: String = try await runtime.createContainer(request).containerId
            step("created container \(container.name)", PodIdentity(pod), since: began)
            reports.event(
                .normal, reason: "Created", message: "Created container: \(container.name)",
                container: container.name, about: pod)
            return id
        } catch {
            throw LaunchFailure(reason: "CreateContainerError", message: "\(error)")
        }
    }

    private func config(
        _ container: APICore.Container, of pod: Pod, _ launch: Launch, addresses: [String]
    ) async throws(LaunchFailure) -> ContainerConfig {
        let user: SecurityTranslation.ImageUser
        let mounted: [String: MountedVolume]
        do throws(CRIError) {
            user = try await images.user(launch.imageReference)
        } catch {
            throw .config("\(error)")
        }
        if let problem = SecurityTranslation.rootProblem(container, of: pod, image: user) { throw .config(problem) }
        do throws(PodVolumeError) {
            mounted = try await mountedVolumes(pod)
        } catch {
            throw .config(error.message)
        }
        let environment: EnvironmentBuilder.Result = try await environment(container, of: pod, addresses: addresses)
        let mounts: [Mount] = try await mounts(container, of: pod, volumes: mounted, environment: environment)
        let target: String? = try await targetID(of: container, in: pod)
        var builder = ContainerConfigBuilder(
            pod: pod, container: container, attempt: launch.attempt, imageReference: launch.imageReference,
            configuration: configuration)
        builder.backoffSeconds = launch.backoffSeconds
        return builder.build(
            environment: environment, volumeMounts: mounts, devices: mounted.mapValues(\.hostPath), image: user,
            target: target)
    }

    /// Asks for all objects that the container names, and puts its environment together.
    private func environment(
        _ container: APICore.Container, of pod: Pod, addresses: [String]
    ) async throws(LaunchFailure) -> EnvironmentBuilder.Result {
        let namespace: String = pod.metadata.namespace
        let names = EnvironmentBuilder.names(in: container)
        var objects = EnvironmentBuilder.Objects()
        do throws(StatusError) {
            for name in names.configMaps {
                objects.configMaps[name] = try await found {
                    () throws(StatusError) in try await sources.configMap(namespace: namespace, name: name)
                }
            }
            for name in names.secrets {
                objects.secrets[name] = try await found {
                    () throws(StatusError) in try await sources.secret(namespace: namespace, name: name)
                }
            }
            objects.services = try await sources.services(namespace: "default").filter {
                $0.metadata.name == "kubernetes"
            }
            if pod.spec.enableServiceLinks ?? true {
                objects.services += try await sources.services(namespace: namespace)
            }
        } catch {
            throw .config(error.message)
        }
        let builder = EnvironmentBuilder(
            pod: pod, container: container, addresses: addresses, configuration: configuration, objects: objects)
        do throws(EnvironmentBuilder.Failure) {
            let result: EnvironmentBuilder.Result = try builder.build()
            for warning in result.warnings {
                reports.event(
                    .warning, reason: "InvalidEnvironmentVariableNames", message: warning, container: container.name,
                    about: pod)
            }
            return result
        } catch {
            throw .config(error.message)
        }
    }

    /// nil: the API server says that there is none, which the builder judges.
    private func found<Object>(
        _ get: () async throws(StatusError) -> Object
    ) async throws(StatusError) -> Object? {
        do throws(StatusError) {
            return try await get()
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }

    private func mounts(
        _ container: APICore.Container, of pod: Pod, volumes: [String: MountedVolume],
        environment: EnvironmentBuilder.Result
    ) async throws(LaunchFailure) -> [Mount] {
        let places: String = configuration.directory(PodIdentity(pod)) + "/volume-subpaths"
        let result: Result<[Mount], MountBuilder.Failure> = await BlockingWork.run {
            Result { () throws(MountBuilder.Failure) in
                try MountBuilder.volumes(container, volumes: volumes, variables: { environment[$0] }) {
                    (part) throws(MountBuilder.Failure) in
                    let target: String = "\(places)/\(part.volume)/\(part.container)/\(part.index)"
                    try SubPath.mount(volume: part.volumePath, subPath: part.subPath, at: target)
                    return target
                }
            }
        }
        switch result {
        case .success(let mounts): return mounts
        case .failure(let failure): throw .config(failure.message)
        }
    }

    /// The container whose processes an ephemeral container wants to see.
    private func targetID(of container: APICore.Container, in pod: Pod) async throws(LaunchFailure) -> String? {
        let ephemeral: EphemeralContainer? = pod.spec.ephemeralContainers.first { $0.name == container.name }
        guard let target = ephemeral?.targetContainerName, !target.isEmpty else { return nil }
        let instances: [ContainerInstance]? =
            try? await observer.observe(pod.metadata.uid).containers[target]
        guard let running = instances?.first(where: \.isRunning) else {
            throw .config("unable to find target container \(target)")
        }
        return running.id
    }

    /// The files that the kubelet mounts into the container, and its log's directory.
    private func makeFiles(
        _ container: APICore.Container, of pod: Pod, attempt: Int, addresses: [String]
    ) async throws(LaunchFailure) {
        let identity = PodIdentity(pod)
        let configuration: RuntimeConfiguration = self.configuration
        let host = PodNames.host(pod, clusterDomain: configuration.clusterDomain)
        let problem: NodeFiles.Failure? = await BlockingWork.run {
            do throws(NodeFiles.Failure) {
                let hosts: String
                if pod.spec.hostNetwork {
                    let own: [UInt8] = (try? NodeFiles.read(configuration.hostsFile, limit: 1 << 20)) ?? []
                    hosts = HostsFile.text(
                        hostFile: String(decoding: own, as: UTF8.self), aliases: pod.spec.hostAliases)
                } else {
                    hosts = HostsFile.text(addresses: addresses, host: host, aliases: pod.spec.hostAliases)
                }
                try NodeFiles.makeDirectory(configuration.directory(identity), mode: 0o750)
                try NodeFiles.write(configuration.hostsFile(identity), Array(hosts.utf8), exactMode: 0o644)
                let message: String = configuration.terminationFile(
                    identity, container: container.name, attempt: attempt)
                try NodeFiles.makeDirectory(configuration.directory(identity) + "/containers/" + container.name)
                // Whatever user the container runs as writes it.
                try NodeFiles.write(message, [], exactMode: 0o666)
                try NodeFiles.makeDirectory(configuration.logDirectory(identity) + "/" + container.name)
                return nil
            } catch {
                return error
            }
        }
        if let problem { throw .config("\(problem)") }
    }

    /// nil: it runs.
    private func start(_ id: String, _ container: APICore.Container, of pod: Pod) async -> PodEvent? {
        let began: Int64 = FlowRecorder.systemTime()
        var request = StartContainerRequest()
        request.containerId = id
        do throws(CRIError) {
            _ = try await runtime.startContainer(request)
        } catch {
            reports.event(
                .warning, reason: "Failed", message: "Error: \(error.message)", container: container.name, about: pod)
            return .launchFailed(container: container.name, reason: "RunContainerError", message: error.message)
        }
        step("started container \(container.name)", PodIdentity(pod), since: began)
        reports.event(
            .normal, reason: "Started", message: "Started container \(container.name)", container: container.name,
            about: pod)
        return nil
    }

    private func running(
        _ id: String, _ container: APICore.Container, _ attempt: Int, _ pod: PodIdentity
    ) async -> ContainerInstance {
        do throws(CRIError) {
            let status = try await observer.status(id)
            watch.watch(id, processID: status.processID, of: pod)
            return status.instance
        } catch {
            log.warning("failed to ask for a container that was started", [("id", id), ("error", "\(error)")])
            return ContainerInstance(
                id: id, attempt: attempt, state: .running(since: wallClock.now), imageID: "", image: container.image)
        }
    }
}
