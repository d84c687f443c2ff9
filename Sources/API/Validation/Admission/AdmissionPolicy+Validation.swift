package import APIAdmissionRegistration
package import APIMachinery
import Codec

extension ValidatingAdmissionPolicy {
    private static let mostAnnotations = 20

    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors: FieldErrors = Rule.choice(
            spec.failurePolicy ?? "", ["Fail", "Ignore"], path.child("failurePolicy"))
        if let kind = spec.paramKind { errors += kind.validate(path.child("paramKind")) }
        if let constraints = spec.matchConstraints {
            errors += constraints.validate(path.child("matchConstraints"))
            if constraints.resourceRules.isEmpty {
                errors.append(.required(path.child("matchConstraints").child("resourceRules")))
            }
        } else {
            errors.append(.required(path.child("matchConstraints")))
        }
        errors += AdmissionRules.conditions(spec.matchConditions, path.child("matchConditions"))
        for (index, variable) in spec.variables.enumerated() {
            errors += variable.validate(path.child("variables").index(index))
        }
        if spec.validations.isEmpty, spec.auditAnnotations.isEmpty {
            let text: String = "validations or auditAnnotations must contain at least one item"
            errors.append(.required(path.child("validations"), text))
            errors.append(.required(path.child("auditAnnotations"), text))
        }
        for (index, validation) in spec.validations.enumerated() {
            errors += validation.validate(path.child("validations").index(index))
        }
        return errors + validateAnnotations(path.child("auditAnnotations"))
    }

    private func validateAnnotations(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if spec.auditAnnotations.count > Self.mostAnnotations {
            let text: String = "must not have more than \(Self.mostAnnotations) auditAnnotations"
            errors.append(.invalid(path, spec.auditAnnotations, text))
        }
        var seen: Set<String> = []
        for (index, annotation) in spec.auditAnnotations.enumerated() {
            let field: FieldPath = path.index(index)
            if metadata.name.isEmpty {
                errors.append(.invalid(field.child("key"), annotation.key, "requires metadata.name be non-empty"))
            } else {
                errors += Rule.qualifiedName(metadata.name + "/" + annotation.key, field.child("key"))
            }
            if AdmissionRules.isBlank(annotation.valueExpression) {
                errors.append(.required(field.child("valueExpression"), "valueExpression is not specified"))
            }
            if !seen.insert(annotation.key).inserted {
                errors.append(.duplicate(field.child("key"), annotation.key))
            }
        }
        return errors
    }

    package func validateStatus() -> FieldErrors {
        let path = FieldPath("status")
        var errors = FieldErrors()
        for (index, warning) in (status.typeChecking?.expressionWarnings ?? []).enumerated() {
            let field: FieldPath = path.child("typeChecking").child("expressionWarnings").index(index)
            errors += Rule.required(warning.warning, field.child("warning"))
            errors += Rule.required(warning.fieldRef, field.child("fieldRef"))
        }
        return errors + APIMachinery.Validation.conditions(status.conditions, at: path.child("conditions"))
    }
}

extension ValidatingAdmissionPolicyBinding {
    package func validate() -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if spec.policyName.isEmpty {
            errors.append(.required(path.child("policyName")))
        } else {
            errors += Rule.subdomain(spec.policyName, path.child("policyName"))
        }
        if let reference = spec.paramRef { errors += reference.validate(path.child("paramRef")) }
        // The path is misspelt upstream too.
        if let matches = spec.matchResources { errors += matches.validate(path.child("matchResouces")) }
        return errors + validateActions(path.child("validationActions"))
    }

    private func validateActions(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var seen: Set<String> = []
        for (index, action) in spec.validationActions.enumerated() {
            errors += Rule.oneOf(action, ["Audit", "Deny", "Warn"], path.index(index))
            if !seen.insert(action).inserted { errors.append(.duplicate(path.index(index), action)) }
        }
        if seen.contains("Deny"), seen.contains("Warn") {
            let text: String =
                "must not contain both Deny and Warn (repeating the same validation failure information in the API "
                + "response and headers serves no purpose)"
            errors.append(.invalid(path, spec.validationActions, text))
        }
        if seen.isEmpty { errors.append(.required(path, "at least one validation action is required")) }
        return errors
    }
}

