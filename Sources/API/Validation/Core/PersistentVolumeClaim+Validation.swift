package import APICore
package import APIMachinery
import Codec

/// What volumes and claims have in common.
enum StorageRules {
    static let accessModes: [String] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]

    static func accessModes(_ modes: [String], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for mode in modes { errors += Rule.oneOf(mode, accessModes, path) }
        if modes.contains("ReadWriteOncePod"), modes.count > 1 {
            errors.append(.forbidden(path, "may not use ReadWriteOncePod with other access modes"))
        }
        return errors
    }
}

extension PersistentVolumeClaimSpec {
    package func validate(at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let modes: FieldPath = path.child("accessModes")
        if accessModes.isEmpty { errors.append(.required(modes, "at least 1 access mode is required")) }
        errors += Validation.labelSelector(selector, at: path.child("selector"))
        errors += StorageRules.accessModes(accessModes, modes)
        let storage: FieldPath = path.child("resources").key("storage")
        if let amount = resources.requests["storage"] {
            errors += ResourceRules.positive(amount, storage)
        } else {
            errors.append(.required(storage))
        }
        if let storageClassName, !storageClassName.isEmpty {
            errors += Rule.subdomain(storageClassName, path.child("storageClassName"))
        }
        errors += Rule.optionalChoice(volumeMode, ["Block", "Filesystem"], path.child("volumeMode"))
        if let dataSource {
            let field: FieldPath = path.child("dataSource")
            errors += Rule.required(dataSource.name, field.child("name"))
            errors += Rule.required(dataSource.kind, field.child("kind"))
            if (dataSource.apiGroup ?? "").isEmpty, dataSource.kind != "PersistentVolumeClaim" {
                let text: String = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
                errors.append(.invalid(field, dataSource.kind, text))
            }
        }
        if let dataSourceRef {
            let field: FieldPath = path.child("dataSourceRef")
            errors += Rule.required(dataSourceRef.name, field.child("name"))
            errors += Rule.required(dataSourceRef.kind, field.child("kind"))
        }
        return errors
    }
}
