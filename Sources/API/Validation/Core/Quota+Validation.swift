package import APICore
package import APIMachinery
import Codec

extension ResourceQuota {
    private static let scopes: [String] = [
        "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
        "VolumeAttributesClass",
    ]

    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = Self.amounts(spec.hard, path.child("hard"))
        var seen: Set<String> = []
        for scope in spec.scopes {
            seen.insert(scope)
            if !Self.scopes.contains(scope) {
                errors.append(.invalid(path.child("scopes"), spec.scopes, "unsupported scope"))
            }
        }
        if seen.isSuperset(of: ["BestEffort", "NotBestEffort"])
            || seen.isSuperset(of: ["Terminating", "NotTerminating"])
        {
            errors.append(.invalid(path.child("scopes"), spec.scopes, "conflicting scopes"))
        }
        if let selector = spec.scopeSelector {
            let field: FieldPath = path.child("scopeSelector", "matchExpressions")
            for (index, requirement) in selector.matchExpressions.enumerated() {
                errors += Self.requirement(requirement, field.index(index))
            }
        }
        return errors
    }

    private static func requirement(_ requirement: ScopedResourceSelectorRequirement, _ path: FieldPath) -> FieldErrors
    {
        var errors = FieldErrors()
        if !scopes.contains(requirement.scopeName) {
            errors.append(.invalid(path.child("scopeName"), requirement.scopeName, "unsupported scope"))
        }
        let values: FieldPath = path.child("values")
        switch requirement.operator {
        case "In", "NotIn":
            if requirement.values.isEmpty {
                let text: String = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
                errors.append(.required(values, text))
            }
        case "Exists", "DoesNotExist":
            if !requirement.values.isEmpty {
                let text: String =
                    "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                errors.append(.invalid(values, requirement.values, text))
            }
        default:
            errors.append(.invalid(path.child("operator"), requirement.operator, "not a valid selector operator"))
        }
        return errors
    }

    private static func amounts(_ amounts: StringMap<Quantity>, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (name, amount) in amounts {
            errors += ResourceRules.quotaName(name, path.key(name))
            errors += ResourceRules.amount(amount, of: name, path.key(name))
        }
        return errors
    }

    package func validateUpdate(of old: ResourceQuota) -> FieldErrors {
        var errors: FieldErrors = validate()
        if Set(spec.scopes) != Set(old.spec.scopes) {
            let path: FieldPath = FieldPath("spec").child("scopes")
            errors.append(.invalid(path, spec.scopes, ObjectMeta.immutableMessage))
        }
        return errors
    }

    package func validateStatus() -> FieldErrors {
        var errors: FieldErrors = Self.amounts(status.hard, FieldPath("status").child("hard"))
        errors += Self.amounts(status.used, FieldPath("status").child("used"))
        return errors
    }
}

extension LimitRange {
    package func validate() -> FieldErrors {
        var errors = FieldErrors()
        var types: Set<String> = []
        for (index, item) in spec.limits.enumerated() {
            let path: FieldPath = FieldPath("spec").child("limits").index(index)
            let messages: [String] = NameRules.qualifiedName(item.type)
            errors.append(path.child("type"), item.type, invalid: messages)
            if messages.isEmpty, !item.type.contains("/"),
                !["Pod", "Container", "PersistentVolumeClaim"].contains(item.type)
            {
                let text: String = "must be a standard limit type or fully qualified"
                errors.append(.invalid(path.child("type"), item.type, text))
            }
            if !types.insert(item.type).inserted { errors.append(.duplicate(path.child("type"), item.type)) }
            errors += item.validate(at: path)
        }
        return errors
    }
}

extension LimitRangeItem {
    fileprivate func validate(at path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if type == "Pod" {
            let text: String = "may not be specified when `type` is 'Pod'"
            if !`default`.isEmpty { errors.append(.forbidden(path.child("default"), text)) }
            if !defaultRequest.isEmpty { errors.append(.forbidden(path.child("defaultRequest"), text)) }
        }
        if type == "PersistentVolumeClaim", min["storage"] == nil, max["storage"] == nil {
            let text: String = "either minimum or maximum storage value is required, but neither was provided"
            errors.append(.required(path.child("limits"), text))
        }
        var names: Set<String> = Set(max.keys)
        names.formUnion(min.keys)
        names.formUnion(`default`.keys)
        names.formUnion(defaultRequest.keys)
        names.formUnion(maxLimitRequestRatio.keys)
        for name in names.sorted() { errors += bounds(name, path) }
        return errors
    }

    private func bounds(_ name: String, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = ResourceRules.name(name, path.key(name))
        let (low, high): (Quantity?, Quantity?) = (min[name], max[name])
        let limit: Quantity? = `default`[name]
        let request: Quantity? = defaultRequest[name]
        func compare(
            _ left: Quantity?, _ leftName: String, _ right: Quantity?, _ rightName: String, at field: String,
            shown: Quantity?
        ) {
            guard let left, let right, left > right, let shown else { return }
            let text: String = "\(leftName) value \(left) is greater than \(rightName) value \(right)"
            errors.append(.invalid(path.child(field).key(name), shown.description, text))
        }
        compare(low, "min", high, "max", at: "min", shown: low)
        compare(low, "min", request, "default request", at: "defaultRequest", shown: request)
        compare(request, "default request", high, "max", at: "defaultRequest", shown: request)
        compare(request, "default request", limit, "default limit", at: "defaultRequest", shown: request)
        compare(low, "min", limit, "default", at: "default", shown: low)
        compare(limit, "default", high, "max", at: "default", shown: limit)
        if let ratio = maxLimitRequestRatio[name] {
            let field: FieldPath = path.child("maxLimitRequestRatio").key(name)
            if ratio < Quantity(1) {
                errors.append(.invalid(field, ratio.description, "ratio \(ratio) is less than 1"))
            }
            if let low, let high, !low.isZero {
                let allowed: Double = high.approximateDouble / low.approximateDouble
                if ratio.approximateDouble > allowed {
                    let text: String = "ratio \(ratio) is greater than max/min = \(allowed)"
                    errors.append(.invalid(field, ratio.description, text))
                }
            }
        }
        return errors
    }
}
