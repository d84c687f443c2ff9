package import APIMachinery

/// What is to be allowed, or not.
package struct AuthorizationAttributes: Sendable {
    package var user: UserInfo
    /// `get`, `list`, …, `proxy`, `impersonate`, `bind`, `escalate`; the method in lower case for non-resource requests.
    package var verb: String
    /// Empty for the core group, and for non-resource requests.
    package var group: String
    package var version: String
    /// Empty for non-resource requests.
    package var resource: String
    package var subresource: String
    package var namespace: String
    package var name: String
    /// The path of non-resource requests.
    package var path: String
    /// Of lists and watches.
    package var fields: FieldQuery = .everything

    package init(
        user: UserInfo, verb: String, group: String = "", version: String = "", resource: String = "",
        subresource: String = "", namespace: String = "", name: String = "", path: String = ""
    ) {
        self.user = user
        self.verb = verb
        self.group = group
        self.version = version
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
        self.path = path
    }

    package init(_ context: RequestContext) {
        self.init(
            user: context.user, verb: context.verb, group: context.resource.group, version: context.resource.version,
            resource: context.resource.resource, subresource: context.subresource, namespace: context.namespace,
            name: context.name, path: context.path)
        fields = context.fields
    }

    package var isResourceRequest: Bool { !resource.isEmpty }
}

package enum AuthorizationDecision: Sendable, Equatable {
    case allow(reason: String)
    /// Nobody else is asked.
    case deny(reason: String)
    /// Refused, unless another authorizer allows.
    case noOpinion(reason: String)
}

/// Tells who may do what. Synchronous, and called on event loops: it works on indices, not on requests.
package protocol Authorizer: Sendable {
    func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision
}

/// Asks several in turn; the first with an opinion decides.
package struct UnionAuthorizer: Authorizer {
    private let members: [any Authorizer]

    package init(_ members: [any Authorizer]) {
        self.members = members
    }

    package func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        var reasons: [String] = []
        for member in members {
            switch member.authorize(attributes) {
            case .allow(let reason): return .allow(reason: reason)
            case .deny(let reason): return .deny(reason: reason)
            case .noOpinion(let reason): if !reason.isEmpty { reasons.append(reason) }
            }
        }
        return .noOpinion(reason: reasons.joined(separator: "\n"))
    }
}

/// `system:masters` may do everything.
package struct MastersAuthorizer: Authorizer {
    package init() {}

    package func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        attributes.user.groups.contains(UserInfo.mastersGroup) ? .allow(reason: "") : .noOpinion(reason: "")
    }
}

/// Allows everything: `--authorization-mode=AlwaysAllow`, and tests.
package struct AlwaysAllowAuthorizer: Authorizer {
    package init() {}

    package func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        .allow(reason: "")
    }
}
