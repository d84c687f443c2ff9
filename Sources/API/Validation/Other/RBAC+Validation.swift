package import APIMachinery
package import APIRBAC
import Codec

private enum RBACRules {
    static let group = "rbac.authorization.k8s.io"

    static func rules(_ rules: [PolicyRule], isNamespaced: Bool) -> FieldErrors {
        var errors = FieldErrors()
        for (index, rule) in rules.enumerated() {
            errors += self.rule(rule, isNamespaced: isNamespaced, FieldPath("rules").index(index))
        }
        return errors
    }

    private static func rule(_ rule: PolicyRule, isNamespaced: Bool, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        if rule.verbs.isEmpty { errors.append(.required(path.child("verbs"), "verbs must contain at least one value")) }
        if !rule.nonResourceURLs.isEmpty {
            let field: FieldPath = path.child("nonResourceURLs")
            if isNamespaced {
                let text: String = "namespaced rules cannot apply to non-resource URLs"
                errors.append(.invalid(field, rule.nonResourceURLs, text))
            }
            if !rule.apiGroups.isEmpty || !rule.resources.isEmpty || !rule.resourceNames.isEmpty {
                let text: String = "rules cannot apply to both regular resources and non-resource URLs"
                errors.append(.invalid(field, rule.nonResourceURLs, text))
            }
            return errors
        }
        if rule.apiGroups.isEmpty {
            errors.append(.required(path.child("apiGroups"), "resource rules must supply at least one api group"))
        }
        if rule.resources.isEmpty {
            errors.append(.required(path.child("resources"), "resource rules must supply at least one resource"))
        }
        return errors
    }

    static func binding(_ role: RoleRef, _ subjects: [Subject], roleKinds: [String]) -> FieldErrors {
        let path = FieldPath("roleRef")
        var errors: FieldErrors = Rule.oneOf(role.apiGroup, [group], path.child("apiGroup"))
        errors += Rule.oneOf(role.kind, roleKinds, path.child("kind"))
        if role.name.isEmpty {
            errors.append(.required(path.child("name")))
        } else {
            errors.append(path.child("name"), role.name, invalid: NameRules.pathSegment(role.name))
        }
        for (index, subject) in subjects.enumerated() {
            errors += self.subject(subject, FieldPath("subjects").index(index))
        }
        return errors
    }

    private static func subject(_ subject: Subject, _ path: FieldPath) -> FieldErrors {
        var errors: FieldErrors = Rule.required(subject.name, path.child("name"))
        switch subject.kind {
        case "ServiceAccount":
            if !subject.name.isEmpty { errors += Rule.subdomain(subject.name, path.child("name")) }
            errors += Rule.oneOf(subject.apiGroup, [""], path.child("apiGroup"))
            errors += Rule.required(subject.namespace, path.child("namespace"))
        case "User", "Group": errors += Rule.oneOf(subject.apiGroup, [group], path.child("apiGroup"))
        default:
            errors.append(.notSupported(path.child("kind"), subject.kind, ["ServiceAccount", "User", "Group"]))
        }
        return errors
    }

    static func sameRole(_ new: RoleRef, _ old: RoleRef) -> FieldErrors {
        new == old ? [] : [.invalid(FieldPath("roleRef"), new, "cannot change roleRef")]
    }
}

extension Role {
    package func validate() -> FieldErrors { RBACRules.rules(rules, isNamespaced: true) }
}

extension ClusterRole {
    package func validate() -> FieldErrors {
        var errors: FieldErrors = RBACRules.rules(rules, isNamespaced: false)
        if let aggregationRule {
            let path: FieldPath = FieldPath("aggregationRule").child("clusterRoleSelectors")
            if aggregationRule.clusterRoleSelectors.isEmpty {
                let text: String = "at least one clusterRoleSelector required if aggregationRule is non-nil"
                errors.append(.required(path, text))
            }
            for (index, selector) in aggregationRule.clusterRoleSelectors.enumerated() {
                errors += Validation.labelSelector(selector, at: path.index(index))
            }
        }
        return errors
    }
}

extension RoleBinding {
    package func validate() -> FieldErrors {
        RBACRules.binding(roleRef, subjects, roleKinds: ["Role", "ClusterRole"])
    }

    package func validateUpdate(of old: RoleBinding) -> FieldErrors {
        var errors: FieldErrors = validate()
        errors += RBACRules.sameRole(roleRef, old.roleRef)
        return errors
    }
}

extension ClusterRoleBinding {
    package func validate() -> FieldErrors { RBACRules.binding(roleRef, subjects, roleKinds: ["ClusterRole"]) }

    package func validateUpdate(of old: ClusterRoleBinding) -> FieldErrors {
        var errors: FieldErrors = validate()
        errors += RBACRules.sameRole(roleRef, old.roleRef)
        return errors
    }
}
