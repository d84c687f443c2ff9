import APIServer
import Testing

/// Allows one verb on one name of `signers`.
private struct OneSigner: Authorizer {
    let verb: String
    let name: String

    func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        let isIt: Bool =
            attributes.resource == "signers" && attributes.group == "certificates.k8s.io" && attributes.verb == verb
            && attributes.name == name && attributes.user.name == "jane"
        return isIt ? .allow(reason: "") : .noOpinion(reason: "")
    }
}

@Suite struct SignerAccessTests {
    private let jane = UserInfo(name: "jane")

    @Test func `who may approve for a signer, or for all of its domain, may`() {
        let exact = SignerAccess(authorizer: OneSigner(verb: "approve", name: "example.com/a"))
        #expect(exact.allows("approve", jane, signer: "example.com/a"))
        #expect(!exact.allows("approve", jane, signer: "example.com/b"))
        #expect(!exact.allows("sign", jane, signer: "example.com/a"))
        #expect(!exact.allows("approve", UserInfo(name: "joe"), signer: "example.com/a"))
        let domain = SignerAccess(authorizer: OneSigner(verb: "sign", name: "example.com/*"))
        #expect(domain.allows("sign", jane, signer: "example.com/a"))
        #expect(!domain.allows("sign", jane, signer: "example.org/a"))
        #expect(!domain.allows("sign", jane, signer: "example.com"))
    }
}
