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

    /// - Parameters: the sets and pods with the index `claimable`.
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
            sets.claimable(by: deployment), owner: deployment, selector: selector, mayAdopt: !isGoing)
        if claim.isAdopting { return Reconciliation(claim.writes) }
        let view = DeploymentView(deployment, owned: claim.owned)
        var result = Reconciliation(claim.writes)
        let steps: [Write] = isGoing ? [] : steps(view)
        for write in steps { result.write(write) }
        var builder = DeploymentStatusBuilder(view: view, now: now)
        builder.created = Self.created(in: steps)
        let status: DeploymentStatus = builder.status()
        // After an update of the Deployment itself the status is written in the next look, from the newer object.
        if status != deployment.status && !Self.updatesDeployment(steps) {
            var changed: Deployment = deployment
            changed.status = status
            let write: Write = .updateStatus(changed).ignoring(.notFound)
            // That a set was made is said only once it is; `didWrite` tells of the failure.
            result.write([write], .sequential, evenAfterFailure: builder.created == nil)
        }
        if let wait = builder.untilDeadline(status) { result.requeue(after: wait) }
        return result
    }

    private static func updatesDeployment(_ steps: [Write]) -> Bool {
        steps.contains { step in
            if case .update(let object, _) = step.action { object is Deployment } else { false }
        }
    }

    private static func created(in steps: [Write]) -> String? {
        for step in steps {
            if case .create(let object) = step.action { return object.metadata.name }
        }
        return nil
    }

    package func didWrite(_ key: ObjectKey, _ outcomes: [WriteOutcome], now: Time) -> Reconciliation? {
        guard let deployment = deployments[key] else { return nil }
        for outcome in outcomes {
            guard case .create(let object) = outcome.write.action, let set = object as? ReplicaSet,
                let error = outcome.error
            else { continue }
            guard error.isAlreadyExists else {
                let message: String = "Failed to create new replica set \"\(set.metadata.name)\": \(error.message)"
                return failed(deployment, message, now: now)
            }
            return collision(deployment, set)
        }
        return nil
    }

    private func failed(_ deployment: Deployment, _ message: String, now: Time) -> Reconciliation {
        var result = Reconciliation([.event(deployment, .warning, reason: "ReplicaSetCreateError", message)])
        let view = DeploymentView(deployment, owned: sets.owned(by: deployment.metadata.uid))
        var changed: Deployment = deployment
        changed.status = DeploymentStatusBuilder(view: view, now: now).failed(message)
        if changed.status != deployment.status { result.write(Write.updateStatus(changed).ignoring(.notFound)) }
        return result
    }

    /// The name is taken. By a set of ours with the same template, the cache is just late; by any other, the hash must
    /// change.
    private func collision(_ deployment: Deployment, _ wanted: ReplicaSet) -> Reconciliation? {
        guard let existing = sets[wanted.key] else { return nil }
        let isOurs: Bool = existing.metadata.controllerOwner?.uid == deployment.metadata.uid
        if isOurs && DeploymentView.sameTemplate(existing.spec.template, deployment.spec.template) { return nil }
        var changed: Deployment = deployment
        changed.status.collisionCount = (deployment.status.collisionCount ?? 0) + 1
        return Reconciliation([.updateStatus(changed)])
    }

    // MARK: - Steps

    private func steps(_ view: DeploymentView) -> [Write] {
        if view.deployment.spec.paused { return scaling(view) + history(view) }
        if isScaled(view) { return scaling(view) }
        if let new = view.new {
            let adjusted: [Write] = annotations(view, new)
            if !adjusted.isEmpty { return adjusted }
        }
        return view.isRolling ? rolling(view) : recreating(view)
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
        if let new = view.new, active.count > 1, new.status.availableReplicas == view.desired,
            new.spec.replicas == view.desired,
            new.metadata.annotations[DeploymentView.desiredKey] == String(view.desired)
        {
            return view.oldWithPods.flatMap { resize($0, to: 0, view) }
        }
        if active.count > 1 && !view.isRolling { return [] }
        return RolloutPlan(view: view).proportional().flatMap { resize($0.set, to: $0.size, view) }
    }

    private func rolling(_ view: DeploymentView) -> [Write] {
        let plan = RolloutPlan(view: view)
        let total: Int = DeploymentView.replicas(view.all)
        guard let new = view.new else { return create(view, size: plan.newSize(current: 0, total: total)) }
        let current: Int = new.spec.replicas ?? 1
        let size: Int = current > view.desired ? view.desired : plan.newSize(current: current, total: total)
        if size != current { return resize(new, to: size, view) }
        let shrunk: [Write] = plan.shrunkOld().flatMap { resize($0.set, to: $0.size, view) }
        return shrunk.isEmpty ? historyWhenComplete(view) : shrunk
    }

    /// All old pods go before the first new one comes.
    private func recreating(_ view: DeploymentView) -> [Write] {
        if !view.oldWithPods.isEmpty { return view.oldWithPods.flatMap { resize($0, to: 0, view) } }
        // Pods that are on their way out are no longer counted by their set, but still run.
        let isAnyLeft: Bool =
            DeploymentView.actual(view.old) > 0
            || view.old.contains { set in
                pods.owned(by: set.metadata.uid).contains {
                    $0.status.phase != "Succeeded" && $0.status.phase != "Failed"
                }
            }
        if isAnyLeft { return [] }
        guard let new = view.new else { return create(view, size: view.desired) }
        if new.spec.replicas != view.desired { return resize(new, to: view.desired, view) }
        return historyWhenComplete(view)
    }

    /// The new set for a template that has none yet.
    private func create(_ view: DeploymentView, size: Int) -> [Write] {
        let deployment: Deployment = view.deployment
        let set: ReplicaSet = NewReplicaSet(view: view).make(replicas: size)
        var writes: [Write] = [.create(set).ignoring(.namespaceTerminating)]
        if size > 0 { writes.append(scaled(deployment, set.metadata.name, from: 0, to: size)) }
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
            writes.append(.update(changed))
        }
        return writes
    }

    private func historyWhenComplete(_ view: DeploymentView) -> [Write] {
        let status: DeploymentStatus = view.deployment.status
        return DeploymentStatusBuilder(view: view, now: Time(seconds: 0)).isComplete(status) ? history(view) : []
    }

    /// Of the old sets beyond the history limit, those of the oldest revisions that have no pods.
    private func history(_ view: DeploymentView) -> [Write] {
        guard let limit = view.deployment.spec.revisionHistoryLimit, limit != Int(Int32.max) else { return [] }
        let kept: [ReplicaSet] = view.old.filter { $0.metadata.deletionTimestamp == nil }
        guard kept.count > limit else { return [] }
        let ordered: [ReplicaSet] = kept.sorted { DeploymentView.revision($0) < DeploymentView.revision($1) }
        return ordered.prefix(kept.count - limit).filter { set in
            set.status.replicas == 0 && (set.spec.replicas ?? 1) == 0
                && set.metadata.generation <= set.status.observedGeneration
        }.map { Write.delete($0) }
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
