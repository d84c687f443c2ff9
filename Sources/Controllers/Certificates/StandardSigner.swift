/// The signers that every cluster has, and which requests each may sign; upstream's rules.
package enum StandardSigner: String, Sendable, CaseIterable {
    /// Clients of the API server; approved by people.
    case kubeAPIServerClient = "kubernetes.io/kube-apiserver-client"
    /// Kubelets as clients of the API server; approved by the cluster where the requester may.
    case kubeAPIServerClientKubelet = "kubernetes.io/kube-apiserver-client-kubelet"
    /// Kubelets as servers.
    case kubeletServing = "kubernetes.io/kubelet-serving"
    /// No promises.
    case legacyUnknown = "kubernetes.io/legacy-unknown"

    /// What is wrong with a request for this signer; nil: it may be signed.
    package func problem(_ asked: SigningSubject) -> String? {
        switch self {
        case .kubeAPIServerClient: return Self.clientProblem(asked)
        case .kubeAPIServerClientKubelet: return Self.kubeletClientProblem(asked)
        case .kubeletServing: return Self.kubeletServingProblem(asked)
        case .legacyUnknown: return nil
        }
    }

    private static let alwaysAllowed: Set<String> = ["digital signature", "key encipherment"]

    private static func clientProblem(_ asked: SigningSubject) -> String? {
        for usage in asked.usages where usage != "client auth" && !alwaysAllowed.contains(usage) {
            return "invalid usage for client certificate: \(usage)"
        }
        return asked.usages.contains("client auth")
            ? nil : "missing required usage for client certificate: client auth"
    }

    private static func kubeletClientProblem(_ asked: SigningSubject) -> String? {
        if asked.organizations != ["system:nodes"] { return "subject organization is not system:nodes" }
        if !asked.dnsNames.isEmpty { return "DNS subjectAltNames are not allowed" }
        if !asked.emailAddresses.isEmpty { return "Email subjectAltNames are not allowed" }
        if !asked.ipAddresses.isEmpty { return "IP subjectAltNames are not allowed" }
        if !asked.uris.isEmpty { return "URI subjectAltNames are not allowed" }
        if !asked.commonName.hasPrefix("system:node:") {
            return "subject common name does not begin with system:node: "
        }
        return usageProblem(asked, required: "client auth")
    }

    private static func kubeletServingProblem(_ asked: SigningSubject) -> String? {
        if asked.organizations != ["system:nodes"] { return "subject organization is not system:nodes" }
        if asked.dnsNames.isEmpty, asked.ipAddresses.isEmpty { return "DNS or IP subjectAltName is required" }
        if !asked.emailAddresses.isEmpty { return "Email subjectAltNames are not allowed" }
        if !asked.uris.isEmpty { return "URI subjectAltNames are not allowed" }
        if !asked.commonName.hasPrefix("system:node:") {
            return "subject common name does not begin with system:node: "
        }
        return usageProblem(asked, required: "server auth")
    }

    private static func usageProblem(_ asked: SigningSubject, required: String) -> String? {
        let usages: Set<String> = Set(asked.usages)
        let allowed: Set<String> = alwaysAllowed.union([required])
        if usages.isSubset(of: allowed), usages.isSuperset(of: ["digital signature", required]) { return nil }
        return "usages did not match [\(allowed.sorted().joined(separator: " "))]"
    }
}

/// What a certificate request asks for.
package struct SigningSubject: Sendable, Equatable {
    package var commonName: String = ""
    package var organizations: [String] = []
    package var dnsNames: [String] = []
    package var ipAddresses: [String] = []
    package var emailAddresses: [String] = []
    package var uris: [String] = []
    /// Of the API object, not of what is in the request.
    package var usages: [String] = []

    package init() {}
}

/// On whose word the cluster itself approves a kubelet's request for a client certificate.
package struct KubeletApproval: Sendable, Equatable {
    /// The requester must be allowed to `create` this subresource of certificatesigningrequests.
    package var subresource: String
    /// Of the condition.
    package var message: String

    /// What to ask for, in this order; the first that is allowed will do. Empty: somebody else's business.
    package static func attempts(signer: String, subject: SigningSubject, username: String) -> [KubeletApproval] {
        guard signer == StandardSigner.kubeAPIServerClientKubelet.rawValue,
            StandardSigner.kubeAPIServerClientKubelet.problem(subject) == nil
        else { return [] }
        let forItself = KubeletApproval(
            subresource: "selfnodeclient",
            message: "Auto approving self kubelet client certificate after SubjectAccessReview.")
        let forAny = KubeletApproval(
            subresource: "nodeclient", message: "Auto approving kubelet client certificate after SubjectAccessReview.")
        return username == subject.commonName ? [forItself, forAny] : [forAny]
    }
}
