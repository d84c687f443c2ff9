package import APIMachinery
package import APINetworking
import Codec

extension APINetworking.IPAddress {
    /// The name is the address, in its canonical form.
    package func validate() -> FieldErrors {
        var errors = FieldErrors()
        if APIMachinery.IPAddress(metadata.name)?.description != metadata.name {
            let path: FieldPath = FieldPath("metadata").child("name")
            errors.append(.invalid(path, metadata.name, "must be a valid IP address in canonical form"))
        }
        let path: FieldPath = FieldPath("spec").child("parentRef")
        guard let parent = spec.parentRef else {
            errors.append(.required(path))
            return errors
        }
        if !parent.group.isEmpty { errors += Rule.subdomain(parent.group, path.child("group")) }
        errors += Rule.required(parent.resource, path.child("resource"))
        errors += Rule.required(parent.name, path.child("name"))
        return errors
    }

    package func validateUpdate(of old: APINetworking.IPAddress) -> FieldErrors {
        if spec.parentRef == old.spec.parentRef { return [] }
        return [.invalid(FieldPath("spec").child("parentRef"), spec.parentRef, ObjectMeta.immutableMessage)]
    }
}

extension ServiceCIDR {
    package func validate() -> FieldErrors {
        let path: FieldPath = FieldPath("spec").child("cidrs")
        if spec.cidrs.isEmpty { return [.required(path, "at least one CIDR required")] }
        if spec.cidrs.count > 2 {
            return [.invalid(path, spec.cidrs, "may only hold up to 2 values")]
        }
        var errors = FieldErrors()
        for (index, text) in spec.cidrs.enumerated() {
            errors += NameRules.cidr(text, at: path.index(index))
            if let cidr = CIDR(text), !cidr.isCanonical {
                let wanted: String = "must be a valid CIDR in canonical form, e.g. \(cidr)"
                errors.append(.invalid(path.index(index), text, wanted))
            }
        }
        let families: [APIMachinery.IPAddress.Family] = spec.cidrs.compactMap { CIDR($0)?.address.family }
        if families.count == 2, families[0] == families[1] {
            errors.append(.invalid(path, spec.cidrs, "may specify no more than one IP for each IP family"))
        }
        return errors
    }

    /// A second family may come; nothing else changes.
    package func validateUpdate(of old: ServiceCIDR) -> FieldErrors {
        let path: FieldPath = FieldPath("spec").child("cidrs")
        var errors = FieldErrors()
        if Array(spec.cidrs.prefix(old.spec.cidrs.count)) != old.spec.cidrs {
            errors.append(.invalid(path, spec.cidrs, ObjectMeta.immutableMessage))
        }
        errors += validate()
        return errors
    }
}
