package import API
import APIMachinery

/// The whole scheduler as a value: what it knows, and what it decides next. No clock, no I/O.
///
///     events ──receive──► table and queue ──next──► .bind / .unschedulable ──(effects)──► .bound / .bindingFailed
///
/// A decided pod is *assumed*: it takes its room at once, so that the next decision sees it before the API server does.
package struct SchedulerCore: Sendable {
    package enum Event: Sendable {
        case nodeSeen(Node)
        case nodeGone(name: String)
        case podSeen(Pod)
        case podGone(Pod)
        case volumes(VolumeEvent)
        /// The binding was written; the watch will confirm it.
        case bound(uid: String)
        case bindingFailed(uid: String)
        /// That a pod found no node has been told to everyone.
        case reported
    }

    /// A claim, volume or storage class appeared, changed or went.
    package enum VolumeEvent: Sendable {
        case claimSeen(PersistentVolumeClaim)
        case claimGone(PersistentVolumeClaim)
        case volumeSeen(PersistentVolume)
        case volumeGone(name: String)
        case classSeen(StorageClass)
        case classGone(name: String)
    }

    package enum Action: Sendable {
        case bind(Pod, node: String, evaluated: Int, feasible: Int, queuedAt: Int64, attempts: Int)
        case unschedulable(Pod, FitError)
    }

    /// The pods of which profile are ours: `spec.schedulerName`.
    private let schedulerName: String
    private var table = NodeTable()
    private var queue = SchedulingQueue()
    private var cycle = SchedulingCycle()
    /// Pods decided but not yet seen with their node, by UID.
    private var assumed: Set<String> = []

    package init(schedulerName: String = "default-scheduler") {
        self.schedulerName = schedulerName
    }

    package var counts: (active: Int, backoff: Int, unschedulable: Int) { queue.counts }
    package var nodeCount: Int { table.nodeCount }

    /// When `next` may have something without a further event, in microseconds since 1970.
    package var nextDeadline: Int64? { queue.nextDeadline }

    package mutating func receive(_ event: Event, now: Int64) {
        switch event {
        case .nodeSeen(let node): nodeSeen(node, now: now)
        case .nodeGone(let name): table.remove(node: name)
        case .podSeen(let pod): podSeen(pod, now: now)
        case .podGone(let pod): podGone(pod, now: now)
        case .volumes(let event): if volumesChanged(event) { queue.notice(.volumesChanged, now: now) }
        case .bound(let uid): queue.remove(uid: uid)
        case .bindingFailed(let uid):
            assumed.remove(uid)
            table.remove(pod: uid)
            queue.retry(uid: uid, now: now)
            queue.notice(.podGone, now: now)
        case .reported: break
        }
    }

    /// Decides for the next pod in turn; nil if none is due.
    package mutating func next(now: Int64) -> Action? {
        guard let entry = queue.pop(now: now) else { return nil }
        let uid: String = entry.pod.pod.metadata.uid
        switch cycle.decide(entry.pod, on: table) {
        case .node(let name, let evaluated, let feasible):
            assumed.insert(uid)
            table.add(pod: uid, requirements: entry.pod.requirements, node: name)
            return .bind(
                entry.pod.pod, node: name, evaluated: evaluated, feasible: feasible, queuedAt: entry.queuedAt,
                attempts: entry.attempts)
        case .unschedulable(let error):
            queue.park(uid: uid, failed: error.plugins, now: now)
            return .unschedulable(entry.pod.pod, error)
        }
    }

    private mutating func nodeSeen(_ node: Node, now: Int64) {
        let before: NodeTable.Row? = table.row(named: node.metadata.name)
        let isNew: Bool = before.map { !$0.isKnown } ?? true
        table.update(node)
        if isNew {
            queue.notice(.nodeAdded, now: now)
        } else if let old = before?.node, Self.mattersToPods(old, node) {
            queue.notice(.nodeChanged, now: now)
        }
    }

    /// Heartbeats change a node every few seconds; only these changes can make room.
    private static func mattersToPods(_ old: Node, _ new: Node) -> Bool {
        old.spec.unschedulable != new.spec.unschedulable || old.spec.taints != new.spec.taints
            || old.metadata.labels != new.metadata.labels || old.status.allocatable != new.status.allocatable
    }

    private mutating func podSeen(_ pod: Pod, now: Int64) {
        let uid: String = pod.metadata.uid
        if pod.status.phase == "Succeeded" || pod.status.phase == "Failed" {
            podGone(pod, now: now)
            return
        }
        if !pod.spec.nodeName.isEmpty {
            assumed.remove(uid)
            queue.remove(uid: uid)
            // Decided by us for one node but bound by somebody else to another: `add` moves it.
            let hasShrunk: Bool = table.add(pod: uid, requirements: requirements(pod), node: pod.spec.nodeName)
            if hasShrunk { queue.notice(.podGone, now: now) }
            return
        }
        guard isOurs(pod), !assumed.contains(uid) else { return }
        let info = PodInfo(pod, requirements: requirements(pod))
        if !queue.refresh(info) { queue.add(info, now: now) }
    }

    private mutating func podGone(_ pod: Pod, now: Int64) {
        let uid: String = pod.metadata.uid
        assumed.remove(uid)
        queue.remove(uid: uid)
        guard table.isPlaced(pod: uid) else { return }
        table.remove(pod: uid)
        queue.notice(.podGone, now: now)
    }

    /// Whether pods that wait may have got what they lack.
    private mutating func volumesChanged(_ event: VolumeEvent) -> Bool {
        switch event {
        case .claimSeen(let claim): return table.volumes.update(claim)
        case .volumeSeen(let volume): return table.volumes.update(volume)
        case .classSeen(let storage): return table.volumes.update(storage)
        case .claimGone(let claim): table.volumes.remove(claim: claim.metadata.name, in: claim.metadata.namespace)
        case .volumeGone(let name): table.volumes.remove(volume: name)
        case .classGone(let name): table.volumes.remove(storageClass: name)
        }
        return false
    }

    private func isOurs(_ pod: Pod) -> Bool {
        let name: String = pod.spec.schedulerName.isEmpty ? "default-scheduler" : pod.spec.schedulerName
        return name == schedulerName && pod.spec.schedulingGates.isEmpty && pod.metadata.deletionTimestamp == nil
    }

    private mutating func requirements(_ pod: Pod) -> PodRequirements {
        PodRequirements(pod, names: &table.names)
    }
}
