import APIBatch
import APICore
import APIMachinery
import Codec

/// What a job says of failures and of success before all is done.
extension JobSpec {
    private static let mostRules = 20
    private static let mostCodes = 255
    private static let longestIndexes = 64 * 1_024

    // MARK: - Failure

    func validateFailurePolicy(_ policy: PodFailurePolicy, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let rules: FieldPath = path.child("rules")
        if policy.rules.count > Self.mostRules {
            errors.append(.tooMany(rules, actual: policy.rules.count, limit: Self.mostRules))
        }
        let names: Set<String> = Set((template.spec.containers + template.spec.initContainers).map { $0.name })
        for (index, rule) in policy.rules.enumerated() {
            let place: FieldPath = rules.index(index)
            errors += Rule.choice(rule.action, ["Count", "FailIndex", "FailJob", "Ignore"], place.child("action"))
            if rule.action == "FailIndex", backoffLimitPerIndex == nil {
                let text: String = "requires the backoffLimitPerIndex to be set"
                errors.append(.invalid(place.child("action"), rule.action, text))
            }
            if let codes = rule.onExitCodes { errors += Self.codes(codes, names, place.child("onExitCodes")) }
            errors += Self.conditions(rule.onPodConditions, place.child("onPodConditions"))
            if rule.onExitCodes != nil, !rule.onPodConditions.isEmpty {
                let text: String = "specifying both OnExitCodes and OnPodConditions is not supported"
                errors.append(.invalid(place, rule, text))
            } else if rule.onExitCodes == nil, rule.onPodConditions.isEmpty {
                errors.append(.invalid(place, rule, "specifying one of OnExitCodes and OnPodConditions is required"))
            }
        }
        return errors
    }

    private static func codes(
        _ codes: PodFailurePolicyOnExitCodesRequirement, _ names: Set<String>, _ path: FieldPath
    ) -> FieldErrors {
        var errors: FieldErrors = Rule.choice(codes.operator, ["In", "NotIn"], path.child("operator"))
        if let name = codes.containerName, !names.contains(name) {
            let text: String = "must be one of the container or initContainer names in the pod template"
            errors.append(.invalid(path.child("containerName"), name, text))
        }
        let field: FieldPath = path.child("values")
        if codes.values.isEmpty {
            errors.append(.invalid(field, codes.values, "at least one value is required"))
        } else if codes.values.count > mostCodes {
            errors.append(.tooMany(field, actual: codes.values.count, limit: mostCodes))
        }
        var seen: Set<Int> = []
        for (index, code) in codes.values.enumerated() {
            if codes.operator == "In", code == 0 {
                errors.append(.invalid(field.index(index), code, "must not be 0 for the In operator"))
            }
            if !seen.insert(code).inserted { errors.append(.duplicate(field.index(index), code)) }
        }
        if zip(codes.values, codes.values.dropFirst()).contains(where: { $0 > $1 }) {
            errors.append(.invalid(field, codes.values, "must be ordered"))
        }
        return errors
    }

    private static func conditions(_ patterns: [PodFailurePolicyOnPodConditionsPattern], _ path: FieldPath)
        -> FieldErrors
    {
        var errors = FieldErrors()
        if patterns.count > mostRules { errors.append(.tooMany(path, actual: patterns.count, limit: mostRules)) }
        for (index, pattern) in patterns.enumerated() {
            errors += Rule.qualifiedName(pattern.type, path.index(index).child("type"))
            errors += Rule.choice(pattern.status, ["False", "True", "Unknown"], path.index(index).child("status"))
        }
        return errors
    }

    // MARK: - Success

    func validateSuccessPolicy(_ policy: SuccessPolicy, _ path: FieldPath) -> FieldErrors {
        guard completionMode == "Indexed" else {
            return [.invalid(path, policy, "requires indexed completion mode")]
        }
        let rules: FieldPath = path.child("rules")
        if policy.rules.isEmpty {
            return [.required(rules, "at least one rules must be specified when the successPolicy is specified")]
        }
        var errors = FieldErrors()
        if policy.rules.count > Self.mostRules {
            errors.append(.tooMany(rules, actual: policy.rules.count, limit: Self.mostRules))
        }
        for (index, rule) in policy.rules.enumerated() { errors += validate(rule, rules.index(index)) }
        return errors
    }

    private func validate(_ rule: SuccessPolicyRule, _ path: FieldPath) -> FieldErrors {
        let all: Int = completions ?? 0
        var errors = FieldErrors()
        if rule.succeededCount == nil, rule.succeededIndexes == nil {
            errors.append(.required(path, "at least one of succeededCount or succeededIndexes must be specified"))
        }
        var named: Int?
        if let indexes = rule.succeededIndexes {
            let field: FieldPath = path.child("succeededIndexes")
            if indexes.utf8.count > Self.longestIndexes { errors.append(.tooLong(field, limit: Self.longestIndexes)) }
            switch Self.count(indexes: indexes, below: all) {
            case .success(let count): named = count
            case .failure(let fault):
                errors.append(.invalid(field, indexes, "error parsing succeededIndexes: \(fault.text)"))
            }
        }
        guard let count = rule.succeededCount else { return errors }
        let field: FieldPath = path.child("succeededCount")
        errors += Validation.nonNegative(count, at: field)
        if count > all {
            let text: String = "must be less than or equal to \(all) (the number of specified completions)"
            errors.append(.invalid(field, count, text))
        }
        if let named, count > named {
            let text: String =
                "must be less than or equal to \(named) (the number of indexes in the specified succeededIndexes field)"
            errors.append(.invalid(field, count, text))
        }
        return errors
    }

    private struct IndexFault: Error {
        var text: String
    }

    /// How many indexes `1,3-5` names, which must rise and stay below `limit`.
    private static func count(indexes: String, below limit: Int) -> Result<Int, IndexFault> {
        if indexes.isEmpty { return .success(0) }
        var total: Int = 0
        var last: Int?
        for interval in indexes.split(separator: ",", omittingEmptySubsequences: false) {
            let parts: [Substring] = interval.split(separator: "-", omittingEmptySubsequences: false)
            if parts.count > 2 {
                let text: String =
                    "the fragment \"\(interval)\" violates the requirement that an index interval can "
                    + "have at most two parts separated by '-'"
                return .failure(IndexFault(text: text))
            }
            var numbers: [Int] = []
            for part in parts {
                guard let number = Int(part) else {
                    let text: String = "cannot convert string to integer for index: \"\(part)\""
                    return .failure(IndexFault(text: text))
                }
                if number >= limit {
                    return .failure(IndexFault(text: "too large index: \"\(part)\""))
                }
                numbers.append(number)
            }
            let (first, end): (Int, Int) = (numbers[0], numbers[numbers.count - 1])
            if let last, last >= first {
                return .failure(IndexFault(text: "non-increasing order, previous: \(last), current: \(first)"))
            }
            if numbers.count == 2, first >= end {
                return .failure(IndexFault(text: "non-increasing order, previous: \(first), current: \(end)"))
            }
            total += end - first + 1
            last = end
        }
        return .success(total)
    }
}
