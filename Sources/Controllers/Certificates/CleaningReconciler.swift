package import APICertificates
package import APIMachinery
package import Client

/// Deletes requests that nobody needs any more, at upstream's ages.
package struct CleaningReconciler: Reconciler {
    /// Issued, denied and failed ones, from their condition on, in seconds.
    private static let settledLife: Int = 3600
    /// Those that nobody has decided, in seconds.
    private static let pendingLife: Int = 24 * 3600

    private let requests: ObjectCache<CertificateSigningRequest>
    private let signer: any CertificateSigner

    package init(requests: ObjectCache<CertificateSigningRequest>, signer: any CertificateSigner) {
        self.requests = requests
        self.signer = signer
    }

    /// - Parameter key: of a request.
    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let request = requests[key], request.metadata.deletionTimestamp == nil, let end = end(of: request) else {
            return .done
        }
        let left: Int = end.secondsSince(now)
        return left < 0 ? Reconciliation([.delete(request)]) : Reconciliation(requeueAfter: .seconds(left + 1))
    }

    /// After this moment it goes; nil: it stays, as one that is approved and not yet signed.
    private func end(of request: CertificateSigningRequest) -> Time? {
        guard !request.status.conditions.isEmpty else {
            return request.metadata.creationTimestamp?.adding(seconds: Self.pendingLife)
        }
        var ends: [Time] = []
        for condition in request.status.conditions {
            guard let time = condition.lastUpdateTime else { continue }
            let isIssued: Bool = condition.type == "Approved" && !request.status.certificate.isEmpty
            guard isIssued || condition.type == "Denied" || condition.type == "Failed" else { continue }
            ends.append(time.adding(seconds: Self.settledLife))
        }
        if request.condition("Approved") != nil, !request.status.certificate.isEmpty,
            let end = signer.end(ofCertificate: request.status.certificate)
        {
            ends.append(end)
        }
        return ends.min { $0.seconds < $1.seconds }
    }
}
