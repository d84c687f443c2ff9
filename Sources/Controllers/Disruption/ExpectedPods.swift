package import API
import APIMachinery
package import Client

/// How many pods there should be, by what the owners of those that exist say.
struct ExpectedPods {
    enum Failure: Error, Equatable {
        /// The owner has no size, or is not known.
        case noController(pod: String)

        var message: String {
            switch self {
            case .noController(let pod): "found no controllers for pod \"\(pod)\""
            }
        }
    }

    let owners: DisruptionOwners
    var count: Int = 0
    /// Names of pods without a managing owner.
    var unmanaged: [String] = []

    init(_ pods: [Pod], owners: DisruptionOwners) throws(Failure) {
        self.owners = owners
        var scales: [String: Int] = [:]
        for pod in pods {
            guard let owner = pod.metadata.controllerOwner else {
                unmanaged.append(pod.metadata.name)
                continue
            }
            if scales[owner.uid] != nil { continue }
            guard let (uid, size) = owners.scale(owner, in: pod.metadata.namespace) else {
                throw .noController(pod: pod.metadata.name)
            }
            // Several ReplicaSets of one Deployment count once, with the Deployment's size.
            scales[owner.uid] = 0
            if scales[uid] == nil || uid == owner.uid { scales[uid] = size }
        }
        count = scales.values.reduce(0, +)
    }
}

/// The kinds that manage pods and have a size.
package struct DisruptionOwners: Sendable {
    package var sets: ObjectCache<ReplicaSet>
    package var deployments: ObjectCache<Deployment>
    package var statefulSets: ObjectCache<StatefulSet>?
    package var replicationControllers: ObjectCache<ReplicationController>?

    package init(
        sets: ObjectCache<ReplicaSet>, deployments: ObjectCache<Deployment>,
        statefulSets: ObjectCache<StatefulSet>? = nil,
        replicationControllers: ObjectCache<ReplicationController>? = nil
    ) {
        self.sets = sets
        self.deployments = deployments
        self.statefulSets = statefulSets
        self.replicationControllers = replicationControllers
    }

    /// The UID and size of whatever decides over the number of the owner's pods.
    func scale(_ owner: OwnerReference, in namespace: String) -> (uid: String, size: Int)? {
        if owner.refers(to: ReplicaSet.self) {
            guard let set = sets.get(namespace, owner.name), set.metadata.uid == owner.uid else { return nil }
            guard let above = set.metadata.controllerOwner, above.refers(to: Deployment.self) else {
                return (set.metadata.uid, set.spec.replicas ?? 1)
            }
            guard let deployment = deployments.get(namespace, above.name), deployment.metadata.uid == above.uid else {
                return nil
            }
            return (deployment.metadata.uid, deployment.spec.replicas ?? 1)
        }
        if owner.refers(to: StatefulSet.self) {
            guard let set = statefulSets?.get(namespace, owner.name), set.metadata.uid == owner.uid else { return nil }
            return (set.metadata.uid, set.spec.replicas ?? 1)
        }
        if owner.refers(to: ReplicationController.self) {
            guard let controller = replicationControllers?.get(namespace, owner.name),
                controller.metadata.uid == owner.uid
            else { return nil }
            return (controller.metadata.uid, controller.spec.replicas ?? 1)
        }
        return nil
    }
}
