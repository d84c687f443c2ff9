import API
package import APIMachinery
package import CRI
package import Client
package import Flow
import Synchronization

/// Carries out what pods' machines want, over CRI and on the node's disk.
///
/// Nothing here decides: each action is done once and told how it ended. What is remembered per pod (its volumes, its
/// sandbox's description) only saves asking again; after a restart of the kubelet it is found out anew.
package final class RuntimeEffects: PodEffects {
    /// What is known of a pod between its actions.
    struct Known: Sendable {
        var volumes: [String: MountedVolume]?
        var sandbox: PodSandboxConfig?
        var addresses: [String]?
        /// When the work on it began: microseconds since 1970.
        var seenAt: Int64 = FlowRecorder.systemTime()
    }

    private let known = Mutex<[String: Known]>([:])
    let configuration: RuntimeConfiguration
    let runtime: any RuntimeService
    let images: ImagePuller
    let volumes: any PodVolumes
    let cgroups: any PodCgroups
    let sources: any ObjectSources
    let network: any NetworkProber
    let reports: any PodReports
    let observer: RuntimeObserver
    let watch: RuntimeWatch
    let room: ResizeRoom
    let clock: any MonotonicClock
    let wallClock: any WallClock
    let log: Log
    let recorder: FlowRecorder?

    package init(
        configuration: RuntimeConfiguration, runtime: any RuntimeService, images: ImagePuller,
        volumes: any PodVolumes, cgroups: any PodCgroups, sources: any ObjectSources, network: any NetworkProber,
        reports: any PodReports, observer: RuntimeObserver, watch: RuntimeWatch, room: ResizeRoom,
        clock: any MonotonicClock, wallClock: any WallClock, log: Log, recorder: FlowRecorder?
    ) {
        self.configuration = configuration
        self.runtime = runtime
        self.images = images
        self.volumes = volumes
        self.cgroups = cgroups
        self.sources = sources
        self.network = network
        self.reports = reports
        self.observer = observer
        self.watch = watch
        self.room = room
        self.clock = clock
        self.wallClock = wallClock
        self.log = log
        self.recorder = recorder
    }

    package func perform(_ action: PodAction, for pod: PodIdentity) async -> [PodEvent] {
        switch action {
        case .prepare(let spec, let ceiling): return [await prepare(spec, ceiling: ceiling)]
        case .admitResize(let spec): return [admitResize(spec)]
        case .resize(let spec, let ceiling, let containers):
            return [await resize(spec, ceiling: ceiling, containers: containers)]
        case .createSandbox(let spec, let attempt): return await createSandbox(spec, attempt: attempt)
        case .ensureImage(let spec, let container): return [await ensureImage(spec, container)]
        case .launch(let spec, let container, let attempt, let sandbox, let reference, let backoff):
            let launch = Launch(
                attempt: attempt, sandbox: sandbox, imageReference: reference, backoffSeconds: backoff)
            return await self.launch(spec, container, launch)
        case .runPostStart(let spec, let container, let id): return [await runPostStart(spec, container, id: id)]
        case .kill(let spec, let container, let id, let grace, _):
            return await kill(spec, container, id: id, graceSeconds: grace)
        case .stopSandbox(let id): return await stopSandbox(id, of: pod)
        case .cleanUp(let spec): return [await cleanUp(spec)]
        case .removeInstances(let ids):
            await removeInstances(ids)
            return []
        case .startProbes, .stopProbes, .report, .event, .wake, .finished: return []
        }
    }

    func recall(_ uid: String) -> Known { known.withLock { $0[uid] ?? Known() } }

    func remember(_ uid: String, _ change: (inout Known) -> Void) {
        known.withLock { change(&$0[uid, default: Known()]) }
    }

    func forget(_ uid: String) { known.withLock { _ = $0.removeValue(forKey: uid) } }

    /// How many pods something is remembered of.
    package var rememberedPods: Int { known.withLock { $0.count } }

    func step(_ what: String, _ pod: PodIdentity, since: Int64? = nil, details: [Step.Detail] = []) {
        recorder?.record(
            component: "kubelet", what: what,
            object: ObjectPath("pods", namespace: pod.namespace, name: pod.name), since: since, details: details)
    }

    // MARK: Before the sandbox

    private func prepare(_ pod: Pod, ceiling: PodCgroupLimits?) async -> PodEvent {
        let identity = PodIdentity(pod)
        let began: Int64 = FlowRecorder.systemTime()
        let directories: [String] = [configuration.directory(identity), configuration.logDirectory(identity)]
        let problem: NodeFiles.Failure? = await BlockingWork.run {
            do throws(NodeFiles.Failure) {
                for directory in directories { try NodeFiles.makeDirectory(directory, mode: 0o750) }
                return nil
            } catch {
                return error
            }
        }
        if let problem {
            return .prepareFailed(
                reason: "FailedToMakePodDataDirectories", message: "error making pod data directories: \(problem)")
        }
        do throws(PodCgroupError) {
            try await cgroups.create(pod, limits: ceiling ?? ResourceTranslation.pod(pod))
        } catch {
            return .prepareFailed(
                reason: "FailedToCreatePodContainer",
                message: "unable to ensure pod container exists: \(error.message)")
        }
        do throws(PodVolumeError) {
            let mounted: [String: MountedVolume] = try await volumes.mount(pod)
            remember(identity.uid) { $0.volumes = mounted }
        } catch {
            return .prepareFailed(reason: error.reason, message: error.message)
        }
        step("prepared volumes", identity, since: began)
        return .prepared
    }

    /// The pod's volumes; mounted again if this life of the kubelet has not seen them.
    func mountedVolumes(_ pod: Pod) async throws(PodVolumeError) -> [String: MountedVolume] {
        if let mounted = recall(pod.metadata.uid).volumes { return mounted }
        let mounted: [String: MountedVolume] = try await volumes.mount(pod)
        remember(pod.metadata.uid) { $0.volumes = mounted }
        return mounted
    }

    // MARK: Sandbox

    private func createSandbox(_ pod: Pod, attempt: Int) async -> [PodEvent] {
        let identity = PodIdentity(pod)
        let began: Int64 = FlowRecorder.systemTime()
        var request = RunPodSandboxRequest()
        // Better not at all than with less isolation than was asked for.
        if pod.spec.hostUsers == false {
            return [.sandboxFailed(message: "user namespaces (hostUsers: false) are not supported on this node")]
        }
        if let name = pod.spec.runtimeClassName, !name.isEmpty {
            guard let handler = configuration.runtimeHandler(name) else {
                return [
                    .sandboxFailed(
                        message: "failed to get sandbox runtime: no runtime for \"\(name)\" is configured")
                ]
            }
            request.runtimeHandler = handler
        }
        let config: PodSandboxConfig = await sandboxConfig(pod, attempt: attempt)
        request.config = config
        do throws(CRIError) {
            let id: String = try await runtime.runPodSandbox(request).podSandboxId
            step("created sandbox", identity, since: began)
            let addresses: [String] = try await observer.addresses(of: id)
            watch.watch(sandbox: id, of: identity)
            remember(identity.uid) { known in
                known.sandbox = config
                known.addresses = addresses
            }
            step(addresses.first.map { "network ready \($0)" } ?? "network of the node", identity)
            return [.sandboxReady(id: id, addresses: addresses)]
        } catch {
            return [.sandboxFailed(message: "\(error)")]
        }
    }

    private func sandboxConfig(_ pod: Pod, attempt: Int) async -> PodSandboxConfig {
        let file: String = configuration.resolverFile
        let host: Resolver = await BlockingWork.run {
            let bytes: [UInt8] = (try? NodeFiles.read(file, limit: 1 << 20)) ?? []
            return Resolver(parsing: String(decoding: bytes, as: UTF8.self))
        }
        let (resolver, problem) = Resolver.of(
            pod, host: host, clusterDNS: configuration.clusterDNS, clusterDomain: configuration.clusterDomain)
        if let problem {
            reports.event(.warning, reason: problem.reason, message: problem.message, container: nil, about: pod)
        }
        return SandboxConfigBuilder.build(
            pod, attempt: attempt, resolver: resolver, cgroupParent: cgroups.path(of: pod), configuration: configuration
        )
    }

    /// As it was told to the runtime; made again after a restart of the kubelet.
    func sandboxConfig(of pod: Pod, sandbox: String) async throws(CRIError) -> PodSandboxConfig {
        if let known = recall(pod.metadata.uid).sandbox { return known }
        var request = PodSandboxStatusRequest()
        request.podSandboxId = sandbox
        let attempt: Int = try await runtime.podSandboxStatus(request).status?.metadata?.attempt ?? 0
        let config: PodSandboxConfig = await sandboxConfig(pod, attempt: attempt)
        remember(pod.metadata.uid) { $0.sandbox = config }
        return config
    }

    func addresses(of pod: Pod, sandbox: String) async throws(CRIError) -> [String] {
        if let known = recall(pod.metadata.uid).addresses { return known }
        let addresses: [String] = try await observer.addresses(of: sandbox)
        remember(pod.metadata.uid) { $0.addresses = addresses }
        return addresses
    }

    /// Stops a sandbox, however long it takes: nothing of the pod can go on before it is down.
    private func stopSandbox(_ id: String, of pod: PodIdentity) async -> [PodEvent] {
        var request = StopPodSandboxRequest()
        request.podSandboxId = id
        var wait: Duration = .milliseconds(200)
        while true {
            do throws(CRIError) {
                _ = try await runtime.stopPodSandbox(request)
                break
            } catch {
                if error.code == .notFound || Task.isCancelled { break }
                log.warning("failed to stop sandbox", [("pod", pod.name), ("error", "\(error)")])
                await clock.sleep(for: wait)
                wait = min(wait * 2, .seconds(10))
            }
        }
        remember(pod.uid) { known in
            known.sandbox = nil
            known.addresses = nil
        }
        return await observed(pod) + [.sandboxStopped]
    }

    /// What the runtime has of the pod now; nothing if it cannot be asked.
    func observed(_ pod: PodIdentity) async -> [PodEvent] {
        guard let view = try? await observer.observe(pod.uid) else { return [] }
        return [.observed(view)]
    }

    private func ensureImage(_ pod: Pod, _ name: String) async -> PodEvent {
        guard let container = PodMachine.spec(of: name, in: pod) else {
            return .imageFailed(container: name, reason: "InvalidImageName", message: "no such container")
        }
        switch await images.ensure(container, of: pod, sandbox: recall(pod.metadata.uid).sandbox) {
        case .ready(let reference): return .imageReady(container: name, reference: reference)
        case .failed(let reason, let message):
            return .imageFailed(container: name, reason: reason, message: message)
        }
    }
}
