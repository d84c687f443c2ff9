import APICore
package import APIMachinery
import APIStorage
import Codec

/// Claims that name no storage class get the default one, if there is one.
package struct DefaultStorageClass: AdmissionPlugin {
    package let name = "DefaultStorageClass"

    package init() {}

    package func handles(_ attributes: AdmissionAttributes) -> Bool { attributes.creates("persistentvolumeclaims") }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard let given = attributes.object(as: PersistentVolumeClaim.self), given.spec.storageClassName == nil,
            !given.metadata.annotations.contains(key: "volume.beta.kubernetes.io/storage-class")
        else { return }
        let classes: [StorageClass] = attributes.caches.list(StorageClass.self, namespace: "").filter {
            DefaultMark.isSet(
                $0.metadata.annotations,
                ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"])
        }
        guard let chosen = DefaultMark.newest(classes.map { $0.metadata }) else { return }
        try attributes.mutate(PersistentVolumeClaim.self) {
            (claim: inout PersistentVolumeClaim) throws(StatusError) -> Void in
            claim.spec.storageClassName = chosen.name
        }
    }
}
