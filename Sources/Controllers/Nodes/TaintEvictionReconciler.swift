package import API
package import APIMachinery
import APIRules
package import Client
import Synchronization

/// Deletes pods from nodes with NoExecute taints that they do not tolerate, or no longer tolerate.
package struct TaintEvictionReconciler: Reconciler {
    /// Since when each pod has been wanted away, for tolerations that last only some seconds.
    private final class Memory: Sendable {
        let since: Mutex<[String: (uid: String, time: Time)]> = Mutex([:])
    }

    private let pods: ObjectCache<Pod>
    private let nodes: ObjectCache<Node>
    private let memory = Memory()

    package init(pods: ObjectCache<Pod>, nodes: ObjectCache<Node>) {
        self.pods = pods
        self.nodes = nodes
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let pod = pods[key], pod.metadata.deletionTimestamp == nil, !pod.spec.nodeName.isEmpty else {
            // Kept by name: the pod may be gone, and with it its UID.
            _ = memory.since.withLock { $0.removeValue(forKey: key.description) }
            return .done
        }
        let taints: [Taint] = nodes.get("", pod.spec.nodeName)?.spec.taints.filter { $0.effect == "NoExecute" } ?? []
        switch Self.patience(pod.spec.tolerations, taints) {
        case .forever: return cancel(pod)
        case .seconds(let seconds):
            let since: Time = memory.since.withLock { memory in
                // Another pod of that name starts anew.
                if let known = memory[key.description], known.uid == pod.metadata.uid { return known.time }
                memory[key.description] = (pod.metadata.uid, now)
                return now
            }
            let rest: Int = since.adding(seconds: seconds).secondsSince(now)
            return rest > 0 ? Reconciliation(requeueAfter: .seconds(rest)) : evict(pod, now: now)
        case .none: return evict(pod, now: now)
        }
    }

    private func evict(_ pod: Pod, now: Time) -> Reconciliation {
        Reconciliation([
            .event(pod, reason: "TaintManagerEviction", "Marking for deletion Pod \(pod.key)"),
            .disruptionTarget(
                pod, reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint",
                now: now),
            .delete(pod),
        ])
    }

    /// The taint went, or the pod tolerates it by now.
    private func cancel(_ pod: Pod) -> Reconciliation {
        guard memory.since.withLock({ $0.removeValue(forKey: pod.key.description) }) != nil else { return .done }
        return Reconciliation([.event(pod, reason: "TaintManagerEviction", "Cancelling deletion of Pod \(pod.key)")])
    }

    // MARK: - Tolerations

    enum Patience: Equatable {
        case none
        case seconds(Int)
        case forever
    }

    /// How long tolerations let a pod stay: the shortest among those that match, if each taint has one.
    static func patience(_ tolerations: [Toleration], _ taints: [Taint]) -> Patience {
        var used: [Toleration] = []
        for taint in taints {
            guard let first = tolerations.first(where: { $0.tolerates(taint) }) else { return .none }
            used.append(first)
        }
        let limits: [Int] = used.compactMap(\.tolerationSeconds)
        guard let least = limits.min() else { return .forever }
        return least <= 0 ? .none : .seconds(least)
    }
}
