import APICore
package import APIMachinery
import APIStorage
import Codec

/// Claims only grow where their storage class lets them.
package struct PersistentVolumeClaimResize: AdmissionPlugin {
    package let name = "PersistentVolumeClaimResize"

    package init() {}

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .update && attributes.isPlain("persistentvolumeclaims")
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard let claim = attributes.object(as: PersistentVolumeClaim.self),
            let old = attributes.oldObject(as: PersistentVolumeClaim.self)
        else { return }
        let before: Quantity = old.spec.resources.requests["storage"] ?? Quantity()
        let after: Quantity = claim.spec.resources.requests["storage"] ?? Quantity()
        guard after > before else { return }
        guard old.status.phase == "Bound" else {
            throw attributes.forbidden("Only bound persistent volume claims can be expanded")
        }
        let className: String = claim.spec.storageClassName ?? ""
        let found: StorageClass? = attributes.caches.get(StorageClass.self, namespace: "", name: className)
        guard found?.allowVolumeExpansion == true else {
            throw attributes.forbidden(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
                    + "support resize")
        }
    }
}
