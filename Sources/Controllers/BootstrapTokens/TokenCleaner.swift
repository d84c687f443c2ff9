package import API
package import APIMachinery
package import Client

/// Deletes bootstrap tokens whose time is over.
package struct TokenCleaner: Reconciler {
    package static let namespace: String = "kube-system"
    package static let secretType: String = "bootstrap.kubernetes.io/token"

    private let secrets: ObjectCache<Secret>

    package init(secrets: ObjectCache<Secret>) {
        self.secrets = secrets
    }

    /// - Parameter key: of a secret.
    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let secret = secrets[key], secret.type == Self.secretType, secret.metadata.deletionTimestamp == nil,
            let text = secret.data["expiration"], !text.isEmpty
        else { return .done }
        // What cannot be read as a time is no token either; upstream deletes it, too.
        guard let end = Time(String(decoding: text, as: UTF8.self)), end.seconds > now.seconds else {
            return Reconciliation([.delete(secret)])
        }
        return Reconciliation(requeueAfter: .seconds(end.seconds - now.seconds))
    }
}
