package import API
package import APIMachinery
package import Client

/// Rolls a Deployment's template out: a ReplicaSet for each template, grown and shrunk by the strategy.
///
/// Each look does at most one kind of change to sizes, then waits for what the ReplicaSets report; so a crash between
/// two writes loses nothing.
package struct DeploymentReconciler: Reconciler {
    private let deployments: ObjectCache<Deployment>
    private let sets: ObjectCache<ReplicaSet>
    private let pods: ObjectCache<Pod>

    package init(
        deployments: ObjectCache<Deployment>, sets: ObjectCache<ReplicaSet>, pods: ObjectCache<Pod>
    ) {
        self.deployments = deployments
        self.sets = sets
        self.pods = pods
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let deployment = deployments[key] else { return .done }
        guard let labels = deployment.spec.selector, let selector = try? LabelQuery(labels) else {
            return .failed("invalid selector of deployment \(key)")
        }
        let isGoing: Bool = deployment.metadata.deletionTimestamp != nil
        let claim = OwnershipClaim(
            sets.list(namespace: key.namespace), owner: deployment, selector: selector, mayAdopt: !isGoing)
        let view = DeploymentView(deployment, owned: claim.owned)
        var result = Reconciliation(claim.writes)
        if !isGoing {
            for write in steps(view, now: now) { result.write(write) }
        }
        let status: DeploymentStatus = DeploymentStatusBuilder(view: view, now: now).status()
        if status != deployment.status {
            var changed: Deployment = deployment
            changed.status = status
            let write: Write = .updateStatus(changed).ignoring([.notFound, .conflict])
            result.write([write], .sequential, evenAfterFailure: true)
        }
        if let wait = DeploymentStatusBuilder(view: view, now: now).untilDeadline(status) {
            result.requeue(after: wait)
        }
        return result
    }

    package func didWrite(_ key: ObjectKey, _ outcomes: [WriteOutcome], now: Time) -> Reconciliation? {
        guard let deployment = deployments[key] else { return nil }
        for outcome in outcomes {
            guard case .create(let object) = outcome.write.action, let set = object as? ReplicaSet,
                let error = outcome.error
            else { continue }
            guard error.isAlreadyExists else {
                let message: String = "Failed to create new replica set \"\(set.metadata.name)\": \(error.message)"
                return Reconciliation([
                    .event(deployment, .warning, reason: "ReplicaSetCreateError", message)
                ])
            }
            return collision(deployment, set)
        }
        return nil
    }

    /// The name is taken. By a set of ours with the same template, the cache is just late; by any other, the hash must change.
    private func collision(_ deployment: Deployment, _ wanted: ReplicaSet) -> Reconciliation? {
        guard let existing = sets[wanted.key] else { return nil }
        let isOurs: Bool = existing.metadata.controllerOwner?.uid == deployment.metadata.uid
        if isOurs && DeploymentView.sameTemplate(existing.spec.template, deployment.spec.template) { return nil }
        var changed: Deployment = deployment
        changed.status.collisionCount = (deployment.status.collisionCount ?? 0) + 1
        return Reconciliation([.updateStatus(changed)])
    }

    // MARK: - Steps

    private func steps(_ view: DeploymentView, now: Time) -> [Write] {
        if view.deployment.spec.paused { return scaling(view) + history(view) }
        if isScaled(view) { return scaling(view) }
        guard let new = view.new else { return create(view) }
        let adjusted: [Write] = annotations(view, new)
        if !adjusted.isEmpty { return adjusted }
        return view.isRolling ? rolling(view, new) : recreating(view, new)
    }

    /// Whether the Deployment's size changed since its sets were last sized.
    private func isScaled(_ view: DeploymentView) -> Bool {
        view.all.contains { set in
            guard (set.spec.replicas ?? 1) > 0,
                let desired = set.metadata.annotations[DeploymentView.desiredKey].flatMap({ Int($0) })
            else { return false }
            return desired != view.desired
        }
    }

    private func scaling(_ view: DeploymentView) -> [Write] {
        let active: [ReplicaSet] = view.all.filter { ($0.spec.replicas ?? 1) > 0 }
        // The new set has all it needs: whatever is left of old ones goes.
        if let new = view.new, new.status.availableReplicas == view.desired, new.spec.replicas == view.desired {
            return view.oldWithPods.flatMap { resize($0, to: 0, view) }
        }
        if active.count > 1 && !view.isRolling { return [] }
        return RolloutPlan(view: view).proportional().flatMap { resize($0.set, to: $0.size, view) }
    }

    private func rolling(_ view: DeploymentView, _ new: ReplicaSet) -> [Write] {
        let plan = RolloutPlan(view: view)
        let current: Int = new.spec.replicas ?? 1
        let size: Int =
            current > view.desired
            ? view.desired : plan.newSize(current: current, total: DeploymentView.replicas(view.all))
        if size != current { return resize(new, to: size, view) }
        let shrunk: [Write] = plan.shrunkOld().flatMap { resize($0.set, to: $0.size, view) }
        return shrunk.isEmpty ? history(view) : shrunk
    }

    /// All old pods go before the first new one comes.
    private func recreating(_ view: DeploymentView, _ new: ReplicaSet) -> [Write] {
        if !view.oldWithPods.isEmpty { return view.oldWithPods.flatMap { resize($0, to: 0, view) } }
        let oldUIDs: Set<String> = Set(view.old.map(\.metadata.uid))
        let isAnyLeft: Bool = !pods.list(namespace: view.deployment.metadata.namespace) { pod in
            guard let owner = pod.metadata.controllerOwner, oldUIDs.contains(owner.uid) else { return false }
            return pod.status.phase != "Succeeded" && pod.status.phase != "Failed"
        }.isEmpty
        if isAnyLeft { return [] }
        if new.spec.replicas != view.desired { return resize(new, to: view.desired, view) }
        return history(view)
    }

    /// The new set for a template that has none yet.
    private func create(_ view: DeploymentView) -> [Write] {
        if !view.isRolling && !view.oldWithPods.isEmpty {
            return view.oldWithPods.flatMap { resize($0, to: 0, view) }
        }
        let deployment: Deployment = view.deployment
        let size: Int = RolloutPlan(view: view).newSize(current: 0, total: DeploymentView.replicas(view.all))
        let isBlocked: Bool = !view.isRolling && DeploymentView.actual(view.old) > 0
        let set: ReplicaSet = NewReplicaSet(view: view).make(replicas: isBlocked ? 0 : size)
        var changed: Deployment = deployment
        changed.metadata.annotations[DeploymentView.revisionKey] = set.metadata.annotations[DeploymentView.revisionKey]
        var writes: [Write] = [.create(set)]
        if size > 0 && !isBlocked { writes.append(scaled(deployment, set.metadata.name, from: 0, to: size)) }
        if changed.metadata.annotations != deployment.metadata.annotations {
            writes.append(.update(changed).ignoring(.conflict))
        }
        return writes
    }

    /// Keeps the revision and the copied annotations of the new set, and the Deployment's own revision, up to date.
    private func annotations(_ view: DeploymentView, _ new: ReplicaSet) -> [Write] {
        let wanted: ReplicaSet = NewReplicaSet(view: view).updated(new)
        var writes: [Write] = []
        if wanted != new { writes.append(.update(wanted)) }
        let revision: String? = wanted.metadata.annotations[DeploymentView.revisionKey]
        if view.deployment.metadata.annotations[DeploymentView.revisionKey] != revision {
            var changed: Deployment = view.deployment
            changed.metadata.annotations[DeploymentView.revisionKey] = revision
            writes.append(.update(changed).ignoring(.conflict))
        }
        return writes
    }

    /// Old sets without pods beyond the history limit go, oldest revision first, once the rollout is complete.
    private func history(_ view: DeploymentView) -> [Write] {
        guard let limit = view.deployment.spec.revisionHistoryLimit, view.oldWithPods.isEmpty else { return [] }
        let idle: [ReplicaSet] = view.old.filter { set in
            set.status.replicas == 0 && set.metadata.deletionTimestamp == nil
                && set.metadata.generation <= set.status.observedGeneration
        }
        let surplus: Int = view.old.count - limit
        guard surplus > 0 else { return [] }
        let ordered: [ReplicaSet] = idle.sorted { DeploymentView.revision($0) < DeploymentView.revision($1) }
        return ordered.prefix(surplus).map { Write.delete($0) }
    }

    private func resize(_ set: ReplicaSet, to size: Int, _ view: DeploymentView) -> [Write] {
        let current: Int = set.spec.replicas ?? 1
        var changed: ReplicaSet = set
        changed.spec.replicas = size
        changed.metadata.annotations[DeploymentView.desiredKey] = String(view.desired)
        changed.metadata.annotations[DeploymentView.maximumKey] = String(view.desired + view.maxSurge)
        guard changed != set else { return [] }
        guard current != size else { return [.update(changed)] }
        return [.update(changed), scaled(view.deployment, set.metadata.name, from: current, to: size)]
    }

    private func scaled(_ deployment: Deployment, _ set: String, from: Int, to: Int) -> Write {
        let way: String = to > from ? "up" : "down"
        let message: String = "Scaled \(way) replica set \(set) from \(from) to \(to)"
        return .event(deployment, reason: "ScalingReplicaSet", message)
    }
}
