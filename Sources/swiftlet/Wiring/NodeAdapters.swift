import API
import APIMachinery
import APIRules
import Kubelet
import KubeletServer
import NodeSetup

/// The kubelet's view of the machine's cgroups.
struct NodeCgroups: PodCgroups {
    private let cgroups: Cgroups

    init(_ cgroups: Cgroups) {
        self.cgroups = cgroups
    }

    func path(of pod: Pod) -> String {
        cgroups.podPath(uid: pod.metadata.uid, quality: Self.quality(of: pod))
    }

    func create(_ pod: Pod, limits: PodCgroupLimits) async throws(PodCgroupError) {
        let path: String = path(of: pod)
        let wanted = CgroupLimits(
            cpuShares: limits.cpuShares, cpuQuotaMicroseconds: limits.cpuQuotaMicroseconds,
            memoryBytes: limits.memoryBytes)
        try await work { () throws(Cgroups.Error) in try cgroups.create(path, limits: wanted) }
    }

    func remove(uid: String) async throws(PodCgroupError) {
        try await work { () throws(Cgroups.Error) in
            for quality in Cgroups.QualityOfService.allCases {
                let path: String = cgroups.podPath(uid: uid, quality: quality)
                if cgroups.exists(path) { try cgroups.remove(path) }
            }
        }
    }

    /// Files of the kernel may block: never on the cooperative pool.
    private func work(_ body: @escaping @Sendable () throws(Cgroups.Error) -> Void) async throws(PodCgroupError) {
        let result: Result<Void, Cgroups.Error> = await OwnedThread.run {
            Result { () throws(Cgroups.Error) in try body() }
        }
        if case .failure(let error) = result { throw PodCgroupError(error.description) }
    }

    private static func quality(of pod: Pod) -> Cgroups.QualityOfService {
        switch QualityOfService(of: pod) {
        case .guaranteed: .guaranteed
        case .burstable: .burstable
        case .bestEffort: .bestEffort
        }
    }
}

/// The kubelet's view of processes that end.
struct NodeExits: ProcessExits {
    private let watcher: ExitWatcher

    init(_ watcher: ExitWatcher) {
        self.watcher = watcher
    }

    func watch(processID: Int32, containerID: String, notify: @escaping @Sendable () -> Void) {
        watcher.watch(processID: processID, containerID: containerID, notify: notify)
    }
}

/// The pods that the kubelet's own API speaks of.
struct NodePods: PodDirectory {
    private let workers: PodWorkers

    init(_ workers: PodWorkers) {
        self.workers = workers
    }

    func pods() -> [Pod] { workers.pods }

    func pod(namespace: String, name: String) -> Pod? {
        // Of a pod and its successor of the same name, the younger is meant.
        workers.pods.filter { $0.metadata.namespace == namespace && $0.metadata.name == name }
            .max { ($0.metadata.creationTimestamp ?? Time()) < ($1.metadata.creationTimestamp ?? Time()) }
    }
}
