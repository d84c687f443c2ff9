import APIAdmissionRegistration
import APIMachinery
import Codec

/// What webhooks and policies share: which requests they look at.
enum AdmissionRules {
    private static let operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"]
    private static let scopes = ["*", "Cluster", "Namespaced"]
    private static let mostConditions = 64

    /// The rules of either kind have the same fields.
    struct Matches {
        var operations: [String]
        var apiGroups: [String]
        var apiVersions: [String]
        var resources: [String]
        var scope: String?
    }

    static func rule(_ rule: Matches, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if rule.operations.isEmpty { errors.append(.required(path.child("operations"))) }
        errors += alone(rule.operations, "operations", path.child("operations"))
        for (index, operation) in rule.operations.enumerated() {
            errors += Rule.oneOf(operation, operations, path.child("operations").index(index))
        }
        if rule.apiGroups.isEmpty { errors.append(.required(path.child("apiGroups"))) }
        errors += alone(rule.apiGroups, "API groups", path.child("apiGroups"))
        if rule.apiVersions.isEmpty { errors.append(.required(path.child("apiVersions"))) }
        errors += alone(rule.apiVersions, "API versions", path.child("apiVersions"))
        for (index, version) in rule.apiVersions.enumerated() {
            errors += Rule.required(version, path.child("apiVersions").index(index))
        }
        errors += resources(rule.resources, path.child("resources"))
        errors += Rule.optionalChoice(rule.scope, scopes, path.child("scope"))
        return errors
    }

    private static func alone(_ values: [String], _ what: String, _ path: FieldPath) -> FieldErrors {
        guard values.count > 1, values.contains("*") else { return [] }
        return [.invalid(path, values, "if '*' is present, must not specify other \(what)")]
    }

    /// `pods`, `pods/log`, `pods/*`, `*/scale`, `*`, `*/*`.
    private static func resources(_ resources: [String], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if resources.isEmpty { errors.append(.required(path)) }
        var wholeResources: Set<Substring> = []
        var wholeSubresources: Set<Substring> = []
        var hasPlain: Bool = false
        for (index, text) in resources.enumerated() {
            if text.isEmpty {
                errors.append(.required(path.index(index)))
                continue
            }
            let parts: [Substring] = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                hasPlain = text != "*"
                continue
            }
            let (resource, subresource): (Substring, Substring) = (parts[0], parts[1])
            if wholeResources.contains(resource) {
                let detail: String = "if '\(resource)/*' is present, must not specify \(text)"
                errors.append(.invalid(path.index(index), text, detail))
            }
            if wholeSubresources.contains(subresource) {
                let detail: String = "if '*/\(subresource)' is present, must not specify \(text)"
                errors.append(.invalid(path.index(index), text, detail))
            }
            if subresource == "*" { wholeResources.insert(resource) }
            if resource == "*" { wholeSubresources.insert(subresource) }
        }
        if resources.count > 1, resources.contains("*/*") {
            errors.append(.invalid(path, resources, "if '*/*' is present, must not specify other resources"))
        }
        if hasPlain, resources.contains("*") {
            let text: String = "if '*' is present, must not specify other resources without subresources"
            errors.append(.invalid(path, resources, text))
        }
        return errors
    }

    /// The expressions themselves are compiled by who evaluates them.
    static func conditions(_ conditions: [MatchCondition], _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if conditions.count > mostConditions {
            errors.append(.tooMany(path, actual: conditions.count, limit: mostConditions))
        }
        var seen: Set<String> = []
        for (index, condition) in conditions.enumerated() {
            let field: FieldPath = path.index(index)
            if isBlank(condition.expression) { errors.append(.required(field.child("expression"))) }
            if condition.name.isEmpty {
                errors.append(.required(field.child("name")))
                continue
            }
            errors += Rule.qualifiedName(condition.name, field.child("name"))
            if !seen.insert(condition.name).inserted {
                errors.append(.duplicate(field.child("name"), condition.name))
            }
        }
        return errors
    }

    static func isBlank(_ text: String) -> Bool { text.allSatisfy { $0.isWhitespace } }
    static func hasLineBreaks(_ text: String) -> Bool { text.utf8.contains { $0 == 0x0A || $0 == 0x0D } }
}
