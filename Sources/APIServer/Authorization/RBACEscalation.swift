package import APIMachinery
import APIRBAC

/// Nobody may give what he has not: roles and bindings may grant only what their author is allowed himself, unless
/// he holds the verbs `escalate` and `bind`. Must be the last plugin of the mutating phase, as upstream checks behind it.
package struct RBACEscalation: AdmissionPlugin {
    private let rbac: RBACAuthorizer
    private let authorizer: any Authorizer

    /// - Parameter authorizer: the whole of them, asked for the verbs `escalate` and `bind`.
    package init(rbac: RBACAuthorizer, authorizer: any Authorizer) {
        self.rbac = rbac
        self.authorizer = authorizer
    }

    package let name = "RBACEscalation"

    private static let everything: [PolicyRule] = [
        PolicyRule.with {
            $0.verbs = ["*"]
            $0.apiGroups = ["*"]
            $0.resources = ["*"]
        },
        PolicyRule.with {
            $0.verbs = ["*"]
            $0.nonResourceURLs = ["*"]
        },
    ]

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.info.gvr.group == "rbac.authorization.k8s.io" && attributes.subresource.isEmpty
            && (attributes.operation == .create || attributes.operation == .update)
            && !attributes.user.groups.contains(UserInfo.mastersGroup)
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        if let role = attributes.object(as: Role.self) {
            try check(role, attributes) { $0.rules }
        } else if let role = attributes.object(as: ClusterRole.self) {
            try check(role, attributes) { $0.rules }
            try checkAggregation(role, attributes)
        } else if let binding = attributes.object(as: RoleBinding.self) {
            try check(binding, attributes, binding.roleRef)
        } else if let binding = attributes.object(as: ClusterRoleBinding.self) {
            try check(binding, attributes, binding.roleRef)
        }
    }

    // MARK: - Roles

    private func mayEscalate(_ attributes: AdmissionAttributes) -> Bool {
        let context: RequestContext = attributes.context
        return isAllowed(
            AuthorizationAttributes(
                user: attributes.user, verb: "escalate", group: context.resource.group, version: "*",
                resource: context.resource.resource, namespace: context.namespace, name: context.name))
    }

    private func check<Object: APIObject>(
        _ object: Object, _ attributes: AdmissionAttributes, rules: (Object) -> [PolicyRule]
    ) throws(StatusError) {
        if mayEscalate(attributes) || Self.changesOnlyOwnership(object, attributes) { return }
        try confirm(rules(object), attributes, object.metadata.name)
    }

    private func checkAggregation(_ role: ClusterRole, _ attributes: AdmissionAttributes) throws(StatusError) {
        let old: ClusterRole? = attributes.oldObject(as: ClusterRole.self)
        let isAggregated: Bool = role.isAggregated || (old?.isAggregated ?? false)
        guard isAggregated, !mayEscalate(attributes), !Self.changesOnlyOwnership(role, attributes) else { return }
        let held: ResolvedRules = rbac.rules(for: attributes.user, namespace: "")
        guard RuleCover.missing(from: held.rules, wanted: Self.everything).isEmpty else {
            throw .forbidden(
                attributes.info.gvr, role.metadata.name,
                "must have cluster-admin privileges to use the aggregationRule")
        }
    }

    // MARK: - Bindings

    private func check<Object: APIObject>(_ binding: Object, _ attributes: AdmissionAttributes, _ role: RoleRef)
        throws(StatusError)
    {
        if mayBind(role, attributes) || Self.changesOnlyOwnership(binding, attributes) { return }
        let namespace: String = attributes.namespace
        guard let rules = rbac.rules(of: role, namespace: namespace) else {
            let resource: String = role.kind == "Role" ? "role" : "clusterrole"
            throw .notFound(
                GroupVersionResource(group: attributes.info.gvr.group, version: "", resource: resource), role.name)
        }
        try confirm(rules, attributes, binding.metadata.name)
    }

    private func mayBind(_ role: RoleRef, _ attributes: AdmissionAttributes) -> Bool {
        let resource: String
        switch role.kind {
        case "ClusterRole": resource = "clusterroles"
        case "Role": resource = "roles"
        default: return false
        }
        return isAllowed(
            AuthorizationAttributes(
                user: attributes.user, verb: "bind", group: role.apiGroup, version: "*", resource: resource,
                namespace: attributes.namespace, name: role.name))
    }

    // MARK: - Common

    private func isAllowed(_ attributes: AuthorizationAttributes) -> Bool {
        if case .allow = authorizer.authorize(attributes) { return true }
        return false
    }

    /// What the garbage collector must be able to change, whatever the rest of the object says.
    private static func changesOnlyOwnership<Object: APIObject>(_ object: Object, _ attributes: AdmissionAttributes)
        -> Bool
    {
        guard let old = attributes.oldObject(as: Object.self) else { return false }
        var same: Object = object
        same.metadata.ownerReferences = old.metadata.ownerReferences
        same.metadata.finalizers = old.metadata.finalizers
        same.metadata.managedFields = old.metadata.managedFields
        same.metadata.resourceVersion = old.metadata.resourceVersion
        return same == old
    }

    private func confirm(_ wanted: [PolicyRule], _ attributes: AdmissionAttributes, _ name: String)
        throws(StatusError)
    {
        let user: UserInfo = attributes.user
        let held: ResolvedRules = rbac.rules(for: user, namespace: attributes.namespace)
        let missing: [PolicyRule] = RuleCover.missing(from: held.rules, wanted: wanted)
        guard !missing.isEmpty else { return }
        let texts: [String] = Set(RuleCover.compacted(missing).map { RuleCover.text($0) }).sorted()
        var message: String =
            "user \(GoText.quoted(user.name)) (groups=\(RuleCover.list(user.groups))) is attempting to grant RBAC "
            + "permissions not currently held:\n" + texts.joined(separator: "\n")
        if !held.errors.isEmpty {
            message += "; resolution errors: [\(RBACIndex.aggregate(held.errors))]"
        }
        throw .forbidden(attributes.info.gvr, name, message)
    }
}

extension ClusterRole {
    fileprivate var isAggregated: Bool { !(aggregationRule?.clusterRoleSelectors.isEmpty ?? true) }
}
