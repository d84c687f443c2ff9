import APICore
import APIMachinery
import Codec

/// Where a pod may run: affinities, selectors of nodes, tolerations, spreading.
enum SchedulingRules {
    static func affinity(_ affinity: Affinity, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if let node = affinity.nodeAffinity {
            let field: FieldPath = path.child("nodeAffinity")
            if let selector = node.requiredDuringSchedulingIgnoredDuringExecution {
                errors += nodeSelector(selector, field.child(required))
            }
            for (index, term) in node.preferredDuringSchedulingIgnoredDuringExecution.enumerated() {
                let place: FieldPath = field.child(preferred).index(index)
                errors += weight(term.weight, place)
                errors += nodeSelectorTerm(term.preference, place.child("preference"))
            }
        }
        if let pod = affinity.podAffinity {
            errors += podTerms(
                pod.requiredDuringSchedulingIgnoredDuringExecution,
                pod.preferredDuringSchedulingIgnoredDuringExecution, path.child("podAffinity"))
        }
        if let pod = affinity.podAntiAffinity {
            errors += podTerms(
                pod.requiredDuringSchedulingIgnoredDuringExecution,
                pod.preferredDuringSchedulingIgnoredDuringExecution, path.child("podAntiAffinity"))
        }
        return errors
    }

    private static let required = "requiredDuringSchedulingIgnoredDuringExecution"
    private static let preferred = "preferredDuringSchedulingIgnoredDuringExecution"

    private static func weight(_ weight: Int, _ path: FieldPath) -> FieldErrors {
        weight < 1 || weight > 100 ? [.invalid(path.child("weight"), weight, "must be in the range 1-100")] : []
    }

    static func nodeSelector(_ selector: NodeSelector, _ path: FieldPath) -> FieldErrors {
        let field: FieldPath = path.child("nodeSelectorTerms")
        if selector.nodeSelectorTerms.isEmpty {
            return [.required(field, "must have at least one node selector term")]
        }
        var errors = FieldErrors()
        for (index, term) in selector.nodeSelectorTerms.enumerated() {
            errors += nodeSelectorTerm(term, field.index(index))
        }
        return errors
    }

