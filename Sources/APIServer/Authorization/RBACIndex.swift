import APIMachinery
package import APIRBAC

/// Roles and bindings, arranged so that a decision costs a few look-ups: by subject, then by role, then by resource.
///
/// A value: changed one object at a time, read without locks. Upstream's semantics, its texts too.
package struct RBACIndex: Sendable {
    /// A role that a binding gives to one subject.
    private struct Grant: Sendable {
        /// Key of the binding.
        let binding: String
        /// Key of the role.
        let role: String
        /// Why a request is allowed if the role allows it.
        let reason: String
    }

    private struct Grants: Sendable {
        var users: [String: [Grant]] = [:]
        var groups: [String: [Grant]] = [:]
        var isEmpty: Bool { users.isEmpty && groups.isEmpty }
    }

    /// Where the grants of a binding are.
    private struct Entry: Sendable {
        let namespace: String
        let users: [String]
        let groups: [String]
    }

    /// By `namespace/name`; cluster roles have an empty namespace.
    private var roles: [String: CompiledRole] = [:]
    private var entries: [String: Entry] = [:]
    private var cluster = Grants()
    private var namespaces: [String: Grants] = [:]

    package init() {}

    private static func key(_ namespace: String, _ name: String) -> String { namespace + "/" + name }

    // MARK: - Changing

    /// Nil rules: the role is gone. An empty namespace means a cluster role.
    package mutating func setRole(namespace: String, name: String, rules: [PolicyRule]?) {
        roles[Self.key(namespace, name)] = rules.map { CompiledRole($0) }
    }

    /// Forgets the roles, or the cluster roles.
    package mutating func removeRoles(ofCluster: Bool) {
        roles = roles.filter { $0.key.hasPrefix("/") != ofCluster }
    }

    package mutating func set(_ binding: ClusterRoleBinding) {
        let meta: ObjectMeta = binding.metadata
        set(Parts(namespace: "", name: meta.name, role: binding.roleRef, subjects: binding.subjects))
    }

    package mutating func set(_ binding: RoleBinding) {
        let meta: ObjectMeta = binding.metadata
        set(Parts(namespace: meta.namespace, name: meta.name, role: binding.roleRef, subjects: binding.subjects))
    }

    package mutating func removeBinding(namespace: String, name: String) {
        let key: String = Self.key(namespace, name)
        guard let entry = entries.removeValue(forKey: key) else { return }
        change(entry.namespace) { grants in
            for user in entry.users { Self.remove(key, from: &grants.users, user) }
            for group in entry.groups { Self.remove(key, from: &grants.groups, group) }
        }
    }

    /// Forgets the role bindings, or the cluster role bindings.
    package mutating func removeBindings(ofCluster: Bool) {
        entries = entries.filter { $0.value.namespace.isEmpty != ofCluster }
        if ofCluster { cluster = Grants() } else { namespaces = [:] }
    }

    private static func remove(_ binding: String, from table: inout [String: [Grant]], _ subject: String) {
        guard var grants = table.removeValue(forKey: subject) else { return }
        grants.removeAll { $0.binding == binding }
        if !grants.isEmpty { table[subject] = grants }
    }

    private mutating func change(_ namespace: String, _ body: (inout Grants) -> Void) {
        if namespace.isEmpty {
            body(&cluster)
        } else {
            body(&namespaces[namespace, default: Grants()])
            if namespaces[namespace]?.isEmpty ?? false { namespaces[namespace] = nil }
        }
    }

    private struct Parts {
        var namespace: String
        var name: String
        var role: RoleRef
        var subjects: [Subject]

        /// The role's key; one that no role has for kinds that there are not.
        var roleKey: String {
            switch role.kind {
            case "ClusterRole": RBACIndex.key("", role.name)
            // Outside namespaces there is none; and it must not be taken for a cluster role.
            case "Role": RBACIndex.key(namespace.isEmpty ? "?" : namespace, role.name)
            default: "!" + role.kind
            }
        }

        func reason(_ subject: Subject) -> String {
            let kind: String = namespace.isEmpty ? "ClusterRoleBinding" : "RoleBinding"
            let full: String = namespace.isEmpty ? name : name + "/" + namespace
            var who: String = subject.name
            if subject.kind == "ServiceAccount" {
                who += "/" + (subject.namespace.isEmpty ? namespace : subject.namespace)
            }
            return "RBAC: allowed by \(kind) \(GoText.quoted(full)) of \(role.kind) \(GoText.quoted(role.name)) to "
                + "\(subject.kind) \(GoText.quoted(who))"
        }
    }

    private mutating func set(_ binding: Parts) {
        removeBinding(namespace: binding.namespace, name: binding.name)
        let key: String = Self.key(binding.namespace, binding.name)
        let role: String = binding.roleKey
        var users: [String: Grant] = [:]
        var groups: [String: Grant] = [:]
        for subject in binding.subjects {
            let grant = Grant(binding: key, role: role, reason: binding.reason(subject))
            switch subject.kind {
            case "User": users[subject.name] = users[subject.name] ?? grant
            case "Group": groups[subject.name] = groups[subject.name] ?? grant
            case "ServiceAccount":
                let namespace: String = subject.namespace.isEmpty ? binding.namespace : subject.namespace
                guard !namespace.isEmpty else { continue }
                let user: String = ServiceAccountName(namespace, subject.name).userName
                users[user] = users[user] ?? grant
            default: continue
            }
        }
        entries[key] = Entry(namespace: binding.namespace, users: Array(users.keys), groups: Array(groups.keys))
        change(binding.namespace) { grants in
            for (user, grant) in users { grants.users[user, default: []].append(grant) }
            for (group, grant) in groups { grants.groups[group, default: []].append(grant) }
        }
    }

    // MARK: - Asking

    package func decide(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        let query = RuleQuery(attributes)
        var missing: [String] = []
        let scoped: Grants? = attributes.namespace.isEmpty ? nil : namespaces[attributes.namespace]
        if let reason = find(query, attributes.user, in: cluster, &missing) { return .allow(reason: reason) }
        if let scoped, let reason = find(query, attributes.user, in: scoped, &missing) {
            return .allow(reason: reason)
        }
        return .noOpinion(reason: missing.isEmpty ? "" : "RBAC: " + Self.aggregate(missing.map { Self.failure($0) }))
    }

    private func find(_ query: RuleQuery, _ user: UserInfo, in grants: Grants, _ missing: inout [String]) -> String? {
        if let found = grants.users[user.name], let reason = find(query, found, &missing) { return reason }
        if grants.groups.isEmpty { return nil }
        for group in user.groups {
            if let found = grants.groups[group], let reason = find(query, found, &missing) { return reason }
        }
        return nil
    }

    private func find(_ query: RuleQuery, _ grants: [Grant], _ missing: inout [String]) -> String? {
        for grant in grants {
            guard let role = roles[grant.role] else {
                missing.append(grant.role)
                continue
            }
            if role.allows(query) { return grant.reason }
        }
        return nil
    }

    /// Everything that a user may do, cluster-wide and in a namespace (none if empty).
    package func rules(for user: UserInfo, namespace: String) -> ResolvedRules {
        var resolved = ResolvedRules()
        collect(cluster, user, &resolved)
        if !namespace.isEmpty, let grants = namespaces[namespace] { collect(grants, user, &resolved) }
        return resolved
    }

    private func collect(_ grants: Grants, _ user: UserInfo, _ resolved: inout ResolvedRules) {
        var seen: Set<String> = []
        let found: [Grant] =
            (grants.users[user.name] ?? []) + user.groups.flatMap { grants.groups[$0] ?? [] }
        for grant in found where seen.insert(grant.binding).inserted {
            if let role = roles[grant.role] {
                resolved.rules += role.rules
            } else {
                resolved.errors.append(Self.failure(grant.role))
            }
        }
    }

    /// The rules of the role that a binding in `namespace` would refer to; nil if there is no such role.
    package func rules(of role: RoleRef, namespace: String) -> [PolicyRule]? {
        let parts = Parts(namespace: namespace, name: "", role: role, subjects: [])
        return roles[parts.roleKey]?.rules
    }

    /// Upstream's words for a role that a binding refers to in vain.
    private static func failure(_ role: String) -> String {
        if role.hasPrefix("!") { return "unsupported role reference kind: \(GoText.quoted(role.dropFirst()))" }
        let name: Substring = role[role.index(after: role.firstIndex(of: "/") ?? role.startIndex)...]
        let kind: String = role.hasPrefix("/") ? "clusterrole" : "role"
        return "\(kind).rbac.authorization.k8s.io \(GoText.quoted(name)) not found"
    }

    /// Several errors as Go's aggregate shows them: once each, in brackets if there are several.
    static func aggregate(_ errors: [String]) -> String {
        var seen: Set<String> = []
        let unique: [String] = errors.filter { seen.insert($0).inserted }
        return unique.count == 1 ? unique[0] : "[" + unique.joined(separator: ", ") + "]"
    }
}

/// What somebody may do, as far as it can be told.
package struct ResolvedRules: Sendable {
    package var rules: [PolicyRule] = []
    /// Why something may be missing; empty if all is there.
    package var errors: [String] = []
    /// More may be allowed than the rules say.
    package var isIncomplete: Bool = false

    package init() {}
}

/// An authorizer that can list what it allows.
package protocol RuleResolver: Sendable {
    /// Cluster-wide, and in a namespace (none if empty).
    func rules(for user: UserInfo, namespace: String) -> ResolvedRules
}
