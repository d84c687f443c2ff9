package import API
package import APIMachinery
package import Client

/// Keeps as many pods as a ReplicaSet asks for.
package struct ReplicaSetReconciler: Reconciler {
    /// At most so many pods are made or deleted in one go (upstream's burst).
    private static let burst: Int = 500

    private let sets: ObjectCache<ReplicaSet>
    private let pods: ObjectCache<Pod>

    /// - Parameters: both with the index `claimable`.
    package init(sets: ObjectCache<ReplicaSet>, pods: ObjectCache<Pod>) {
        self.sets = sets
        self.pods = pods
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let set = sets[key] else { return .done }
        guard let labels = set.spec.selector, let selector = try? LabelQuery(labels) else {
            return .failed("invalid selector of replica set \(key)")
        }
        let isGoing: Bool = set.metadata.deletionTimestamp != nil
        let claim = OwnershipClaim(
            pods.claimable(by: set), owner: set, selector: selector, mayAdopt: !isGoing)
        if claim.isAdopting { return Reconciliation(claim.writes) }
        let active: [Pod] = claim.owned.filter(\.isActive)
        var result = Reconciliation(claim.writes)
        if !isGoing {
            let (writes, order) = adjust(set, active, now: now)
            result.write(writes, order)
        }
        let status: ReplicaSetStatus = Self.status(of: set, owned: active, now: now)
        if let write = Self.statusWrite(set, status) { result.write([write], .sequential, evenAfterFailure: true) }
        if let wait = Self.nextAvailability(set, active, now: now) { result.requeue(after: wait) }
        return result
    }

    /// Events, and the condition that tells of failures.
    package func didWrite(_ key: ObjectKey, _ outcomes: [WriteOutcome], now: Time) -> Reconciliation? {
        guard let set = sets[key] else { return nil }
        var events: [Write] = []
        var failure: (reason: String, message: String)?
        for outcome in outcomes {
            switch outcome.write.action {
            case .create(let object) where object is Pod:
                if let error = outcome.error {
                    failure = ("FailedCreate", error.message)
                    events.append(
                        .event(set, .warning, reason: "FailedCreate", "Error creating: \(error.message)"))
                } else if let pod = outcome.object(Pod.self) {
                    events.append(.event(set, reason: "SuccessfulCreate", "Created pod: \(pod.metadata.name)"))
                }
            case .delete(let target, _) where target.resource == Pod.resource:
                if let error = outcome.error {
                    failure = ("FailedDelete", error.message)
                    events.append(
                        .event(set, .warning, reason: "FailedDelete", "Error deleting: \(error.message)"))
                } else if case .done = outcome.result {
                    events.append(.event(set, reason: "SuccessfulDelete", "Deleted pod: \(target.key.name)"))
                }
            default: break
            }
        }
        // The status may have been written in the same turn: then that is what to build upon.
        let newest: ReplicaSet = outcomes.compactMap { $0.object(ReplicaSet.self) }.last ?? set
        if let write = failureWrite(newest, failure, now: now) { events.append(write) }
        return events.isEmpty ? nil : Reconciliation(events)
    }

    // MARK: - Pods

    private func adjust(_ set: ReplicaSet, _ active: [Pod], now: Time) -> ([Write], WriteBatch.Order) {
        let wanted: Int = set.spec.replicas ?? 1
        let lacking: Int = wanted - active.count
        if lacking > 0 {
            let pod: Pod = Self.pod(for: set)
            let write: Write = .create(pod).ignoring(.namespaceTerminating)
            return ([Write](repeating: write, count: min(lacking, Self.burst)), .slowStart)
        }
        guard lacking < 0 else { return ([], .parallel) }
        let ranking = PodRanking(related: related(to: set, active), now: now)
        let doomed: [Pod] = ranking.first(min(-lacking, Self.burst), of: active)
        return (doomed.map { Write.delete($0) }, .parallel)
    }

    /// The pods of all sets with the same controller: during a rollout, old and new pods crowd a node together.
    private func related(to set: ReplicaSet, _ own: [Pod]) -> [Pod] {
        guard let owner = set.metadata.controllerOwner else { return own }
        return sets.owned(by: owner.uid).flatMap { pods.owned(by: $0.metadata.uid) }.filter(\.isActive)
    }

    private static func pod(for set: ReplicaSet) -> Pod {
        Pod.with { pod in
            pod.metadata.generateName = String(set.metadata.name.prefix(57)) + "-"
            pod.metadata.namespace = set.metadata.namespace
            pod.metadata.labels = set.spec.template.metadata.labels
            pod.metadata.annotations = set.spec.template.metadata.annotations
            pod.metadata.finalizers = set.spec.template.metadata.finalizers
            pod.metadata.ownerReferences = [.controller(set)]
            pod.spec = set.spec.template.spec
        }
    }

    // MARK: - Status

    private static func status(of set: ReplicaSet, owned: [Pod], now: Time) -> ReplicaSetStatus {
        var status: ReplicaSetStatus = set.status
        status.replicas = owned.count
        let template = set.spec.template.metadata.labels
        status.fullyLabeledReplicas = owned.count { pod in
            template.allSatisfy { pod.metadata.labels[$0.key] == $0.value }
        }
        status.readyReplicas = owned.count(where: \.isReady)
        status.availableReplicas = owned.count { $0.isAvailable(after: set.spec.minReadySeconds, now: now) }
        status.observedGeneration = set.metadata.generation
        // Nothing lacks: an earlier failure is over.
        if owned.count == set.spec.replicas ?? 1 { status.conditions.removeAll { $0.type == "ReplicaFailure" } }
        return status
    }

    private static func statusWrite(_ set: ReplicaSet, _ status: ReplicaSetStatus) -> Write? {
        guard status != set.status else { return nil }
        var changed: ReplicaSet = set
        changed.status = status
        return Write.updateStatus(changed).ignoring(.notFound)
    }

    private func failureWrite(
        _ set: ReplicaSet, _ failure: (reason: String, message: String)?, now: Time
    ) -> Write? {
        guard let failure, !set.status.conditions.contains(where: { $0.type == "ReplicaFailure" }) else { return nil }
        var status: ReplicaSetStatus = set.status
        status.conditions.append(
            ReplicaSetCondition.with { condition in
                condition.type = "ReplicaFailure"
                condition.status = "True"
                condition.reason = failure.reason
                condition.message = failure.message
                condition.lastTransitionTime = now
            })
        var changed: ReplicaSet = set
        changed.status = status
        return Write.updateStatus(changed).ignoring([.notFound, .conflict])
    }

    /// A pod becomes available by mere passing of time; nothing else would tell.
    private static func nextAvailability(_ set: ReplicaSet, _ active: [Pod], now: Time) -> Duration? {
        let wait: Int = set.spec.minReadySeconds
        guard wait > 0 else { return nil }
        let next: Int? = active.compactMap { pod -> Int? in
            guard let since = pod.readySince else { return nil }
            let rest: Int = wait - now.secondsSince(since)
            return rest > 0 ? rest : nil
        }.min()
        return next.map { .seconds($0) }
    }
}
