import API
import APIMachinery
import Client

/// A Deployment with its ReplicaSets sorted into the new one (whose template it wants) and the old ones.
struct DeploymentView {
    static let revisionKey: String = "deployment.kubernetes.io/revision"
    static let historyKey: String = "deployment.kubernetes.io/revision-history"
    static let desiredKey: String = "deployment.kubernetes.io/desired-replicas"
    static let maximumKey: String = "deployment.kubernetes.io/max-replicas"
    static let hashLabel: String = "pod-template-hash"

    let deployment: Deployment
    /// All that it owns, oldest first.
    let all: [ReplicaSet]
    let new: ReplicaSet?

    init(_ deployment: Deployment, owned: [ReplicaSet]) {
        self.deployment = deployment
        let sorted: [ReplicaSet] = owned.sorted { left, right in
            let times = (left.metadata.creationTimestamp, right.metadata.creationTimestamp)
            if let first = times.0, let second = times.1, first != second { return first < second }
            return left.metadata.name < right.metadata.name
        }
        all = sorted
        // Of several with the same template (after a collision) the oldest is the new one, as upstream has it.
        new = sorted.first { Self.sameTemplate($0.spec.template, deployment.spec.template) }
    }

    var old: [ReplicaSet] { all.filter { $0.metadata.uid != new?.metadata.uid } }
    var oldWithPods: [ReplicaSet] { old.filter { ($0.spec.replicas ?? 1) > 0 } }

    var desired: Int { deployment.spec.replicas ?? 1 }
    var isRolling: Bool { deployment.spec.strategy.type != "Recreate" }

    /// How many pods there may be above the desired number during a rollout.
    var maxSurge: Int {
        guard isRolling else { return 0 }
        return bounds.surge
    }

    /// How many pods may be unavailable during a rollout.
    var maxUnavailable: Int {
        guard isRolling, desired > 0 else { return 0 }
        return min(bounds.unavailable, desired)
    }

    /// Percentages round surge up and unavailability down; if both come to nothing, one pod may be unavailable, since
    /// otherwise the rollout could never move.
    private var bounds: (surge: Int, unavailable: Int) {
        let rolling: RollingUpdateDeployment? = deployment.spec.strategy.rollingUpdate
        let surge: Int = scaled(rolling?.maxSurge, roundUp: true)
        let unavailable: Int = scaled(rolling?.maxUnavailable, roundUp: false)
        return surge == 0 && unavailable == 0 ? (0, 1) : (surge, unavailable)
    }

    /// Validation keeps bounds that are neither numbers nor percentages out; 0 is the careful reading of them.
    private func scaled(_ bound: IntOrString?, roundUp: Bool) -> Int {
        do throws(IntOrString.ScaleError) {
            return try (bound ?? .string("25%")).scaled(total: desired, roundUp: roundUp)
        } catch {
            return 0
        }
    }

    static func replicas(_ sets: [ReplicaSet]) -> Int { sets.reduce(0) { $0 + ($1.spec.replicas ?? 1) } }
    static func actual(_ sets: [ReplicaSet]) -> Int { sets.reduce(0) { $0 + $1.status.replicas } }
    static func ready(_ sets: [ReplicaSet]) -> Int { sets.reduce(0) { $0 + $1.status.readyReplicas } }
    static func available(_ sets: [ReplicaSet]) -> Int { sets.reduce(0) { $0 + $1.status.availableReplicas } }

    static func revision(_ set: ReplicaSet) -> Int { set.metadata.annotations[revisionKey].flatMap { Int($0) } ?? 0 }

    /// Equal but for the hash that we added ourselves.
    static func sameTemplate(_ left: PodTemplateSpec, _ right: PodTemplateSpec) -> Bool {
        var left: PodTemplateSpec = left
        var right: PodTemplateSpec = right
        left.metadata.labels[hashLabel] = nil
        right.metadata.labels[hashLabel] = nil
        return left == right
    }
}
