package import API
import APIMachinery

/// What is known of claims, volumes and storage classes, as far as it decides where pods may go.
package struct VolumeTable: Sendable {
    /// A PersistentVolumeClaim, seen from a pod that wants it.
    package struct Claim: Sendable, Equatable {
        package var name: String
        /// The volume it names, bound or not.
        package var volume: String
        /// Bound, and both sides say so.
        package var isBound: Bool
        /// Its volume has gone.
        package var isLost: Bool
        package var isBeingDeleted: Bool
        /// One pod at a time in the whole cluster.
        package var isForOnePod: Bool
        package var storageClass: String
        /// UID of the controller that made it.
        package var controller: String

        package init(_ claim: PersistentVolumeClaim) {
            name = claim.metadata.name
            volume = claim.spec.volumeName
            isBound = !volume.isEmpty && claim.metadata.annotations["pv.kubernetes.io/bind-completed"] != nil
            isLost = claim.status.phase == "Lost"
            isBeingDeleted = claim.metadata.deletionTimestamp != nil
            isForOnePod = claim.spec.accessModes.contains("ReadWriteOncePod")
            storageClass =
                claim.metadata.annotations["volume.beta.kubernetes.io/storage-class"] ?? claim.spec.storageClassName
                ?? ""
            controller = claim.metadata.ownerReferences.first { $0.controller == true }?.uid ?? ""
        }
    }

    /// By `namespace/name`.
    private var claims: [String: Claim] = [:]
    /// Where each volume may be used; nil: anywhere.
    private var volumes: [String: NodeSelector?] = [:]
    /// Classes whose claims wait for their first pod before they are bound.
    private var waitingClasses: Set<String> = []

    package init() {}

    package static func key(_ namespace: String, _ name: String) -> String { "\(namespace)/\(name)" }

    package func claim(_ name: String, in namespace: String) -> Claim? { claims[Self.key(namespace, name)] }

    package func hasVolume(_ name: String) -> Bool { volumes[name] != nil }

    /// nil: no such volume, or one that may be used anywhere.
    package func affinity(ofVolume name: String) -> NodeSelector? { volumes[name] ?? nil }

    package func waitsForConsumer(_ claim: Claim) -> Bool { waitingClasses.contains(claim.storageClass) }

    // MARK: - Changes; each tells whether it may matter to a pod that waits

    package mutating func update(_ claim: PersistentVolumeClaim) -> Bool {
        let new = Claim(claim)
        let key: String = Self.key(claim.metadata.namespace, claim.metadata.name)
        return claims.updateValue(new, forKey: key) != new
    }

    package mutating func remove(claim name: String, in namespace: String) {
        claims[Self.key(namespace, name)] = nil
    }

    package mutating func update(_ volume: PersistentVolume) -> Bool {
        let affinity: NodeSelector? = volume.spec.nodeAffinity?.required
        guard let known = volumes.updateValue(affinity, forKey: volume.metadata.name) else { return true }
        return known != affinity
    }

    package mutating func remove(volume name: String) { volumes[name] = nil }

    package mutating func update(_ storage: StorageClass) -> Bool {
        let waits: Bool = storage.volumeBindingMode == "WaitForFirstConsumer"
        let waited: Bool = waitingClasses.contains(storage.metadata.name)
        if waits { waitingClasses.insert(storage.metadata.name) } else { waitingClasses.remove(storage.metadata.name) }
        return waits != waited
    }

    package mutating func remove(storageClass name: String) { waitingClasses.remove(name) }
}
