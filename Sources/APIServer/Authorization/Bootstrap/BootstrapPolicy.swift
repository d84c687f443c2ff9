import APICore
import APIMachinery
package import APIRBAC
import Codec

/// Upstream's default roles and bindings, and how they are kept.
///
/// What exists is added to, never cut: rules, subjects, labels and annotations of others stay. An object whose
/// annotation `rbac.authorization.kubernetes.io/autoupdate` is `false` is left alone.
package struct BootstrapPolicy: Sendable {
    static let autoUpdate: String = "rbac.authorization.kubernetes.io/autoupdate"

    package let clusterRoles: [ClusterRole]
    package let roles: [Role]
    package let clusterRoleBindings: [ClusterRoleBinding]
    package let roleBindings: [RoleBinding]

    package init() {
        let notation = BootstrapNotation([Self.roleText, Self.controllerText, Self.namespacedText])
        clusterRoles = notation.clusterRoles
        roles = notation.roles
        clusterRoleBindings = notation.clusterRoleBindings
        roleBindings = notation.roleBindings
    }

    /// What upstream lets all nodes do, as far as it does not depend on the node: the node authorizer's last word.
    package var nodeRules: [PolicyRule] {
        clusterRoles.first { $0.metadata.name == "system:node" }?.rules ?? []
    }

    // MARK: - What is missing from what is there

    /// The object to write instead of `existing` (nil: there is none); nil if nothing has to change.
    static func reconciled(_ wanted: ClusterRole, _ existing: ClusterRole?) -> ClusterRole? {
        guard let existing else { return wanted }
        guard !isProtected(existing.metadata) else { return nil }
        var result: ClusterRole = existing
        merge(wanted.metadata, into: &result.metadata)
        if let rule = wanted.aggregationRule {
            let selectors: [LabelSelector] = existing.aggregationRule?.clusterRoleSelectors ?? []
            let missing: [LabelSelector] = rule.clusterRoleSelectors.filter { !selectors.contains($0) }
            if !missing.isEmpty {
                result.aggregationRule = AggregationRule.with { $0.clusterRoleSelectors = selectors + missing }
            }
        } else {
            result.rules += RuleCover.missing(from: existing.rules, wanted: wanted.rules)
        }
        return result == existing ? nil : result
    }

    static func reconciled(_ wanted: Role, _ existing: Role?) -> Role? {
        guard let existing else { return wanted }
        guard !isProtected(existing.metadata) else { return nil }
        var result: Role = existing
        merge(wanted.metadata, into: &result.metadata)
        result.rules += RuleCover.missing(from: existing.rules, wanted: wanted.rules)
        return result == existing ? nil : result
    }

    static func reconciled(_ wanted: ClusterRoleBinding, _ existing: ClusterRoleBinding?) -> ClusterRoleBinding? {
        guard let existing else { return wanted }
        guard !isProtected(existing.metadata) else { return nil }
        var result: ClusterRoleBinding = existing
        merge(wanted.metadata, into: &result.metadata)
        result.roleRef = wanted.roleRef
        result.subjects += wanted.subjects.filter { !existing.subjects.contains($0) }
        return result == existing ? nil : result
    }

    static func reconciled(_ wanted: RoleBinding, _ existing: RoleBinding?) -> RoleBinding? {
        guard let existing else { return wanted }
        guard !isProtected(existing.metadata) else { return nil }
        var result: RoleBinding = existing
        merge(wanted.metadata, into: &result.metadata)
        result.roleRef = wanted.roleRef
        result.subjects += wanted.subjects.filter { !existing.subjects.contains($0) }
        return result == existing ? nil : result
    }

    private static func isProtected(_ metadata: ObjectMeta) -> Bool { metadata.annotations[autoUpdate] == "false" }

    /// Adds labels and annotations; what is there stays as it is.
    private static func merge(_ wanted: ObjectMeta, into metadata: inout ObjectMeta) {
        for (key, value) in wanted.labels where metadata.labels[key] == nil { metadata.labels[key] = value }
        for (key, value) in wanted.annotations where metadata.annotations[key] == nil {
            metadata.annotations[key] = value
        }
    }
}
