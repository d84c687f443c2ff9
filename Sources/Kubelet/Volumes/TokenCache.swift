package import API
package import APIAuthentication
package import APIMachinery

/// Which token a pod's volume asks for.
package struct TokenKey: Sendable, Hashable {
    package var uid: String
    package var namespace: String
    package var serviceAccount: String
    /// Empty: the API server's own.
    package var audience: String
    package var expirationSeconds: Int

    package init(_ projection: ServiceAccountTokenProjection, of pod: Pod) {
        uid = pod.metadata.uid
        namespace = pod.metadata.namespace
        let account: String = pod.spec.serviceAccountName
        serviceAccount = account.isEmpty ? "default" : account
        audience = projection.audience
        expirationSeconds = projection.expirationSeconds ?? 3600
    }
}

/// The tokens of the pods of this node, and when each must be renewed. Pure.
///
/// Renewal is due after 80 % of a token's life, and at the latest after a day; a failed renewal keeps the old token in
/// use until it expires.
package struct TokenCache: Sendable {
    package struct Token: Sendable, Equatable {
        package var text: String
        package var expires: Time
        package var renewal: Time
    }

    private static let longestUseSeconds: Int = 24 * 3600

    package private(set) var tokens: [TokenKey: Token] = [:]

    package init() {}

    /// Takes over an answer of the API server. The life counts from `now`, when the request was made. `jitterSeconds`
    /// brings the renewal forward, so that pods that started together do not renew together.
    package mutating func store(
        _ answer: APIAuthentication.TokenRequest, for key: TokenKey, now: Time, jitterSeconds: Int = 0
    ) {
        let asked: Int = answer.spec.expirationSeconds ?? key.expirationSeconds
        let expires: Time = answer.status.expirationTimestamp ?? now.adding(seconds: asked)
        let life: Int = max(0, expires.secondsSince(now))
        let latest: Int = min(life * 4 / 5, Self.longestUseSeconds)
        let wait: Int = max(latest / 2, latest - jitterSeconds)
        tokens[key] = Token(text: answer.status.token, expires: expires, renewal: now.adding(seconds: wait))
    }

    /// A token that needs no renewal yet.
    package func fresh(_ key: TokenKey, now: Time) -> String? {
        guard let token = tokens[key], now < token.renewal else { return nil }
        return token.text
    }

    /// A token that the API server still takes.
    package func valid(_ key: TokenKey, now: Time) -> String? {
        guard let token = tokens[key], now < token.expires else { return nil }
        return token.text
    }

    /// A renewal failed: not again before `time`.
    package mutating func postpone(_ key: TokenKey, to time: Time) {
        tokens[key]?.renewal = time
    }

    /// When the next renewal is due, among the pods that are of interest.
    package func nextRenewal(where isWanted: (_ uid: String) -> Bool) -> Time? {
        tokens.filter { isWanted($0.key.uid) }.map(\.value.renewal).min()
    }

    /// Forgets the tokens of a pod.
    package mutating func forget(uid: String) {
        tokens = tokens.filter { $0.key.uid != uid }
    }

    /// The pods that have a token whose renewal is due.
    package func due(now: Time) -> Set<String> {
        Set(tokens.filter { $0.value.renewal <= now }.map(\.key.uid))
    }
}

extension APIAuthentication.TokenRequest {
    /// Asks for a token that lives no longer than the pod.
    static func of(_ key: TokenKey, pod: Pod) -> APIAuthentication.TokenRequest {
        APIAuthentication.TokenRequest.with {
            $0.spec.audiences = key.audience.isEmpty ? [] : [key.audience]
            $0.spec.expirationSeconds = key.expirationSeconds
            $0.spec.boundObjectRef = BoundObjectReference.with {
                $0.kind = "Pod"
                $0.apiVersion = "v1"
                $0.name = pod.metadata.name
                $0.uid = pod.metadata.uid
            }
        }
    }
}
