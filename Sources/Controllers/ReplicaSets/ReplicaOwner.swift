package import API
package import APIMachinery
import Codec

/// A kind that keeps a number of like pods: ReplicaSet, and ReplicationController, which came before it.
package protocol ReplicaOwner: APIObject {
    /// Upstream's name of the controller, and of its service account.
    static var controllerName: String { get }
    /// How errors name it.
    static var title: String { get }

    /// nil: none that can be used.
    var podSelector: LabelQuery? { get }
    var wantedReplicas: Int { get }
    var podTemplate: PodTemplateSpec { get }
    /// Seconds that a pod must have been ready to count as available.
    var minReadySeconds: Int { get }
    var counts: ReplicaCounts { get set }
}

/// The status of such an object.
package struct ReplicaCounts: Sendable, Equatable {
    package struct Failure: Sendable, Equatable {
        package var reason: String
        package var message: String
        package var since: Time?
    }

    package var replicas: Int = 0
    package var fullyLabeled: Int = 0
    package var ready: Int = 0
    package var available: Int = 0
    package var observedGeneration: Int = 0
    /// Why pods could not be made or deleted: the condition `ReplicaFailure`.
    package var failure: Failure?

    package static let failureType: String = "ReplicaFailure"
}

extension ReplicaSet: ReplicaOwner {
    package static var controllerName: String { "replicaset-controller" }
    package static var title: String { "replica set" }

    package var podSelector: LabelQuery? { spec.selector.flatMap { try? LabelQuery($0) } }
    package var wantedReplicas: Int { spec.replicas ?? 1 }
    package var podTemplate: PodTemplateSpec { spec.template }
    package var minReadySeconds: Int { spec.minReadySeconds }

    package var counts: ReplicaCounts {
        get {
            let condition: ReplicaSetCondition? = status.conditions.first { $0.type == ReplicaCounts.failureType }
            return ReplicaCounts(
                replicas: status.replicas, fullyLabeled: status.fullyLabeledReplicas, ready: status.readyReplicas,
                available: status.availableReplicas, observedGeneration: status.observedGeneration,
                failure: condition.map { .init(reason: $0.reason, message: $0.message, since: $0.lastTransitionTime) })
        }
        set {
            let known: ReplicaCounts.Failure? = counts.failure
            status.replicas = newValue.replicas
            status.fullyLabeledReplicas = newValue.fullyLabeled
            status.readyReplicas = newValue.ready
            status.availableReplicas = newValue.available
            status.observedGeneration = newValue.observedGeneration
            guard newValue.failure != known else { return }
            status.conditions.removeAll { $0.type == ReplicaCounts.failureType }
            guard let failure = newValue.failure else { return }
            status.conditions.append(
                ReplicaSetCondition.with {
                    $0.type = ReplicaCounts.failureType
                    $0.status = "True"
                    $0.reason = failure.reason
                    $0.message = failure.message
                    $0.lastTransitionTime = failure.since
                })
        }
    }
}

extension ReplicationController: ReplicaOwner {
    package static var controllerName: String { "replication-controller" }
    package static var title: String { "replication controller" }

    /// An empty one selects nothing, unlike that of a ReplicaSet.
    package var podSelector: LabelQuery? {
        guard !spec.selector.isEmpty else { return nil }
        return try? LabelQuery(LabelSelector.with { $0.matchLabels = spec.selector })
    }
    package var wantedReplicas: Int { spec.replicas ?? 1 }
    package var podTemplate: PodTemplateSpec { spec.template ?? PodTemplateSpec() }
    package var minReadySeconds: Int { spec.minReadySeconds }

    package var counts: ReplicaCounts {
        get {
            let condition: ReplicationControllerCondition? = status.conditions.first {
                $0.type == ReplicaCounts.failureType
            }
            return ReplicaCounts(
                replicas: status.replicas, fullyLabeled: status.fullyLabeledReplicas, ready: status.readyReplicas,
                available: status.availableReplicas, observedGeneration: status.observedGeneration,
                failure: condition.map { .init(reason: $0.reason, message: $0.message, since: $0.lastTransitionTime) })
        }
        set {
            let known: ReplicaCounts.Failure? = counts.failure
            status.replicas = newValue.replicas
            status.fullyLabeledReplicas = newValue.fullyLabeled
            status.readyReplicas = newValue.ready
            status.availableReplicas = newValue.available
            status.observedGeneration = newValue.observedGeneration
            guard newValue.failure != known else { return }
            status.conditions.removeAll { $0.type == ReplicaCounts.failureType }
            guard let failure = newValue.failure else { return }
            status.conditions.append(
                ReplicationControllerCondition.with {
                    $0.type = ReplicaCounts.failureType
                    $0.status = "True"
                    $0.reason = failure.reason
                    $0.message = failure.message
                    $0.lastTransitionTime = failure.since
                })
        }
    }
}
