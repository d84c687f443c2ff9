import APICore
package import APIMachinery

/// Volumes and claims stay as long as somebody uses them; controllers take these finalizers away.
package struct StorageObjectInUseProtection: AdmissionPlugin {
    package static let volumeFinalizer = "kubernetes.io/pv-protection"
    package static let claimFinalizer = "kubernetes.io/pvc-protection"

    package let name = "StorageObjectInUseProtection"

    package init() {}

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.creates("persistentvolumes") || attributes.creates("persistentvolumeclaims")
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        try attributes.mutate(PersistentVolume.self) { (volume: inout PersistentVolume) throws(StatusError) -> Void in
            Self.add(Self.volumeFinalizer, to: &volume.metadata)
        }
        try attributes.mutate(PersistentVolumeClaim.self) {
            (claim: inout PersistentVolumeClaim) throws(StatusError) -> Void in
            Self.add(Self.claimFinalizer, to: &claim.metadata)
        }
    }

    private static func add(_ finalizer: String, to metadata: inout ObjectMeta) {
        if !metadata.finalizers.contains(finalizer) { metadata.finalizers.append(finalizer) }
    }
}
