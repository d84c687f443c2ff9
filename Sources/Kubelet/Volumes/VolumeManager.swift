package import API
import APIAuthentication
package import APIMachinery
package import Client
package import Codec
import Synchronization

/// What the volume manager knows of its node.
package struct VolumeConfiguration: Sendable {
    /// A directory per pod UID: `<data-dir>/kubelet/pods`.
    package var podsDirectory: String
    /// What pods may use of the node: the default of downward API limits, and the bound of volumes in memory.
    package var allocatable: @Sendable () -> StringMap<Quantity> = { [:] }
    /// All mounted volumes are compared with their objects this often, in case a change was missed.
    package var resync: Duration = .seconds(300)
    /// A failed update or token renewal is tried again after this long.
    package var retry: Duration = .seconds(15)
    /// Pods that are updated side by side.
    package var width: Int = 8
    /// Seconds by which a token's renewal is brought forward.
    package var jitter: @Sendable () -> Int = { Int.random(in: 0..<10) }

    package init(podsDirectory: String) {
        self.podsDirectory = podsDirectory
    }

    package init(_ runtime: RuntimeConfiguration) {
        podsDirectory = runtime.podsDirectory
        allocatable = runtime.allocatable
    }
}

/// Makes pods' volumes, keeps the content of those that come from the API up to date, and takes them away.
///
/// Content is computed by pure functions (`VolumePlan`, `FileProjection`); disk work runs on threads of its own
/// (`BlockingWork`). Per pod one thing happens at a time (`PodTurns`). See docs/volumes.md.
package final class VolumeManager: PodVolumes {
    private struct State {
        /// Pods whose volumes are mounted, by UID.
        var pods: [String: Pod] = [:]
        /// Pods whose volumes are being mounted, with the newest state that was seen meanwhile.
        var mounting: [String: Pod?] = [:]
        /// Pods whose files may be out of date. Those that are being mounted stay here until they are mounted.
        var stale: Set<String> = []
        /// Pods whose last update failed, and when to try again.
        var failed: Set<String> = []
        var retryAt: Duration?
        var resyncAt: Duration = .zero
        var tokens = TokenCache()
    }

    let configuration: VolumeConfiguration
    let sources: WatchedObjectSources
    let client: APIClient
    let log: Log
    private let state: Mutex<State> = Mutex(State())
    private let turns = PodTurns()
    private let signal = Signal()
    private let wallClock: any WallClock
    let clock: any MonotonicClock
    private let report: @Sendable (Pod, PodVolumeError) -> Void

    /// - Parameter report: hears of updates of mounted volumes that failed; for events. `mount` throws instead.
    package init(
        _ configuration: VolumeConfiguration, sources: WatchedObjectSources, client: APIClient,
        wallClock: any WallClock = SystemWallClock(), clock: any MonotonicClock = SystemMonotonicClock(),
        log: Log = .silent, report: @escaping @Sendable (Pod, PodVolumeError) -> Void = { _, _ in }
    ) {
        self.configuration = configuration
        self.sources = sources
        self.client = client
        self.wallClock = wallClock
        self.clock = clock
        self.log = log
        self.report = report
        sources.onChange { [weak self] _, users in self?.makeStale(users) }
    }

    /// The pods whose volumes are mounted, in the order of their UIDs.
    var mountedPods: [Pod] {
        state.withLock { state in state.pods.keys.sorted().compactMap { state.pods[$0] } }
    }

    // MARK: - PodVolumes

    package func mount(_ pod: Pod) async throws(PodVolumeError) -> [String: MountedVolume] {
        try checkPlace(pod)
        sources.register(pod)
        let result: Result<[String: MountedVolume], PodVolumeError> = await turns.take(pod.metadata.uid) {
            var mounted: [String: MountedVolume] = [:]
            state.withLock { $0.mounting[pod.metadata.uid] = .some(nil) }
            for volume in pod.mountedVolumes {
                do throws(PodVolumeError) {
                    mounted[volume.name] = try await mount(volume, of: pod)
                } catch {
                    // Files that are mounted already are known from before, or are written when this is tried again.
                    state.withLock { $0.mounting[pod.metadata.uid] = nil }
                    return .failure(error)
                }
            }
            state.withLock { state in
                // What changed meanwhile was perhaps read too early.
                let newest: Pod? = state.mounting.removeValue(forKey: pod.metadata.uid) ?? nil
                state.pods[pod.metadata.uid] = newest ?? pod
                if newest != nil { state.stale.insert(pod.metadata.uid) }
            }
            return .success(mounted)
        }
        // The next renewal may be earlier than the one that `run` waits for.
        signal.raise()
        return try result.get()
    }

    package func unmount(_ pod: PodIdentity) async throws(PodVolumeError) {
        guard Self.isSafeName(pod.uid) else {
            throw PodVolumeError(reason: "FailedUnmount", message: "pod has no usable UID: \"\(pod.uid)\"")
        }
        let result: Result<Void, PodVolumeError> = await turns.take(pod.uid) {
            state.withLock { state in
                state.pods[pod.uid] = nil
                state.stale.remove(pod.uid)
                state.failed.remove(pod.uid)
                state.tokens.forget(uid: pod.uid)
            }
            let directory: String = configuration.podsDirectory + "/" + pod.uid
            return await BlockingWork.run {
                do throws(NodeFiles.Failure) {
                    try VolumeMounts.unmountAll(below: directory)
                    try NodeFiles.removeTree(directory + "/volumes")
                    return .success(())
                } catch {
                    return .failure(
                        PodVolumeError(
                            reason: "FailedUnmount",
                            message: "failed to remove volumes of pod \(PodNames.text(pod)): \(error)"))
                }
            }
        }
        sources.unregister(uid: pod.uid)
        try result.get()
    }

    /// The pod as the API server has it now: volumes that show its labels and annotations follow. Quick.
    package func see(_ pod: Pod) {
        let isStale: Bool = state.withLock { state in
            if state.mounting[pod.metadata.uid] != nil { state.mounting[pod.metadata.uid] = pod }
            guard let known = state.pods[pod.metadata.uid] else { return false }
            state.pods[pod.metadata.uid] = pod
            guard known.metadata.labels != pod.metadata.labels || known.metadata.annotations != pod.metadata.annotations
            else { return false }
            state.stale.insert(pod.metadata.uid)
            return true
        }
        if isStale { signal.raise() }
    }

    private func makeStale(_ users: Set<String>) {
        let isNews: Bool = state.withLock { state in
            let known: Set<String> = users.filter { state.pods[$0] != nil || state.mounting[$0] != nil }
            state.stale.formUnion(known)
            return !known.isEmpty
        }
        if isNews { signal.raise() }
    }

    // MARK: - Keeping up to date

    /// Updates volumes and renews tokens until the task is cancelled.
    package func run() async {
        state.withLock { $0.resyncAt = clock.now + configuration.resync }
        while !Task.isCancelled {
            let pods: [Pod] = takeStale()
            await update(pods)
            await signal.wait(until: nextLook(), on: clock)
        }
    }

    private func takeStale() -> [Pod] {
        let now: Duration = clock.now
        let time: Time = wallClock.now
        return state.withLock { state in
            var uids: Set<String> = state.stale.union(state.tokens.due(now: time))
            if let retryAt = state.retryAt, retryAt <= now {
                uids.formUnion(state.failed)
                state.retryAt = nil
            }
            if state.resyncAt <= now {
                uids.formUnion(state.pods.keys)
                state.resyncAt = now + configuration.resync
            }
            state.stale = state.stale.filter { state.mounting[$0] != nil }
            state.failed.subtract(uids)
            return uids.sorted().compactMap { state.pods[$0] }.filter { !$0.hasEnded }
        }
    }

    private func nextLook() -> Duration {
        let now: Duration = clock.now
        let time: Time = wallClock.now
        return state.withLock { state in
            var next: Duration = state.resyncAt
            if let retryAt = state.retryAt { next = min(next, retryAt) }
            if let renewal = state.tokens.nextRenewal(where: { state.pods[$0]?.hasEnded == false }) {
                next = min(next, now + .seconds(max(1, renewal.secondsSince(time))))
            }
            return next
        }
    }

    private func update(_ pods: [Pod]) async {
        await withTaskGroup(of: Void.self) { group in
            var running: Int = 0
            for pod in pods {
                if running == configuration.width {
                    await group.next()
                    running -= 1
                }
                running += 1
                group.addTask { await self.update(pod.metadata.uid) }
            }
        }
    }

    private func update(_ uid: String) async {
        await turns.take(uid) {
            // Afresh: it may have changed, or be unmounted, while others had the turn.
            guard let pod = state.withLock({ $0.pods[uid] }), !pod.hasEnded else { return }
            for volume in pod.mountedVolumes {
                guard case .files(let plan) = VolumePlan(volume, of: pod) else { continue }
                do throws(PodVolumeError) {
                    _ = try await writeFiles(plan, volume, of: pod)
                } catch {
                    let about: Log.Metadata = [
                        ("pod", PodNames.text(PodIdentity(pod))), ("volume", volume.name), ("error", error.message),
                    ]
                    // What a pod on its way out names may be gone before it, with its namespace.
                    let isLeaving: Bool = state.withLock { $0.pods[uid]?.metadata.deletionTimestamp != nil }
                    if isLeaving {
                        log.debug("volume of a deleted pod keeps its old content", about)
                    } else {
                        log.warning("volume keeps its old content", about)
                        report(pod, error)
                    }
                    state.withLock { state in
                        state.failed.insert(uid)
                        state.retryAt = state.retryAt ?? clock.now + configuration.retry
                    }
                }
            }
        }
    }

    // MARK: - Tokens

    /// A token for the pod: the one in use while it is young, else a new one, else the old one while it is valid.
    func token(_ key: TokenKey, for pod: Pod) async throws(StatusError) -> String {
        let now: Time = wallClock.now
        if let known = state.withLock({ $0.tokens.fresh(key, now: now) }) { return known }
        do throws(StatusError) {
            let account = ObjectKey(key.namespace, key.serviceAccount)
            let request: APIAuthentication.TokenRequest = .of(key, pod: pod)
            let answer: APIAuthentication.TokenRequest = try await client.token(for: account, request)
            guard !answer.status.token.isEmpty else { throw .internalError("the server's answer has no token") }
            let jitter: Int = configuration.jitter()
            state.withLock { $0.tokens.store(answer, for: key, now: now, jitterSeconds: jitter) }
            return answer.status.token
        } catch {
            let later: Time = now.adding(seconds: Int(configuration.retry.components.seconds))
            let known: String? = state.withLock { state in
                state.tokens.postpone(key, to: later)
                return state.tokens.valid(key, now: now)
            }
            guard let known else { throw error }
            let about: Log.Metadata = [("pod", PodNames.text(PodIdentity(pod))), ("error", error.message)]
            if error.isNotFound || error.isConflict {
                // The pod is gone, or another one has its name; we shall hear of it in a moment.
                log.debug("token of a pod that is gone is not renewed", about)
            } else {
                log.warning("token could not be renewed, the old one stays", about)
            }
            return known
        }
    }
}

extension Pod {
    /// Nothing of it runs again, so nobody reads its volumes.
    fileprivate var hasEnded: Bool { status.phase == "Succeeded" || status.phase == "Failed" }

    /// Those volumes that a container uses; upstream leaves the others alone.
    var mountedVolumes: [Volume] {
        var names: Set<String> = []
        for container in spec.initContainers + spec.containers {
            names.formUnion(container.volumeMounts.map(\.name))
            names.formUnion(container.volumeDevices.map(\.name))
        }
        for container in spec.ephemeralContainers {
            names.formUnion(container.volumeMounts.map(\.name))
            names.formUnion(container.volumeDevices.map(\.name))
        }
        return spec.volumes.filter { names.contains($0.name) }
    }
}
