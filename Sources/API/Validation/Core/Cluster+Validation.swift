package import APICore
package import APIMachinery
import Codec

extension Namespace {
    package func validate() -> FieldErrors { validateFinalizers() }

    package func validateFinalizers() -> FieldErrors {
        var errors = FieldErrors()
        for (index, finalizer) in spec.finalizers.enumerated() {
            let path: FieldPath = FieldPath("spec").child("finalizers").index(index)
            let messages: [String] = NameRules.qualifiedName(finalizer)
            errors.append(path, finalizer, invalid: messages)
            if messages.isEmpty, !finalizer.contains("/"), finalizer != "kubernetes" {
                let text: String = "name is neither a standard finalizer name nor is it fully qualified"
                errors.append(.invalid(path, finalizer, text))
            }
        }
        return errors
    }

    package func validateStatus() -> FieldErrors {
        let path: FieldPath = FieldPath("status").child("Phase")
        if metadata.deletionTimestamp == nil {
            if status.phase == "Active" { return [] }
            return [.invalid(path, status.phase, "may only be 'Active' if `deletionTimestamp` is empty")]
        }
        if status.phase == "Terminating" { return [] }
        return [.invalid(path, status.phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")]
    }
}

extension Node {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validateTaints(path.child("taints"))
        for (name, map) in [("capacity", status.capacity), ("allocatable", status.allocatable)] {
            for (resource, amount) in map {
                let field: FieldPath = FieldPath("status").child(name).key(resource)
                errors += ResourceRules.amount(amount, of: resource, field)
            }
        }
        for (index, range) in spec.podCIDRs.enumerated() {
            errors += NameRules.cidr(range, at: path.child("podCIDRs").index(index))
        }
        if spec.podCIDRs.count > 2 {
            let text: String = "may specify no more than one CIDR for each IP family"
            errors.append(.invalid(path.child("podCIDRs"), spec.podCIDRs, text))
        }
        return errors
    }

    private func validateTaints(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var seen: Set<String> = []
        for (index, taint) in spec.taints.enumerated() {
            let place: FieldPath = path.index(index)
            errors += Rule.qualifiedName(taint.key, place.child("key"))
            let messages: [String] = NameRules.labelValue(taint.value)
            if !messages.isEmpty {
                errors.append(.invalid(place.child("value"), taint.value, messages.joined(separator: ";")))
            }
            errors += Rule.choice(taint.effect, SchedulingRules.taintEffects, place.child("effect"))
            if !seen.insert(taint.key + ":" + taint.effect).inserted {
                errors.append(.duplicate(place, taint))
            }
        }
        return errors
    }

    package func validateUpdate(of old: Node) -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        var addresses: [NodeAddress] = []
        for (index, address) in status.addresses.enumerated() {
            if addresses.contains(address) {
                errors.append(.duplicate(FieldPath("status").child("addresses").index(index), address))
            }
            addresses.append(address)
        }
        if !old.spec.podCIDRs.isEmpty, old.spec.podCIDRs != spec.podCIDRs {
            let text: String = "node updates may not change podCIDR except from \"\" to valid"
            errors.append(.forbidden(path.child("podCIDRs"), text))
        }
        if !old.spec.providerID.isEmpty, old.spec.providerID != spec.providerID {
            let text: String = "node updates may not change providerID except from \"\" to valid"
            errors.append(.forbidden(path.child("providerID"), text))
        }
        errors += validate()
        return errors
    }
}
