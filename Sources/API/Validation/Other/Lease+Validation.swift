package import APICoordination
package import APIMachinery
import Codec

extension Lease {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if let seconds = spec.leaseDurationSeconds, seconds <= 0 {
            errors.append(.invalid(path.child("leaseDurationSeconds"), seconds, "must be greater than 0"))
        }
        if let count = spec.leaseTransitions, count < 0 {
            let text: String = "must be greater than or equal to 0"
            errors.append(.invalid(path.child("leaseTransitions"), count, text))
        }
        if spec.preferredHolder != nil, spec.strategy == nil {
            errors.append(.forbidden(path.child("preferredHolder"), "may only be specified if `strategy` is defined"))
        }
        return errors
    }
}
