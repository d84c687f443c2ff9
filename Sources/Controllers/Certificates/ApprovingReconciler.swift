import APIAuthorization
package import APICertificates
package import APIMachinery
package import Client

/// Approves kubelets' requests for client certificates, where the requester may have such a certificate: the API server
/// is asked (a SubjectAccessReview).
package struct ApprovingReconciler: AsyncReconciler {
    /// A request that was refused is asked about again, since roles change; upstream backs off for as long.
    private static let pause: Duration = .seconds(60)

    private let requests: ObjectCache<CertificateSigningRequest>
    private let signer: any CertificateSigner

    package init(requests: ObjectCache<CertificateSigningRequest>, signer: any CertificateSigner) {
        self.requests = requests
        self.signer = signer
    }

    /// - Parameter key: of a request.
    package func reconcile(
        _ key: ObjectKey, now: Time, client: APIClient
    ) async throws(StatusError) -> Reconciliation {
        guard var request = requests[key], request.status.certificate.isEmpty, request.condition("Approved") == nil,
            request.condition("Denied") == nil
        else { return .done }
        let attempts: [KubeletApproval]
        do throws(CertificateSignerError) {
            var subject: SigningSubject = try signer.subject(ofRequest: request.spec.request)
            subject.usages = request.spec.usages
            attempts = KubeletApproval.attempts(
                signer: request.spec.signerName, subject: subject, username: request.spec.username)
        } catch {
            return .failed("unable to parse csr \"\(key.name)\": \(error.message)")
        }
        for attempt in attempts {
            guard try await client.create(Self.review(request, attempt)).status.allowed else { continue }
            request.status.conditions.append(
                .make("Approved", reason: "AutoApproved", message: attempt.message, now: now))
            return Reconciliation([Write.update(request, subresource: "approval").ignoring([.notFound, .conflict])])
        }
        return attempts.isEmpty ? .done : Reconciliation(requeueAfter: Self.pause)
    }

    private static func review(
        _ request: CertificateSigningRequest, _ attempt: KubeletApproval
    ) -> SubjectAccessReview {
        var review = SubjectAccessReview()
        review.spec.user = request.spec.username
        review.spec.uid = request.spec.uid
        review.spec.groups = request.spec.groups
        review.spec.extra = request.spec.extra
        review.spec.resourceAttributes = ResourceAttributes.with {
            $0.verb = "create"
            $0.group = CertificateSigningRequest.gvk.group
            $0.version = "*"
            $0.resource = "certificatesigningrequests"
            $0.subresource = attempt.subresource
        }
        return review
    }
}
