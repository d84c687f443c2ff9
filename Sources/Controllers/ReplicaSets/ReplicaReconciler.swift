package import API
package import APIMachinery
package import Client

package typealias ReplicaSetReconciler = ReplicaReconciler<ReplicaSet>
package typealias ReplicationControllerReconciler = ReplicaReconciler<ReplicationController>

/// Keeps as many pods as a ReplicaSet or a ReplicationController asks for.
package struct ReplicaReconciler<Owner: ReplicaOwner>: Reconciler {
    /// At most so many pods are made or deleted in one go (upstream's burst).
    private static var burst: Int { 500 }

    private let sets: ObjectCache<Owner>
    private let pods: ObjectCache<Pod>

    /// - Parameters: both with the index `claimable`.
    package init(sets: ObjectCache<Owner>, pods: ObjectCache<Pod>) {
        self.sets = sets
        self.pods = pods
    }

    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let set = sets[key] else { return .done }
        guard let selector = set.podSelector else { return .failed("invalid selector of \(Owner.title) \(key)") }
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
        let counts: ReplicaCounts = Self.counts(of: set, owned: active, now: now)
        if let write = Self.statusWrite(set, counts) { result.write([write], .sequential, evenAfterFailure: true) }
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
        let newest: Owner = outcomes.compactMap { $0.object(Owner.self) }.last ?? set
        if let write = failureWrite(newest, failure, now: now) { events.append(write) }
        return events.isEmpty ? nil : Reconciliation(events)
    }

    // MARK: - Pods

    private func adjust(_ set: Owner, _ active: [Pod], now: Time) -> ([Write], WriteBatch.Order) {
        let wanted: Int = set.wantedReplicas
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
    private func related(to set: Owner, _ own: [Pod]) -> [Pod] {
        guard let owner = set.metadata.controllerOwner else { return own }
        return sets.owned(by: owner.uid).flatMap { pods.owned(by: $0.metadata.uid) }.filter(\.isActive)
    }

    private static func pod(for set: Owner) -> Pod {
        Pod.with { pod in
            pod.metadata.generateName = String(set.metadata.name.prefix(57)) + "-"
            pod.metadata.namespace = set.metadata.namespace
            pod.metadata.labels = set.podTemplate.metadata.labels
            pod.metadata.annotations = set.podTemplate.metadata.annotations
            pod.metadata.finalizers = set.podTemplate.metadata.finalizers
            pod.metadata.ownerReferences = [.controller(set)]
            pod.spec = set.podTemplate.spec
        }
    }

    // MARK: - Status

    private static func counts(of set: Owner, owned: [Pod], now: Time) -> ReplicaCounts {
        var counts: ReplicaCounts = set.counts
        counts.replicas = owned.count
        let template = set.podTemplate.metadata.labels
        counts.fullyLabeled = owned.count { pod in
            template.allSatisfy { pod.metadata.labels[$0.key] == $0.value }
        }
        counts.ready = owned.count(where: \.isReady)
        counts.available = owned.count { $0.isAvailable(after: set.minReadySeconds, now: now) }
        counts.observedGeneration = set.metadata.generation
        // Nothing lacks: an earlier failure is over.
        if owned.count == set.wantedReplicas { counts.failure = nil }
        return counts
    }

    private static func statusWrite(_ set: Owner, _ counts: ReplicaCounts) -> Write? {
        guard counts != set.counts else { return nil }
        var changed: Owner = set
        changed.counts = counts
        return Write.updateStatus(changed).ignoring(.notFound)
    }

    private func failureWrite(_ set: Owner, _ failure: (reason: String, message: String)?, now: Time) -> Write? {
        guard let failure, set.counts.failure == nil else { return nil }
        var changed: Owner = set
        changed.counts.failure = .init(reason: failure.reason, message: failure.message, since: now)
        return Write.updateStatus(changed).ignoring([.notFound, .conflict])
    }

    /// A pod becomes available by mere passing of time; nothing else would tell.
    private static func nextAvailability(_ set: Owner, _ active: [Pod], now: Time) -> Duration? {
        let wait: Int = set.minReadySeconds
        guard wait > 0 else { return nil }
        let next: Int? = active.compactMap { pod -> Int? in
            guard let since = pod.readySince else { return nil }
            let rest: Int = wait - now.secondsSince(since)
            return rest > 0 ? rest : nil
        }.min()
        return next.map { .seconds($0) }
    }
}
