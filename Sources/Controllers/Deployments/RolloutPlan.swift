import API

/// How many pods each ReplicaSet should have next: the arithmetic of a rolling update, without writing anything.
struct RolloutPlan {
    let view: DeploymentView

    /// The new set's size: as large as the surge allows, at most the desired number. Never smaller than it is.
    func newSize(current: Int, total: Int) -> Int {
        guard view.isRolling else { return view.desired }
        let ceiling: Int = view.desired + view.maxSurge
        guard total < ceiling else { return current }
        return current + min(ceiling - total, view.desired - current)
    }

    /// New sizes of old sets: first the pods that are not even ready go (they serve nobody), then as many ready ones as
    /// availability allows. Oldest sets first.
    func shrunkOld() -> [(set: ReplicaSet, size: Int)] {
        let old: [ReplicaSet] = view.oldWithPods
        guard !old.isEmpty, let new = view.new else { return [] }
        let total: Int = DeploymentView.replicas(view.all)
        let minimumAvailable: Int = view.desired - view.maxUnavailable
        let newUnavailable: Int = (new.spec.replicas ?? 1) - new.status.availableReplicas
        var budget: Int = total - minimumAvailable - newUnavailable
        guard budget > 0 else { return [] }
        var sizes: [Int] = old.map { $0.spec.replicas ?? 1 }
        for index in old.indices where budget > 0 {
            let unhealthy: Int = max(0, sizes[index] - old[index].status.availableReplicas)
            let gone: Int = min(budget, unhealthy)
            sizes[index] -= gone
            budget -= gone
        }
        // Pods dropped above were not available; what may go now is counted from those that are. A set that was shrunk
        // a moment ago may still report the pods that it is about to delete: those do not count.
        let available: Int = view.all.reduce(0) { $0 + min($1.status.availableReplicas, $1.spec.replicas ?? 1) }
        var spare: Int = available - minimumAvailable
        for index in old.indices where spare > 0 {
            let gone: Int = min(spare, sizes[index])
            sizes[index] -= gone
            spare -= gone
        }
        return zip(old, sizes).filter { ($0.0.spec.replicas ?? 1) != $0.1 }.map { (set: $0.0, size: $0.1) }
    }

    /// The sizes after the Deployment itself was scaled in the middle of a rollout: the difference is shared out in
    /// proportion, largest sets first, what remains by rounding goes to the first.
    func proportional() -> [(set: ReplicaSet, size: Int)] {
        let active: [ReplicaSet] = view.all.filter { ($0.spec.replicas ?? 1) > 0 }
        if active.count <= 1 {
            guard let only = active.first ?? view.new ?? view.all.last else { return [] }
            return [(only, view.desired)]
        }
        let total: Int = DeploymentView.replicas(active)
        let allowed: Int = view.desired > 0 ? view.desired + view.maxSurge : 0
        let change: Int = allowed - total
        let ordered: [ReplicaSet] = change >= 0 ? Self.newestFirst(active) : Self.oldestFirst(active)
        var added: Int = 0
        var sizes: [Int] = []
        for set in ordered {
            let share: Int = share(set, change: change, already: added, desired: allowed)
            sizes.append((set.spec.replicas ?? 1) + share)
            added += share
        }
        if let first = sizes.first, change != added { sizes[0] = max(0, first + change - added) }
        return zip(ordered, sizes).map { (set: $0.0, size: $0.1) }
    }

    private func share(_ set: ReplicaSet, change: Int, already: Int, desired: Int) -> Int {
        let size: Int = set.spec.replicas ?? 1
        guard size > 0, change != 0, change != already else { return 0 }
        // What the set had been measured against when it got its size.
        let noted: Int = set.metadata.annotations[DeploymentView.maximumKey].flatMap { Int($0) } ?? 0
        let before: Int = noted > 0 ? noted : view.deployment.status.replicas
        guard desired > 0 else { return -size }
        guard before > 0 else { return 0 }
        let exact: Double = Double(size) * Double(desired) / Double(before)
        let share: Int = Int(exact.rounded()) - size
        let left: Int = change - already
        return change > 0 ? min(share, left) : max(share, left)
    }

    private static func newestFirst(_ sets: [ReplicaSet]) -> [ReplicaSet] {
        sets.enumerated().sorted { left, right in
            let sizes = (left.element.spec.replicas ?? 1, right.element.spec.replicas ?? 1)
            return sizes.0 == sizes.1 ? left.offset > right.offset : sizes.0 > sizes.1
        }.map(\.element)
    }

    private static func oldestFirst(_ sets: [ReplicaSet]) -> [ReplicaSet] {
        sets.enumerated().sorted { left, right in
            let sizes = (left.element.spec.replicas ?? 1, right.element.spec.replicas ?? 1)
            return sizes.0 == sizes.1 ? left.offset < right.offset : sizes.0 > sizes.1
        }.map(\.element)
    }
}
