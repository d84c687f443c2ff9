package import APIFlowControl
package import APIMachinery
import Codec

extension FlowSchema {
    private static let lastPrecedence = 10_000

    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = validatePrecedence(path.child("matchingPrecedence"))
        if let method = spec.distinguisherMethod {
            errors += Rule.oneOf(
                method.type, ["ByNamespace", "ByUser"], path.child("distinguisherMethod").child("type"))
        }
        let level: FieldPath = path.child("priorityLevelConfiguration").child("name")
        if spec.priorityLevelConfiguration.name.isEmpty {
            errors.append(.required(level, "must reference a priority level"))
        } else {
            errors += Rule.subdomain(spec.priorityLevelConfiguration.name, level)
        }
        for (index, rule) in spec.rules.enumerated() { errors += rule.validate(path.child("rules").index(index)) }
        if let fixed = FlowControlPresets.mandatorySchema(metadata.name), fixed.spec != spec {
            errors.append(.invalid(path, spec, "spec of '\(metadata.name)' must equal the fixed value"))
        }
        return errors + validateStatus()
    }

    private func validatePrecedence(_ path: FieldPath) -> FieldErrors {
        let precedence: Int = spec.matchingPrecedence
        var errors = FieldErrors()
        if precedence <= 0 { errors.append(.invalid(path, precedence, "must be a positive value")) }
        if precedence > Self.lastPrecedence {
            errors.append(.invalid(path, precedence, "must not be greater than \(Self.lastPrecedence)"))
        }
        if precedence == 1, metadata.name != FlowControlPresets.exempt {
            let text: String = "only the schema named 'exempt' may have matchingPrecedence 1"
            errors.append(.invalid(path, precedence, text))
        }
        return errors
    }

    package func validateStatus() -> FieldErrors {
        FlowControlRules.conditions(status.conditions.map { $0.type })
    }
}

extension PolicyRulesWithSubjects {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if subjects.isEmpty {
            errors.append(.required(path.child("subjects"), "subjects must contain at least one value"))
        }
        for (index, subject) in subjects.enumerated() {
            errors += subject.validate(path.child("subjects").index(index))
        }
        if resourceRules.isEmpty, nonResourceRules.isEmpty {
            let text: String = "at least one of resourceRules and nonResourceRules has to be non-empty"
            errors.append(.required(path, text))
        }
        for (index, rule) in resourceRules.enumerated() {
            errors += rule.validate(path.child("resourceRules").index(index))
        }
        for (index, rule) in nonResourceRules.enumerated() {
            errors += rule.validate(path.child("nonResourceRules").index(index))
        }
        return errors
    }
}

extension Subject {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        switch kind {
        case "ServiceAccount": errors += validateServiceAccount(path.child("serviceAccount"))
        case "User": errors += Self.named(user?.name, "user", kind, path.child("user"))
        case "Group": errors += Self.named(group?.name, "group", kind, path.child("group"))
        default: return [.notSupported(path.child("kind"), kind, ["Group", "ServiceAccount", "User"])]
        }
        if kind != "ServiceAccount", serviceAccount != nil {
            errors.append(Self.misplaced("serviceAccount", "ServiceAccount", path))
        }
        if kind != "User", user != nil { errors.append(Self.misplaced("user", "User", path)) }
        if kind != "Group", group != nil { errors.append(Self.misplaced("group", "Group", path)) }
        return errors
    }

    private static func misplaced(_ field: String, _ kind: String, _ path: FieldPath) -> FieldError {
        .forbidden(path.child(field), "\(field) is forbidden when subject kind is not '\(kind)'")
    }

    private static func named(_ name: String?, _ field: String, _ kind: String, _ path: FieldPath) -> FieldErrors {
        guard let name else { return [.required(path, "\(field) is required when subject kind is '\(kind)'")] }
        return Rule.required(name, path.child("name"))
    }

    private func validateServiceAccount(_ path: FieldPath) -> FieldErrors {
        guard let account = serviceAccount else {
            return [.required(path, "serviceAccount is required when subject kind is 'ServiceAccount'")]
        }
        var errors = FieldErrors()
        if account.name.isEmpty {
            errors.append(.required(path.child("name")))
        } else if account.name != FlowControlRules.all {
            errors += Rule.subdomain(account.name, path.child("name"))
        }
        if account.namespace.isEmpty {
            errors.append(.required(path.child("namespace"), "must specify namespace for service account"))
        } else {
            errors += Rule.label(account.namespace, path.child("namespace"))
        }
        return errors
    }
}

