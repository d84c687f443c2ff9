/// Who may approve or sign for a signer: `approve` and `sign` on `signers` of certificates.k8s.io, by the signer's name or
/// by all of its domain (`example.com/*`).
package struct SignerAccess: Sendable {
    private let authorizer: any Authorizer

    package init(authorizer: any Authorizer) {
        self.authorizer = authorizer
    }

    /// - Parameter verb: `approve`, `sign` or `attest`.
    package func allows(_ verb: String, _ user: UserInfo, signer: String) -> Bool {
        if isAllowed(verb, user, name: signer) { return true }
        guard let slash = signer.firstIndex(of: "/") else { return false }
        return isAllowed(verb, user, name: signer[..<slash] + "/*")
    }

    private func isAllowed(_ verb: String, _ user: UserInfo, name: String) -> Bool {
        let attributes = AuthorizationAttributes(
            user: user, verb: verb, group: "certificates.k8s.io", version: "*", resource: "signers", name: name)
        if case .allow = authorizer.authorize(attributes) { return true }
        return false
    }
}
