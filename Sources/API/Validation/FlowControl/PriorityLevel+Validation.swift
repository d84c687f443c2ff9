package import APIFlowControl
package import APIMachinery
import Codec

extension PriorityLevelConfiguration {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if (metadata.name == FlowControlPresets.exempt) != (spec.type == "Exempt") {
            let text: String = "type must be 'Exempt' if and only if `metadata.name` is 'exempt'"
            errors.append(.invalid(path.child("type"), spec.type, text))
        }
        switch spec.type {
        case "Exempt":
            if spec.limited != nil {
                errors.append(.forbidden(path.child("limited"), "must be nil if the type is not Limited"))
            }
            if let exempt = spec.exempt { errors += exempt.validate(path.child("exempt")) }
        case "Limited":
            if spec.exempt != nil {
                errors.append(.forbidden(path.child("exempt"), "must be nil if the type is Limited"))
            }
            if let limited = spec.limited {
                errors += limited.validate(path.child("limited"))
            } else {
                errors.append(.required(path.child("limited"), "must not be empty when type is Limited"))
            }
        default: errors.append(.notSupported(path.child("type"), spec.type, ["Exempt", "Limited"]))
        }
        return errors + validateFixed(path) + validateStatus()
    }

    /// What the server cannot do without stays as it is, but for the shares of `exempt`.
    private func validateFixed(_ path: FieldPath) -> FieldErrors {
        guard var fixed = FlowControlPresets.mandatoryLevel(metadata.name)?.spec else { return [] }
        if metadata.name == FlowControlPresets.exempt {
            fixed.exempt = spec.exempt
            if fixed == spec { return [] }
            let text: String = "spec of '\(metadata.name)' except the 'spec.exempt' field must equal the fixed value"
            return [.invalid(path, spec, text)]
        }
        return fixed == spec ? [] : [.invalid(path, spec, "spec of '\(metadata.name)' must equal the fixed value")]
    }

    package func validateStatus() -> FieldErrors {
        FlowControlRules.conditions(status.conditions.map { $0.type })
    }
}

extension ExemptPriorityLevelConfiguration {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if let shares = nominalConcurrencyShares, shares < 0 {
            let text: String = "must be a non-negative integer"
            errors.append(.invalid(path.child("nominalConcurrencyShares"), shares, text))
        }
        return errors + percentage(lendablePercent, path.child("lendablePercent"))
    }
}

private func percentage(_ value: Int?, _ path: FieldPath) -> FieldErrors {
    guard let value, !(0...100).contains(value) else { return [] }
    return [.invalid(path, value, "must be between 0 and 100, inclusive")]
}

extension LimitedPriorityLevelConfiguration {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if let shares = nominalConcurrencyShares, shares < 0 {
            let text: String = "must be a non-negative integer"
            errors.append(.invalid(path.child("nominalConcurrencyShares"), shares, text))
        }
        errors += limitResponse.validate(path.child("limitResponse"))
        errors += percentage(lendablePercent, path.child("lendablePercent"))
        if let limit = borrowingLimitPercent, limit < 0 {
            let text: String = "if specified, must be a non-negative integer"
            errors.append(.invalid(path.child("borrowingLimitPercent"), limit, text))
        }
        return errors
    }
}

extension LimitResponse {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        switch type {
        case "Reject":
            if queuing == nil { return [] }
            let text: String = "must be nil if limited.limitResponse.type is not Limited"
            return [.forbidden(path.child("queuing"), text)]
        case "Queue":
            if let queuing { return queuing.validate(path.child("queuing")) }
            let text: String = "must not be empty if limited.limitResponse.type is Limited"
            return [.required(path.child("queuing"), text)]
        default: return [.notSupported(path.child("type"), type, ["Queue", "Reject"])]
        }
    }
}

extension QueuingConfiguration {
    private static let mostQueues = 10_000_000
    /// The bits of a hash that hands of queues are dealt from.
    private static let hashBits = 60

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if queueLengthLimit <= 0 {
            errors.append(.invalid(path.child("queueLengthLimit"), queueLengthLimit, "must be positive"))
        }
        if queues <= 0 {
            errors.append(.invalid(path.child("queues"), queues, "must be positive"))
        } else if queues > Self.mostQueues {
            errors.append(.invalid(path.child("queues"), queues, "must not be greater than \(Self.mostQueues)"))
        }
        let field: FieldPath = path.child("handSize")
        if handSize <= 0 {
            errors.append(.invalid(field, handSize, "must be positive"))
        } else if handSize > queues {
            errors.append(.invalid(field, handSize, "should not be greater than queues (\(queues))"))
        } else if needsMoreBits(than: Self.hashBits) {
            let text: String =
                "required entropy bits of deckSize \(queues) and handSize \(handSize) should not be greater than "
                + "\(Self.hashBits)"
            errors.append(.invalid(field, handSize, text))
        }
        return errors
    }

    /// Whether `queues` to the power of `handSize` is above 2 to the power of `bits`.
    private func needsMoreBits(than bits: Int) -> Bool {
        var product: UInt64 = 1
        for _ in 0..<handSize {
            let (next, overflow): (UInt64, Bool) = product.multipliedReportingOverflow(by: UInt64(queues))
            if overflow || next > 1 << UInt64(bits) { return true }
            if next == product { return false }
            product = next
        }
        return false
    }
}
