import APICertificates
import APIMachinery
import APIServer
import Testing

/// Lets the tester do one thing with one signer.
private struct OneVerb: Authorizer {
    let verb: String

    func authorize(_ attributes: AuthorizationAttributes) -> AuthorizationDecision {
        attributes.verb == verb && attributes.resource == "signers" && attributes.name == "example.com/a"
            ? .allow(reason: "") : .noOpinion(reason: "")
    }
}

@Suite struct CertificatePluginTests {
    private static let info = ResourceInfo(
        CertificateSigningRequest.gvk, resource: "certificatesigningrequests", namespaced: false)

    private static func request(
        signer: String = "example.com/a", _ fill: (inout CertificateSigningRequest) -> Void = { _ in }
    ) -> CertificateSigningRequest {
        CertificateSigningRequest.with {
            $0.metadata.name = "csr"
            $0.spec.signerName = signer
            fill(&$0)
        }
    }

    private static func signed(_ request: CertificateSigningRequest) -> CertificateSigningRequest {
        var request: CertificateSigningRequest = request
        request.status.certificate = [1]
        return request
    }

    private static func write(
        _ plugin: any AdmissionPlugin, _ object: CertificateSigningRequest, old: CertificateSigningRequest?,
        at subresource: String
    ) async -> String? {
        await refusal { () async throws(StatusError) in
            _ = try await admit(plugin, object, old: old, info: info, subresource: subresource)
        }?.message
    }

    @Test func `approving takes the right to approve for the signer that the request has`() async {
        let old: CertificateSigningRequest = Self.request()
        let mayNot = CertificateApproval(authorizer: OneVerb(verb: "sign"))
        let words: String =
            "certificatesigningrequests.certificates.k8s.io \"csr\" is forbidden: user not permitted to approve "
            + "requests with signerName \"example.com/a\""
        #expect(await Self.write(mayNot, old, old: old, at: "approval") == words)
        #expect(await Self.write(mayNot, old, old: old, at: "status") == nil)
        let may = CertificateApproval(authorizer: OneVerb(verb: "approve"))
        #expect(await Self.write(may, Self.request(signer: "example.com/b"), old: old, at: "approval") == nil)
        #expect(
            await Self.write(may, old, old: Self.request(signer: "example.com/b"), at: "approval")?.hasSuffix(
                "signerName \"example.com/b\"") == true)
    }

    @Test func `a certificate or a condition takes the right to sign, other status does not`() async {
        let old: CertificateSigningRequest = Self.request()
        let mayNot = CertificateSigning(authorizer: OneVerb(verb: "approve"))
        let words: String =
            "certificatesigningrequests.certificates.k8s.io \"csr\" is forbidden: user not permitted to sign "
            + "requests with signerName \"example.com/a\""
        #expect(await Self.write(mayNot, Self.signed(old), old: old, at: "status") == words)
        let failed = Self.request { $0.status.conditions = [.with { $0.type = "Failed" }] }
        #expect(await Self.write(mayNot, failed, old: old, at: "status") == words)
        #expect(await Self.write(mayNot, old, old: old, at: "status") == nil)
        let may = CertificateSigning(authorizer: OneVerb(verb: "sign"))
        #expect(await Self.write(may, Self.signed(old), old: old, at: "status") == nil)
    }

    @Test func `nobody asks to be a master, whatever else he asks`() async {
        let plugin = CertificateSubjectRestriction { pem in
            pem.isEmpty ? nil : String(decoding: pem, as: UTF8.self).split(separator: ",").map { String($0) }
        }
        func asked(_ groups: String, signer: String = "kubernetes.io/kube-apiserver-client") async -> String? {
            let request = Self.request(signer: signer) { $0.spec.request = Array(groups.utf8) }
            return await Self.write(plugin, request, old: nil, at: "")
        }
        #expect(
            await asked("devs,system:masters")
                == "certificatesigningrequests.certificates.k8s.io \"csr\" is forbidden: use of "
                + "kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed")
        #expect(await asked("devs") == nil)
        #expect(await asked("system:masters", signer: "example.com/a") == nil)
        #expect(await asked("")?.contains("failed to parse CSR") == true)
    }
}
