/// Who asks a kubelet.
package struct KubeletUser: Sendable, Hashable {
    package var name: String
    package var uid: String
    package var groups: [String]

    package init(name: String, uid: String = "", groups: [String] = []) {
        self.name = name
        self.uid = uid
        self.groups = groups
    }

    package static let anonymous = KubeletUser(name: "system:anonymous", groups: ["system:unauthenticated"])
}

/// What somebody wants to do: an attribute record for the resource `nodes`.
package struct KubeletAccess: Sendable, Hashable {
    package var user: KubeletUser
    /// `get`, `create`, …, by the method.
    package var verb: String
    /// The node's name.
    package var node: String
    /// `proxy`, `stats`, `metrics`, `log`, `spec`.
    package var subresource: String

    package init(user: KubeletUser, verb: String, node: String, subresource: String) {
        self.user = user
        self.verb = verb
        self.node = node
        self.subresource = subresource
    }
}

/// Decides about requests to a kubelet. Client certificates are verified by TLS before.
package protocol KubeletGate: Sendable {
    /// Who has this bearer token (a TokenReview); nil: nobody.
    func user(token: String) async -> KubeletUser?
    /// Whether it is allowed (a SubjectAccessReview).
    func allows(_ access: KubeletAccess) async -> Bool
}
