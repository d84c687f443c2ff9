package import APICertificates
package import APIMachinery
package import Client

/// Signs approved requests of the standard signers, or marks those that may not be signed as Failed.
package struct SigningReconciler: AsyncReconciler {
    /// A year: how long certificates live that name no shorter time, in seconds.
    package static let longestLife: Int = 365 * 86_400
    /// In seconds; twice what certificates are backdated by.
    package static let shortestLife: Int = 600

    private let requests: ObjectCache<CertificateSigningRequest>
    private let signer: any CertificateSigner

    package init(requests: ObjectCache<CertificateSigningRequest>, signer: any CertificateSigner) {
        self.requests = requests
        self.signer = signer
    }

    /// - Parameter key: of a request. Signing draws randomness, so that this is no pure function.
    package func reconcile(
        _ key: ObjectKey, now: Time, client: APIClient
    ) async throws(StatusError) -> Reconciliation {
        guard let request = requests[key], let standard = StandardSigner(rawValue: request.spec.signerName),
            request.status.certificate.isEmpty, request.isApproved, !request.hasFailed
        else { return .done }
        do throws(CertificateSignerError) {
            return Reconciliation([
                Write.updateStatus(try answered(request, by: standard, now: now)).ignoring([.notFound, .conflict])
            ])
        } catch {
            return .failed("failed to sign \"\(key.name)\": \(error.message)")
        }
    }

    private func answered(
        _ request: CertificateSigningRequest, by standard: StandardSigner, now: Time
    ) throws(CertificateSignerError) -> CertificateSigningRequest {
        var answered: CertificateSigningRequest = request
        var subject: SigningSubject = try signer.subject(ofRequest: request.spec.request)
        subject.usages = request.spec.usages
        if let problem = standard.problem(subject) {
            answered.status.conditions.append(
                .make("Failed", reason: "SignerValidationFailure", message: problem, now: now))
            return answered
        }
        let asked: Int = request.spec.expirationSeconds ?? Self.longestLife
        answered.status.certificate = try signer.sign(
            request: request.spec.request, usages: request.spec.usages,
            lifetime: min(max(asked, Self.shortestLife), Self.longestLife), now: now)
        return answered
    }
}

extension CertificateSigningRequest {
    package func condition(_ type: String) -> CertificateSigningRequestCondition? {
        status.conditions.first { $0.type == type }
    }

    /// Denied beats approved.
    package var isApproved: Bool { condition("Approved") != nil && condition("Denied") == nil }
    package var hasFailed: Bool { condition("Failed")?.status == "True" }
}

extension CertificateSigningRequestCondition {
    static func make(
        _ type: String, reason: String, message: String, now: Time
    ) -> CertificateSigningRequestCondition {
        .with {
            $0.type = type
            $0.status = "True"
            $0.reason = reason
            $0.message = message
            $0.lastUpdateTime = now
        }
    }
}
