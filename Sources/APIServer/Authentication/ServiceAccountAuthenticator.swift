import APICore
package import APIMachinery
import Codec
import Synchronization

/// Tokens that this cluster issued to service accounts.
///
/// The signature is checked once per token and remembered; that the account and what the token is bound to still
/// exist is looked up each time, so a deletion counts at once (upstream remembers the whole answer for ten seconds).
package final class ServiceAccountAuthenticator: TokenAuthenticator {
    package struct Configuration: Sendable {
        package var issuer: String = ServiceAccountAuthenticator.defaultIssuer
        /// Of the API server. A token for none of these is of no use here.
        package var audiences: [String] = [ServiceAccountAuthenticator.defaultIssuer]

        package init() {}
    }

    package static let defaultIssuer: String = "https://kubernetes.default.svc"

    /// What clocks may differ, and how long something may have been deleted; seconds, upstream's.
    private static let leeway: Int64 = 60
    /// Remembered signatures; when full, all are forgotten.
    private static let limit: Int = 4096

    private let configuration: Configuration
    private let verifier: any TokenVerifier
    private let caches: any CacheReader
    private let clock: any WallClock
    private let verified = Mutex<[String: ServiceAccountClaims]>([:])

    package init(
        _ configuration: Configuration = Configuration(), verifier: any TokenVerifier, caches: any CacheReader,
        clock: any WallClock
    ) {
        self.configuration = configuration
        self.verifier = verifier
        self.caches = caches
        self.clock = clock
    }

    package func authenticate(token: String, audiences wanted: [String]) -> TokenResult {
        let claims: ServiceAccountClaims
        if let known = verified.withLock({ $0[token] }) {
            claims = known
        } else {
            guard ServiceAccountClaims.claimedIssuer(of: token) == configuration.issuer else { return .unknown }
            switch verifier.verify(token) {
            case .refused(let text): return .refused(text)
            case .payload(let payload):
                guard let decoded = ServiceAccountClaims(payload) else { return .refused("malformed claims") }
                claims = decoded
                remember(claims, token)
            }
        }
        return check(claims, wanted.isEmpty ? configuration.audiences : wanted)
    }

    private func remember(_ claims: ServiceAccountClaims, _ token: String) {
        verified.withLock { known in
            if known.count >= Self.limit { known.removeAll(keepingCapacity: true) }
            known[token] = claims
        }
    }

    // MARK: - Checks

    private func check(_ claims: ServiceAccountClaims, _ wanted: [String]) -> TokenResult {
        let audiences: [String] = wanted.filter { claims.audiences.contains($0) }
        guard !audiences.isEmpty else {
            return .refused(
                "token audiences \(RuleCover.list(claims.audiences)) is invalid for the target audiences "
                    + RuleCover.list(wanted))
        }
        let now: Int64 = clock.now.seconds
        guard now <= claims.expires + Self.leeway else { return .refused("service account token has expired") }
        guard now >= claims.notBefore - Self.leeway, now >= claims.issuedAt - Self.leeway else {
            return .refused("service account token is not valid yet")
        }
        let account = ServiceAccountName(claims.namespace, claims.serviceAccount.name)
        guard claims.subject == account.userName else { return .refused("sub claim does not match the account") }
        if let problem = problem(claims, account, now: now) { return .refused(problem) }
        return .authenticated(Self.user(claims, account), audiences: audiences)
    }

    /// Why an account or bound object makes the token worthless; nil if all is well.
    private func problem(_ claims: ServiceAccountClaims, _ account: ServiceAccountName, now: Int64) -> String? {
        let gone: String = "service account token has been invalidated"
        let shown: String = "\(account.namespace)/\(account.name)"
        guard let object = caches.get(ServiceAccount.self, namespace: account.namespace, name: account.name) else {
            return "serviceaccounts \(GoText.quoted(account.name)) not found"
        }
        if Self.isGone(object.metadata, now) { return "service account \(shown) has been deleted" }
        if object.metadata.uid != claims.serviceAccount.uid {
            return "service account UID (\(object.metadata.uid)) does not match claim (\(claims.serviceAccount.uid))"
        }
        if let secret = claims.secret {
            let found: Secret? = caches.get(Secret.self, namespace: account.namespace, name: secret.name)
            guard let found, !Self.isGone(found.metadata, now) else { return gone }
            if found.metadata.uid != secret.uid {
                return "secret UID (\(found.metadata.uid)) does not match service account secret ref claim "
                    + "(\(secret.uid))"
            }
        }
        if let pod = claims.pod {
            let found: Pod? = caches.get(Pod.self, namespace: account.namespace, name: pod.name)
            guard let found, !Self.isGone(found.metadata, now) else { return gone }
            if found.metadata.uid != pod.uid {
                return "pod UID (\(found.metadata.uid)) does not match service account pod ref claim (\(pod.uid))"
            }
        } else if let node = claims.node {
            let found: Node? = caches.get(Node.self, namespace: "", name: node.name)
            guard let found, !Self.isGone(found.metadata, now) else { return gone }
            if found.metadata.uid != node.uid {
                return "node UID (\(found.metadata.uid)) does not match service account node ref claim (\(node.uid))"
            }
        }
        return nil
    }

    private static func isGone(_ metadata: ObjectMeta, _ now: Int64) -> Bool {
        metadata.deletionTimestamp.map { $0.seconds < now - leeway } ?? false
    }

    private static func user(_ claims: ServiceAccountClaims, _ account: ServiceAccountName) -> UserInfo {
        var extra: StringMap<[String]> = [:]
        let prefix: String = "authentication.kubernetes.io/"
        if let pod = claims.pod {
            extra[prefix + "pod-name"] = [pod.name]
            extra[prefix + "pod-uid"] = [pod.uid]
        }
        if let node = claims.node {
            extra[prefix + "node-name"] = [node.name]
            if !node.uid.isEmpty { extra[prefix + "node-uid"] = [node.uid] }
        }
        if !claims.id.isEmpty { extra[prefix + "credential-id"] = ["JTI=" + claims.id] }
        return UserInfo(
            name: account.userName, uid: claims.serviceAccount.uid, groups: account.groups, extra: extra)
    }
}