extension ParamKind {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        let parts: [Substring] = apiVersion.split(separator: "/", omittingEmptySubsequences: false)
        if apiVersion.isEmpty {
            errors.append(.required(path.child("apiVersion")))
        } else if parts.count > 2 {
            let text: String = "unexpected GroupVersion string: \(apiVersion)"
            errors.append(.invalid(path.child("apiVersion"), apiVersion, text))
        } else {
            let group: String = parts.count == 2 ? String(parts[0]) : ""
            let version = String(parts[parts.count - 1])
            if !group.isEmpty { errors += Self.joined(NameRules.dns1123Subdomain(group), group, path) }
            if version.isEmpty {
                errors.append(.invalid(path.child("apiVersion"), apiVersion, "version must be specified"))
            } else {
                errors += Self.joined(NameRules.dns1035Label(version), version, path)
            }
        }
        if kind.isEmpty {
            errors.append(.required(path.child("kind")))
        } else {
            let messages: [String] = NameRules.dns1035Label(kind.lowercased())
            if !messages.isEmpty {
                let text: String =
                    "may have mixed case, but should otherwise match: " + messages.joined(separator: ",")
                errors.append(.invalid(path.child("kind"), kind, text))
            }
        }
        return errors
    }

    private static func joined(_ messages: [String], _ value: String, _ path: FieldPath) -> FieldErrors {
        if messages.isEmpty { return [] }
        return [.invalid(path.child("apiVersion"), value, messages.joined(separator: ","))]
    }
}

extension ParamRef {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if !name.isEmpty {
            errors += Rule.messages(NameRules.pathSegment(name), name, path.child("name"))
            if selector != nil {
                errors.append(.forbidden(path.child("name"), "name and selector are mutually exclusive"))
                errors.append(.forbidden(path.child("selector"), "name and selector are mutually exclusive"))
            }
        }
        errors += APIMachinery.Validation.labelSelector(selector, at: path.child("selector"))
        if name.isEmpty, selector == nil {
            errors.append(.required(path, "one of name or selector must be specified"))
        }
        return errors
            + Rule.choice(parameterNotFoundAction ?? "", ["Allow", "Deny"], path.child("parameterNotFoundAction"))
    }
}

extension MatchResources {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.choice(matchPolicy ?? "", ["Equivalent", "Exact"], path.child("matchPolicy"))
        if let namespaceSelector {
            errors += APIMachinery.Validation.labelSelector(namespaceSelector, at: path.child("namespaceSelector"))
        } else {
            errors.append(.required(path.child("namespaceSelector")))
        }
        // Upstream names the field so.
        if let objectSelector {
            errors += APIMachinery.Validation.labelSelector(objectSelector, at: path.child("labelSelector"))
        } else {
            errors.append(.required(path.child("labelSelector")))
        }
        for (index, rule) in resourceRules.enumerated() {
            errors += rule.validate(path.child("resourceRules").index(index))
        }
        for (index, rule) in excludeResourceRules.enumerated() {
            errors += rule.validate(path.child("excludeResourceRules").index(index))
        }
        return errors
    }
}

extension NamedRuleWithOperations {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        var seen: Set<String> = []
        for (index, name) in resourceNames.enumerated() {
            let field: FieldPath = path.child("resourceNames").index(index)
            errors += Rule.messages(NameRules.pathSegment(name), name, field)
            if !seen.insert(name).inserted { errors.append(.duplicate(field, name)) }
        }
        let matches = AdmissionRules.Matches(
            operations: operations, apiGroups: apiGroups, apiVersions: apiVersions, resources: resources, scope: scope)
        return errors + AdmissionRules.rule(matches, path)
    }
}

extension Variable {
    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if name.isEmpty {
            errors.append(.required(path.child("name"), "name is not specified"))
        } else if !NameRules.cIdentifier(name).isEmpty {
            errors.append(.invalid(path.child("name"), name, "name is not a valid CEL identifier"))
        }
        if AdmissionRules.isBlank(expression) {
            errors.append(.required(path.child("expression"), "expression is not specified"))
        }
        return errors
    }
}

extension APIAdmissionRegistration.Validation {
    private static let reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"]

    fileprivate func validate(_ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if AdmissionRules.isBlank(expression) {
            errors.append(.required(path.child("expression"), "expression is not specified"))
        }
        if !messageExpression.isEmpty, AdmissionRules.isBlank(messageExpression) {
            errors.append(
                .invalid(path.child("messageExpression"), messageExpression, "must be non-empty if specified"))
        }
        if !message.isEmpty, AdmissionRules.isBlank(message) {
            errors.append(.invalid(path.child("message"), message, "message must be non-empty if specified"))
        } else if AdmissionRules.hasLineBreaks(message) {
            errors.append(.invalid(path.child("message"), message, "message must not contain line breaks"))
        } else if AdmissionRules.hasLineBreaks(expression), message.isEmpty {
            let text: String = "message must be specified if expression contains line breaks"
            errors.append(.required(path.child("message"), text))
        }
        return errors + Rule.optionalChoice(reason, Self.reasons, path.child("reason"))
    }
}