extension NonResourcePolicyRule {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = FlowControlRules.verbs(verbs, path.child("verbs"))
        let field: FieldPath = path.child("nonResourceURLs")
        if nonResourceURLs.isEmpty {
            errors.append(.required(field, "nonResourceURLs must contain at least one value"))
        } else if nonResourceURLs.contains(FlowControlRules.all) {
            errors += FlowControlRules.alone(nonResourceURLs, "non-resource URLs", field)
        } else {
            for (index, url) in nonResourceURLs.enumerated() { errors += Self.validate(url: url, field.index(index)) }
        }
        return errors
    }

    private static func validate(url: String, _ path: FieldPath) -> FieldErrors {
        if url.isEmpty { return [.invalid(path, url, "must not be empty")] }
        if url == "/" { return [] }
        if !url.hasPrefix("/") { return [.invalid(path, url, "must start with slash")] }
        if url.contains(" ") { return [.invalid(path, url, "must not contain white-space")] }
        if url.contains("//") { return [.invalid(path, url, "must not contain double slash")] }
        let stars: Int = url.utf8.count { $0 == UInt8(ascii: "*") }
        if stars > 1 || stars == 1 && !url.hasSuffix("/*") {
            return [.invalid(path, url, "wildcard can only do suffix matching")]
        }
        return []
    }
}

extension ResourcePolicyRule {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = FlowControlRules.verbs(verbs, path.child("verbs"))
        if apiGroups.isEmpty {
            errors.append(.required(path.child("apiGroups"), "resource rules must supply at least one api group"))
        }
        errors += FlowControlRules.alone(apiGroups, "api groups", path.child("apiGroups"))
        if resources.isEmpty {
            errors.append(.required(path.child("resources"), "resource rules must supply at least one resource"))
        }
        errors += FlowControlRules.alone(resources, "resources", path.child("resources"))
        let field: FieldPath = path.child("namespaces")
        if namespaces.isEmpty, !clusterScope {
            let text: String = "resource rules that are not cluster scoped must supply at least one namespace"
            errors.append(.required(field, text))
        } else if namespaces.contains(FlowControlRules.all) {
            errors += FlowControlRules.alone(namespaces, "namespaces", field)
        } else {
            for (index, namespace) in namespaces.enumerated() {
                let messages: [String] = NameRules.dns1123Label(namespace).map {
                    "each member of this list must be '*' or a DNS-1123 label; " + $0
                }
                errors += Rule.messages(messages, namespace, field.index(index))
            }
        }
        return errors
    }
}

/// What schemas and levels share.
enum FlowControlRules {
    static let all = "*"

    /// Sorted, as upstream names them.
    private static let knownVerbs: [String] = [
        "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch",
    ]

    static func verbs(_ verbs: [String], _ path: FieldPath) -> FieldErrors {
        if verbs.isEmpty { return [.required(path, "verbs must contain at least one value")] }
        if verbs.contains(all) { return alone(verbs, "verbs", path) }
        return verbs.allSatisfy { knownVerbs.contains($0) } ? [] : [.notSupported(path, verbs, knownVerbs)]
    }

    /// A star stands alone.
    static func alone(_ values: [String], _ what: String, _ path: FieldPath) -> FieldErrors {
        guard values.count > 1, values.contains(all) else { return [] }
        return [.invalid(path, values, "if '*' is present, must not specify other \(what)")]
    }

    static func conditions(_ types: [String]) -> FieldErrors {
        var errors = FieldErrors()
        var seen: Set<String> = []
        for (index, type) in types.enumerated() {
            let path: FieldPath = FieldPath("status").child("conditions").index(index).child("type")
            if !seen.insert(type).inserted { errors.append(.duplicate(path, type)) }
            errors += Rule.required(type, path, "must not be empty")
        }
        return errors
    }
}
