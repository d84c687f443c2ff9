import APIMachinery

/// How much is kept about a request.
package enum AuditLevel: String, Sendable, Comparable {
    case none = "None"
    /// Who, what, when, and how it ended; no bodies.
    case metadata = "Metadata"
    case request = "Request"
    case requestResponse = "RequestResponse"

    private var order: Int {
        switch self {
        case .none: 0
        case .metadata: 1
        case .request: 2
        case .requestResponse: 3
        }
    }

    package static func < (left: AuditLevel, right: AuditLevel) -> Bool { left.order < right.order }
}

package enum AuditStage: String, Sendable, CaseIterable {
    case requestReceived = "RequestReceived"
    /// The head of a long answer (a watch) has been sent.
    case responseStarted = "ResponseStarted"
    case responseComplete = "ResponseComplete"
    /// Known to policies; a server that panics here is gone, and writes nothing.
    case panic = "Panic"
}

/// What is to be kept about which requests: audit.k8s.io/v1 Policy.
package struct AuditPolicy: Sendable, Equatable {
    package struct Resources: Sendable, Equatable {
        package var group: String = ""
        package var resources: [String] = []
        package var resourceNames: [String] = []
    }

    package struct Rule: Sendable, Equatable {
        package var level: AuditLevel = .none
        package var users: [String] = []
        package var groups: [String] = []
        package var verbs: [String] = []
        package var resources: [Resources] = []
        package var namespaces: [String] = []
        package var nonResourceURLs: [String] = []
        package var omitStages: Set<AuditStage> = []
        /// Nil: as the policy says.
        package var omitManagedFields: Bool?
    }

    package var rules: [Rule]
    package var omitStages: Set<AuditStage> = []
    package var omitManagedFields: Bool = false

    package init(rules: [Rule]) {
        self.rules = rules
    }

    /// What is kept about one request.
    package struct Decision: Sendable, Equatable {
        package var level: AuditLevel
        package var omitStages: Set<AuditStage>
        package var omitManagedFields: Bool
    }

    /// By the first rule that fits; nothing if none does.
    package func decision(_ context: RequestContext, user: UserInfo) -> Decision {
        guard let rule = rules.first(where: { $0.matches(context, user) }) else {
            return Decision(level: .none, omitStages: omitStages, omitManagedFields: omitManagedFields)
        }
        return Decision(
            level: rule.level, omitStages: omitStages.union(rule.omitStages),
            omitManagedFields: rule.omitManagedFields ?? omitManagedFields)
    }
}

extension AuditPolicy.Rule {
    fileprivate func matches(_ context: RequestContext, _ user: UserInfo) -> Bool {
        if !users.isEmpty, !users.contains(user.name) { return false }
        if !groups.isEmpty, !groups.contains(where: { user.groups.contains($0) }) { return false }
        if !verbs.isEmpty, !verbs.contains(context.verb) { return false }
        if !resources.isEmpty || !namespaces.isEmpty { return matchesResource(context) }
        if !nonResourceURLs.isEmpty { return !context.isResourceRequest && matchesPath(context.path) }
        return true
    }

    private func matchesResource(_ context: RequestContext) -> Bool {
        guard context.isResourceRequest else { return false }
        if !namespaces.isEmpty, !namespaces.contains(context.namespace) { return false }
        if resources.isEmpty { return true }
        let resource: String = context.resource.resource
        let combined: String = context.subresource.isEmpty ? resource : "\(resource)/\(context.subresource)"
        return resources.contains { group in
            guard group.group == context.resource.group else { return false }
            if group.resources.isEmpty { return true }
            guard group.resourceNames.isEmpty || group.resourceNames.contains(context.name) else { return false }
            return group.resources.contains { wanted in
                if wanted == "*" || wanted == combined { return true }
                if wanted.hasPrefix("*/"), !context.subresource.isEmpty {
                    return wanted.dropFirst(2) == context.subresource
                }
                return wanted.hasSuffix("/*") && wanted.dropLast(2) == resource
            }
        }
    }

    private func matchesPath(_ path: String) -> Bool {
        nonResourceURLs.contains { wanted in
            if wanted == "*" || wanted == path { return true }
            return wanted.hasSuffix("*") && path.hasPrefix(wanted.dropLast())
        }
    }
}
