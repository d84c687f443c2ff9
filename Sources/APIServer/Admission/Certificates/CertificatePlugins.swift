import APICertificates
package import APIMachinery

/// Only who may approve for a signer approves or denies its requests.
package struct CertificateApproval: AdmissionPlugin {
    package let name = "CertificateApproval"
    private let access: SignerAccess

    package init(authorizer: any Authorizer) {
        access = SignerAccess(authorizer: authorizer)
    }

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .update && attributes.isSigningRequest(at: "approval")
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        // The signer of what is there: nobody talks himself into another one.
        guard let request = attributes.oldObject(as: CertificateSigningRequest.self) else { return }
        let signer: String = request.spec.signerName
        guard !access.allows("approve", attributes.user, signer: signer) else { return }
        throw attributes.forbidden("user not permitted to approve requests with signerName \"\(signer)\"")
    }
}

/// Only who may sign for a signer writes its certificates and conditions.
package struct CertificateSigning: AdmissionPlugin {
    package let name = "CertificateSigning"
    private let access: SignerAccess

    package init(authorizer: any Authorizer) {
        access = SignerAccess(authorizer: authorizer)
    }

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .update && attributes.isSigningRequest(at: "status")
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard let old = attributes.oldObject(as: CertificateSigningRequest.self),
            let request = attributes.object(as: CertificateSigningRequest.self),
            old.status.certificate != request.status.certificate || old.status.conditions != request.status.conditions
        else { return }
        let signer: String = old.spec.signerName
        guard !access.allows("sign", attributes.user, signer: signer) else { return }
        throw attributes.forbidden("user not permitted to sign requests with signerName \"\(signer)\"")
    }
}

/// Nobody asks for a client certificate that makes him an administrator.
package struct CertificateSubjectRestriction: AdmissionPlugin {
    package let name = "CertificateSubjectRestriction"
    private static let signer: String = "kubernetes.io/kube-apiserver-client"
    private let groups: @Sendable (_ request: [UInt8]) -> [String]?

    /// - Parameter groups: the organizations of a request in PEM; nil: it cannot be read.
    package init(groups: @escaping @Sendable (_ request: [UInt8]) -> [String]?) {
        self.groups = groups
    }

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        attributes.operation == .create && attributes.isSigningRequest(at: "")
    }

    package func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        guard let request = attributes.object(as: CertificateSigningRequest.self),
            request.spec.signerName == Self.signer
        else { return }
        guard let groups = groups(request.spec.request) else {
            throw attributes.forbidden("failed to parse CSR: not a certificate request")
        }
        guard groups.contains(UserInfo.mastersGroup) else { return }
        throw attributes.forbidden("use of \(Self.signer) signer with \(UserInfo.mastersGroup) group is not allowed")
    }
}

extension AdmissionAttributes {
    fileprivate func isSigningRequest(at subresource: String) -> Bool {
        self.subresource == subresource && info.gvr.resource == "certificatesigningrequests"
            && info.gvr.group == "certificates.k8s.io"
    }
}
