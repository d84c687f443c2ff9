package import API
package import APIMachinery
package import Client
import Synchronization

/// Removes pods that nobody else will: of nodes that are gone, of nodes declared out of service, those that were
/// deleted before they had a node, and the oldest ended ones when there are too many.
///
/// One key for everything: it looks as often as upstream, and when told.
package struct PodGarbageReconciler: Reconciler {
    package static let key: String = "pods"
    /// So many ended pods may stay. Upstream's default.
    package static let threshold: Int = 12_500
    /// How often it looks, and how long a node must have been gone.
    package static let periodSeconds: Int = 20
    package static let quarantineSeconds: Int = 40

    private final class Memory: Sendable {
        /// Since when nodes that pods name have been missing.
        let missing: Mutex<[String: Time]> = Mutex([:])
    }

    private let pods: ObjectCache<Pod>
    private let nodes: ObjectCache<Node>
    private let threshold: Int
    private let memory = Memory()

    package init(pods: ObjectCache<Pod>, nodes: ObjectCache<Node>, threshold: Int = PodGarbageReconciler.threshold) {
        self.pods = pods
        self.nodes = nodes
        self.threshold = threshold
    }

    package func reconcile(_ key: String, now: Time) -> Reconciliation {
        let all: [Pod] = pods.list()
        var doomed: [String: Pod] = [:]
        var writes: [[Write]] = []
        func delete(_ pod: Pod, _ before: Write? = nil) {
            guard doomed.updateValue(pod, forKey: pod.metadata.uid) == nil else { return }
            let options = DeleteOptions.with { $0.gracePeriodSeconds = 0 }
            writes.append((before.map { [$0] } ?? []) + [Write.delete(pod, options: options)])
        }
        for pod in surplus(all) { delete(pod) }
        for pod in outOfService(all) { delete(pod, pod.hasEnded ? nil : .failed(pod)) }
        for pod in orphaned(all, now: now) {
            let mark: Write = .disruptionTarget(
                pod, reason: "DeletionByPodGC", message: "PodGC: node no longer exists", phase: "Failed", now: now)
            delete(pod, pod.hasEnded ? nil : mark)
        }
        for pod in all where pod.metadata.deletionTimestamp != nil && pod.spec.nodeName.isEmpty { delete(pod) }
        var result = Reconciliation()
        // One pod's failure does not spare the others.
        for pair in writes { result.write(pair, .sequential, evenAfterFailure: true) }
        result.requeue(after: .seconds(Self.periodSeconds))
        return result
    }

    private func surplus(_ all: [Pod]) -> [Pod] {
        guard threshold > 0 else { return [] }
        let ended: [Pod] = all.filter { $0.hasEnded }
        guard ended.count > threshold else { return [] }
        // Evicted pods are kept least, then the oldest.
        let ordered: [Pod] = ended.sorted { left, right in
            let evicted: (Bool, Bool) = (left.isEvicted, right.isEvicted)
            if evicted.0 != evicted.1 { return evicted.0 }
            let ages: (Int64, Int64) = (
                left.metadata.creationTimestamp?.seconds ?? 0, right.metadata.creationTimestamp?.seconds ?? 0
            )
            return ages.0 == ages.1 ? left.key < right.key : ages.0 < ages.1
        }
        return Array(ordered.prefix(ended.count - threshold))
    }

    /// Terminating pods of nodes that are not ready and that somebody declared out of service.
    private func outOfService(_ all: [Pod]) -> [Pod] {
        all.filter { pod in
            guard pod.metadata.deletionTimestamp != nil, let node = nodes.get("", pod.spec.nodeName) else {
                return false
            }
            return node.condition("Ready")?.status != "True"
                && node.spec.taints.contains { $0.key == NodeTaints.outOfService }
        }
    }

    private func orphaned(_ all: [Pod], now: Time) -> [Pod] {
        let homeless: [Pod] = all.filter {
            !$0.spec.nodeName.isEmpty && nodes.snapshot(ObjectKey("", $0.spec.nodeName)) == nil
        }
        let names: Set<String> = Set(homeless.map(\.spec.nodeName))
        let gone: Set<String> = memory.missing.withLock { missing in
            missing = missing.filter { names.contains($0.key) }
            for name in names where missing[name] == nil { missing[name] = now }
            return Set(missing.filter { $0.value.adding(seconds: Self.quarantineSeconds) <= now }.map(\.key))
        }
        return homeless.filter { gone.contains($0.spec.nodeName) }
    }
}

extension Pod {
    var hasEnded: Bool { status.phase == "Succeeded" || status.phase == "Failed" }
    fileprivate var isEvicted: Bool { status.phase == "Failed" && status.reason == "Evicted" }
}
