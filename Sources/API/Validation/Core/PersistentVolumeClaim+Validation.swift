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

extension PersistentVolumeClaim {
    package func validate() -> FieldErrors { spec.validate(at: FieldPath("spec")) }

    package func validateUpdate(of old: PersistentVolumeClaim) -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validate()
        var munged: PersistentVolumeClaimSpec = spec
        let isBound: Bool = old.status.phase == "Bound"
        if old.spec.volumeName.isEmpty { munged.volumeName = "" }
        if old.spec.storageClassName == nil, old.status.phase == "Pending" { munged.storageClassName = nil }
        if isBound {
            munged.resources.requests["storage"] = old.spec.resources.requests["storage"]
            munged.volumeAttributesClassName = old.spec.volumeAttributesClassName
        }
        if munged != old.spec {
            let difference: String = SpecDifference.text(
                old: old.spec, new: munged, name: "core.PersistentVolumeClaimSpec")
            let text: String =
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
                + "claims\n\(difference)"
            errors.append(.forbidden(path, text))
        }
        let before: Quantity = old.spec.resources.requests["storage"] ?? Quantity()
        let after: Quantity = spec.resources.requests["storage"] ?? Quantity()
        if isBound, after < before, after <= old.status.capacity["storage"] ?? Quantity() {
            let field: FieldPath = path.child("resources", "requests").child("storage")
            errors.append(.forbidden(field, "field can not be less than status.capacity"))
        }
        return errors
    }

    package func validateStatus() -> FieldErrors {
        var errors: FieldErrors = []
        for (name, amount) in status.capacity {
            errors += ResourceRules.amount(amount, of: name, FieldPath("status").child("capacity").key(name))
        }
        return errors
    }
}
