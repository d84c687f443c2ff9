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
        case .kubeAPIServerClient: return clientProblem(asked)
        case .kubeAPIServerClientKubelet: return Self.kubeletClientProblem(asked)
        case .kubeletServing: return Self.kubeletServingProblem(asked)
        case .legacyUnknown: return nil
        }
    }

    private static let alwaysAllowed: Set<String> = ["digital signature", "key encipherment"]

    private func clientProblem(_ asked: SigningSubject) -> String? {
        guard asked.usages.isSubset(of: Self.alwaysAllowed.union(["client auth"])), asked.usages.contains("client auth")
        else { return "usages did not match \(Self.list(Self.alwaysAllowed.union(["client auth"])))" }
        return nil
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
        let allowed: Set<String> = alwaysAllowed.union([required])
        guard asked.usages.isSubset(of: allowed), asked.usages.isSuperset(of: ["digital signature", required]) else {
            return "usages did not match \(list(allowed))"
        }
        return nil
    }

    private static func list(_ usages: Set<String>) -> String { "[" + usages.sorted().joined(separator: ", ") + "]" }
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
    package var usages: Set<String> = []

    package init() {}
}

/// Whether the cluster itself approves a kubelet's request for a client certificate, and on whose word.
package enum KubeletApproval: Sendable, Equatable {
    /// Somebody else's business.
    case none
    /// If the requester may `create` this subresource of certificatesigningrequests.
    case ifAllowed(subresource: String, message: String)

    package static func decide(signer: String, subject: SigningSubject, username: String) -> KubeletApproval {
        guard signer == StandardSigner.kubeAPIServerClientKubelet.rawValue,
            StandardSigner.kubeAPIServerClientKubelet.problem(subject) == nil
        else { return .none }
        if username == subject.commonName {
            return .ifAllowed(
                subresource: "selfnodeclient",
                message: "Auto approving self kubelet client certificate after SubjectAccessReview.")
        }
        return .ifAllowed(
            subresource: "nodeclient",
            message: "Auto approving kubelet client certificate after SubjectAccessReview.")
    }
}
