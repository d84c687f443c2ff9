import APICore
package import APIMachinery
package import APIStorage
import Codec

extension StorageClass {
    private static let parameterLimit = 512

    package func validate() -> FieldErrors {
        var errors = FieldErrors()
        if provisioner.isEmpty {
            errors.append(.required(FieldPath("provisioner")))
        } else {
            errors += Rule.qualifiedName(provisioner.lowercased(), FieldPath("provisioner"))
        }
        if parameters.count > Self.parameterLimit {
            let text: String = "must have no more than \(Self.parameterLimit) entries"
            errors.append(FieldError(.tooLong, FieldPath("parameters"), value: nil, detail: text))
        }
        for key in parameters.keys where key.isEmpty {
            errors.append(.invalid(FieldPath("parameters"), key, "field can not be empty."))
        }
        errors += Rule.optionalChoice(reclaimPolicy, ["Delete", "Retain"], FieldPath("reclaimPolicy"))
        errors += Rule.choice(
            volumeBindingMode ?? "", ["Immediate", "WaitForFirstConsumer"], FieldPath("volumeBindingMode"))
        for (index, term) in allowedTopologies.enumerated() {
            let path: FieldPath = FieldPath("allowedTopologies").index(index).child("matchLabelExpressions")
            for (number, requirement) in term.matchLabelExpressions.enumerated() {
                errors += Rule.qualifiedName(requirement.key, path.index(number).child("key"))
                if requirement.values.isEmpty { errors.append(.required(path.index(number).child("values"))) }
            }
        }
        return errors
    }

    package func validateUpdate(of old: StorageClass) -> FieldErrors {
        var errors = FieldErrors()
        if parameters != old.parameters {
            errors.append(.forbidden(FieldPath("parameters"), "updates to parameters are forbidden."))
        }
        if provisioner != old.provisioner {
            errors.append(.forbidden(FieldPath("provisioner"), "updates to provisioner are forbidden."))
        }
        if reclaimPolicy != old.reclaimPolicy {
            errors.append(.forbidden(FieldPath("reclaimPolicy"), "updates to reclaimPolicy are forbidden."))
        }
        if volumeBindingMode != old.volumeBindingMode {
            errors.append(.invalid(FieldPath("volumeBindingMode"), volumeBindingMode, ObjectMeta.immutableMessage))
        }
        errors += validate()
        return errors
    }
}

extension VolumeAttributesClass {
    package func validate() -> FieldErrors {
        var errors: FieldErrors = VolumeRules.csiDriverName(driverName, FieldPath("driverName"))
        if parameters.isEmpty {
            errors.append(.required(FieldPath("parameters"), "must contain at least one key/value pair"))
        }
        return errors
    }

    package func validateUpdate(of old: VolumeAttributesClass) -> FieldErrors {
        var errors = FieldErrors()
        if driverName != old.driverName {
            errors.append(.forbidden(FieldPath("driverName"), "updates to driverName are forbidden."))
        }
        if parameters != old.parameters {
            errors.append(.forbidden(FieldPath("parameters"), "updates to parameters are forbidden."))
        }
        return errors
    }
}

extension VolumeAttachment {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = VolumeRules.csiDriverName(spec.attacher, path.child("attacher"))
        let source: FieldPath = path.child("source")
        switch (spec.source.inlineVolumeSpec, spec.source.persistentVolumeName) {
        case (nil, nil):
            errors.append(.required(source, "must specify exactly one of inlineVolumeSpec and persistentVolumeName"))
        case (.some, .some):
            let text: String = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
            errors.append(.forbidden(source, text))
        case (nil, .some(let name)):
            if name.isEmpty {
                errors.append(
                    .required(source.child("persistentVolumeName"), "must specify non empty persistentVolumeName"))
            } else {
                errors += Rule.subdomain(name, source.child("persistentVolumeName"))
            }
        case (.some, nil): break
        }
        errors += Rule.subdomain(spec.nodeName, path.child("nodeName"))
        return errors
    }

    package func validateUpdate(of old: VolumeAttachment) -> FieldErrors {
        spec == old.spec ? [] : [.invalid(FieldPath("spec"), spec, ObjectMeta.immutableMessage)]
    }
}
