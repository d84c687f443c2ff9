import APICore
package import APIMachinery
package import APIStorage
import Codec

extension CSIDriver {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = VolumeRules.csiDriverName(metadata.name, FieldPath("metadata").child("name"))
        if spec.attachRequired == nil { errors.append(.required(path.child("attachRequired"))) }
        if spec.podInfoOnMount == nil { errors.append(.required(path.child("podInfoOnMount"))) }
        if spec.storageCapacity == nil { errors.append(.required(path.child("storageCapacity"))) }
        errors += Rule.optionalChoice(
            spec.fsGroupPolicy, ["File", "None", "ReadWriteOnceWithFSType"], path.child("fsGroupPolicy"))
        for (index, mode) in spec.volumeLifecycleModes.enumerated() {
            errors += Rule.oneOf(mode, ["Ephemeral", "Persistent"], path.child("volumeLifecycleModes").index(index))
        }
        var audiences: Set<String> = []
        for (index, request) in spec.tokenRequests.enumerated() {
            let field: FieldPath = path.child("tokenRequests").index(index)
            if !audiences.insert(request.audience).inserted {
                errors.append(.duplicate(field.child("audience"), request.audience))
            }
            if let seconds = request.expirationSeconds, seconds < 600 {
                let text: String = "may not specify a duration less than 10 minutes"
                errors.append(.invalid(field.child("expirationSeconds"), seconds, text))
            }
        }
        if let seconds = spec.nodeAllocatableUpdatePeriodSeconds, seconds < 10 {
            let field: FieldPath = path.child("nodeAllocatableUpdatePeriodSeconds")
            errors.append(.invalid(field, seconds, "must be greater than or equal to 10 seconds"))
        }
        return errors
    }

    package func validateUpdate(of old: CSIDriver) -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validate()
        if spec.attachRequired != old.spec.attachRequired {
            errors.append(.invalid(path.child("attachedRequired"), spec.attachRequired, ObjectMeta.immutableMessage))
        }
        if spec.fsGroupPolicy != old.spec.fsGroupPolicy {
            errors.append(.invalid(path.child("fsGroupPolicy"), spec.fsGroupPolicy, ObjectMeta.immutableMessage))
        }
        errors += Validation.immutable(
            spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, at: path.child("volumeLifecycleModes"))
        return errors
    }
}

extension CSINode {
    package func validate() -> FieldErrors {
        let path: FieldPath = FieldPath("spec").child("drivers")
        var errors = FieldErrors()
        var names: Set<String> = []
        for (index, driver) in spec.drivers.enumerated() {
            let place: FieldPath = path.index(index)
            errors += VolumeRules.csiDriverName(driver.name, place.child("name"))
            if !names.insert(driver.name).inserted { errors.append(.duplicate(place.child("name"), driver.name)) }
            errors += Rule.required(driver.nodeID, place.child("nodeID"))
            if driver.nodeID.utf8.count > 192 {
                let text: String = "must be 192 characters or less"
                errors.append(.invalid(place.child("nodeID"), driver.nodeID, text))
            }
            errors += Rule.nonNegative(driver.allocatable?.count, place.child("allocatable", "count"))
            var keys: Set<String> = []
            for key in driver.topologyKeys {
                if key.isEmpty { errors.append(.required(path)) }
                if !keys.insert(key).inserted { errors.append(.duplicate(place.child("topologyKeys"), key)) }
                errors += Rule.qualifiedName(key, place.child("topologyKeys"))
            }
        }
        return errors
    }

    /// A driver comes or goes, and never changes but for what it can allocate.
    package func validateUpdate(of old: CSINode) -> FieldErrors {
        var errors: FieldErrors = validate()
        for (index, driver) in spec.drivers.enumerated() {
            guard let before = old.spec.drivers.first(where: { $0.name == driver.name }) else { continue }
            var same: CSINodeDriver = driver
            same.allocatable = before.allocatable
            if same != before {
                let path: FieldPath = FieldPath("spec").child("drivers").index(index)
                errors.append(.invalid(path, driver, ObjectMeta.immutableMessage))
            }
        }
        return errors
    }
}

extension CSIStorageCapacity {
    package func validate() -> FieldErrors {
        var errors: FieldErrors = Validation.labelSelector(nodeTopology, at: FieldPath("nodeTopology"))
        errors += Rule.subdomain(storageClassName, FieldPath("storageClassName"))
        if let capacity { errors += ResourceRules.nonNegative(capacity, FieldPath("capacity")) }
        if let maximumVolumeSize {
            errors += ResourceRules.nonNegative(maximumVolumeSize, FieldPath("maximumVolumeSize"))
        }
        return errors
    }

    package func validateUpdate(of old: CSIStorageCapacity) -> FieldErrors {
        var errors: FieldErrors = validate()
        if nodeTopology != old.nodeTopology {
            errors.append(.invalid(FieldPath("nodeTopology"), nodeTopology, ObjectMeta.immutableMessage))
        }
        errors += Validation.immutable(
            storageClassName, old.storageClassName, at: FieldPath("storageClassName"))
        return errors
    }
}