    private static func nodeSelectorTerm(_ term: NodeSelectorTerm, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, requirement) in term.matchExpressions.enumerated() {
            errors += nodeRequirement(requirement, path.child("matchExpressions").index(index))
        }
        for (index, requirement) in term.matchFields.enumerated() {
            errors += nodeField(requirement, path.child("matchFields").index(index))
        }
        return errors
    }

    private static func nodeRequirement(_ requirement: NodeSelectorRequirement, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let values: FieldPath = path.child("values")
        switch requirement.operator {
        case "In", "NotIn":
            if requirement.values.isEmpty {
                errors.append(.required(values, "must be specified when `operator` is 'In' or 'NotIn'"))
            }
        case "Exists", "DoesNotExist":
            if !requirement.values.isEmpty {
                errors.append(.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
            }
        case "Gt", "Lt":
            if requirement.values.count != 1 {
                errors.append(.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
            }
        default:
            errors.append(.invalid(path.child("operator"), requirement.operator, "not a valid selector operator"))
        }
        errors += Rule.qualifiedName(requirement.key, path.child("key"))
        for (index, value) in requirement.values.enumerated() {
            errors.append(values.index(index), value, invalid: NameRules.labelValue(value))
        }
        return errors
    }

    private static func nodeField(_ requirement: NodeSelectorRequirement, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        switch requirement.operator {
        case "In", "NotIn":
            if requirement.values.count != 1 {
                let text: String = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
                errors.append(.required(path.child("values"), text))
            }
        default:
            errors.append(.invalid(path.child("operator"), requirement.operator, "not a valid selector operator"))
        }
        if requirement.key != "metadata.name" {
            errors.append(.invalid(path.child("key"), requirement.key, "not a valid field selector key"))
        } else {
            for (index, value) in requirement.values.enumerated() {
                errors += Rule.subdomain(value, path.child("values").index(index))
            }
        }
        return errors
    }

    private static func podTerms(_ hard: [PodAffinityTerm], _ soft: [WeightedPodAffinityTerm], _ path: FieldPath)
        -> FieldErrors
    {
        var errors = FieldErrors()
        for (index, term) in hard.enumerated() { errors += podTerm(term, path.child(required).index(index)) }
        for (index, term) in soft.enumerated() {
            let place: FieldPath = path.child(preferred).index(index)
            errors += weight(term.weight, place)
            errors += podTerm(term.podAffinityTerm, place.child("podAffinityTerm"))
        }
        return errors
    }

    private static func podTerm(_ term: PodAffinityTerm, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Validation.labelSelector(term.labelSelector, at: path.child("labelSelector"))
        errors += Validation.labelSelector(term.namespaceSelector, at: path.child("namespaceSelector"))
        for name in term.namespaces { errors += Rule.label(name, path.child("namespace")) }
        errors += labelKeys(
            term.matchLabelKeys, term.labelSelector, path.child("matchLabelKeys"), others: term.mismatchLabelKeys)
        errors += labelKeys(term.mismatchLabelKeys, term.labelSelector, path.child("mismatchLabelKeys"), others: [])
        errors += topologyKey(term.topologyKey, path.child("topologyKey"))
        return errors
    }

    private static func topologyKey(_ key: String, _ path: FieldPath) -> FieldErrors {
        key.isEmpty ? [.required(path, "can not be empty")] : Rule.qualifiedName(key, path)
    }

    private static func labelKeys(_ keys: [String], _ selector: LabelSelector?, _ path: FieldPath, others: [String])
        -> FieldErrors
    {
        if keys.isEmpty { return [] }
        var errors = FieldErrors()
        if selector == nil {
            errors.append(.forbidden(path, "must not be specified when labelSelector is not set"))
        }
        for (index, key) in keys.enumerated() {
            errors += Rule.qualifiedName(key, path.index(index))
            if others.contains(key) {
                errors.append(.invalid(path.index(index), key, "exists in both matchLabelKeys and mismatchLabelKeys"))
            }
        }
        return errors
    }

    // MARK: - Tolerations

    static let taintEffects: [String] = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

    package static func tolerations(_ tolerations: [Toleration], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for (index, toleration) in tolerations.enumerated() {
            errors += self.toleration(toleration, path.index(index))
        }
        return errors
    }

    private static func toleration(_ toleration: Toleration, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if !toleration.key.isEmpty { errors += Rule.qualifiedName(toleration.key, path.child("key")) }
        if toleration.key.isEmpty, toleration.operator != "Exists" {
            let text: String =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\""
            errors.append(.invalid(path.child("operator"), toleration.operator, text))
        }
        if toleration.tolerationSeconds != nil, toleration.effect != "NoExecute" {
            let text: String = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            errors.append(.invalid(path.child("effect"), toleration.effect, text))
        }
        switch toleration.operator {
        case "Equal", "":
            let messages: [String] = NameRules.labelValue(toleration.value)
            if !messages.isEmpty {
                errors.append(
                    .invalid(path.child("operator"), toleration.value, messages.joined(separator: ";")))
            }
        case "Exists":
            if !toleration.value.isEmpty {
                let text: String = "value must be empty when `operator` is 'Exists'"
                errors.append(.invalid(path.child("operator"), toleration, text))
            }
        default:
            errors.append(.notSupported(path.child("operator"), toleration.operator, ["Equal", "Exists"]))
        }
        if !toleration.effect.isEmpty { errors += Rule.oneOf(toleration.effect, taintEffects, path.child("effect")) }
        return errors
    }

    // MARK: - Spreading

    static func spreading(_ constraints: [TopologySpreadConstraint], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var seen: Set<String> = []
        for (index, constraint) in constraints.enumerated() {
            let place: FieldPath = path.index(index)
            if constraint.maxSkew <= 0 {
                errors.append(.invalid(place.child("maxSkew"), constraint.maxSkew, "must be greater than zero"))
            }
            errors += topologyKey(constraint.topologyKey, place.child("topologyKey"))
            errors += Rule.oneOf(
                constraint.whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"], place.child("whenUnsatisfiable"))
            let pair: String = "{\(constraint.topologyKey), \(constraint.whenUnsatisfiable)}"
            if !seen.insert(pair).inserted {
                errors.append(.duplicate(place.child("{topologyKey, whenUnsatisfiable}"), pair))
            }
            if let domains = constraint.minDomains {
                if domains <= 0 {
                    errors.append(.invalid(place.child("minDomains"), domains, "must be greater than zero"))
                }
                if constraint.whenUnsatisfiable != "DoNotSchedule" {
                    let text: String =
                        "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
                    errors.append(.invalid(place.child("minDomains"), domains, text))
                }
            }
            let policies: [String] = ["Honor", "Ignore"]
            errors += Rule.optionalChoice(constraint.nodeAffinityPolicy, policies, place.child("nodeAffinityPolicy"))
            errors += Rule.optionalChoice(constraint.nodeTaintsPolicy, policies, place.child("nodeTaintsPolicy"))
            errors += labelKeys(
                constraint.matchLabelKeys, constraint.labelSelector, place.child("matchLabelKeys"), others: [])
            errors += Validation.labelSelector(constraint.labelSelector, at: place.child("labelSelector"))
        }
        return errors
    }
}
