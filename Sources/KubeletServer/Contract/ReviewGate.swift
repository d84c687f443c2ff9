import APIAuthentication
import APIAuthorization
package import APIMachinery
import Codec
import Synchronization

/// Asks the API server: TokenReview and SubjectAccessReview, as upstream's kubelet does with webhooks. Answers are kept
/// for upstream's times. While the API server cannot be reached, only what is kept is allowed.
package final class ReviewGate: KubeletGate {
    private static let tokenLife: Duration = .seconds(120)
    private static let allowedLife: Duration = .seconds(300)
    private static let deniedLife: Duration = .seconds(30)
    private static let limit: Int = 1024

    private struct Kept<Value: Sendable>: Sendable {
        var value: Value
        var until: ContinuousClock.Instant
    }

    private struct State {
        var users: [String: Kept<KubeletUser>] = [:]
        var answers: [KubeletAccess: Kept<Bool>] = [:]
    }

    private let transport: any Transport
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State> = Mutex(State())

    /// - Parameter transport: the kubelet's own; it may create reviews.
    package init(
        transport: any Transport, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.transport = transport
        self.now = now
    }

    package func user(token: String) async -> KubeletUser? {
        let asked: ContinuousClock.Instant = now()
        if let kept = state.withLock({ $0.users[token] }), kept.until > asked { return kept.value }
        var review = TokenReview()
        review.spec.token = token
        guard let answer = await create(review, "authentication.k8s.io", "tokenreviews"), answer.status.authenticated
        else { return nil }
        let found: APIAuthentication.UserInfo = answer.status.user
        let user = KubeletUser(name: found.username, uid: found.uid, groups: found.groups)
        state.withLock { state in
            Self.makeRoom(&state.users, asked)
            state.users[token] = Kept(value: user, until: asked + Self.tokenLife)
        }
        return user
    }

    package func allows(_ access: KubeletAccess) async -> Bool {
        let asked: ContinuousClock.Instant = now()
        if let kept = state.withLock({ $0.answers[access] }), kept.until > asked { return kept.value }
        var review = SubjectAccessReview()
        review.spec.user = access.user.name
        review.spec.uid = access.user.uid
        review.spec.groups = access.user.groups
        var attributes = ResourceAttributes()
        attributes.verb = access.verb
        attributes.version = "v1"
        attributes.resource = "nodes"
        attributes.subresource = access.subresource
        attributes.name = access.node
        review.spec.resourceAttributes = attributes
        guard let answer = await create(review, "authorization.k8s.io", "subjectaccessreviews") else { return false }
        let isAllowed: Bool = answer.status.allowed && !answer.status.denied
        state.withLock { state in
            Self.makeRoom(&state.answers, asked)
            let life: Duration = isAllowed ? Self.allowedLife : Self.deniedLife
            state.answers[access] = Kept(value: isAllowed, until: asked + life)
        }
        return isAllowed
    }

    /// Nil: the API server did not answer, or refused.
    private func create<Review: APIObject>(_ review: Review, _ group: String, _ resource: String) async -> Review? {
        let gvr = GroupVersionResource(group: group, version: "v1", resource: resource)
        guard let response = try? await transport.perform(APIRequest(.create, gvr, body: review.jsonBytes)) else {
            return nil
        }
        switch response.body {
        case .object(let snapshot): return try? snapshot.decode(Review.self)
        case .json(let bytes): return try? JSONReader.decode(Review.self, from: bytes)
        case .list: return nil
        }
    }

    private static func makeRoom<Key: Hashable, Value>(
        _ kept: inout [Key: Kept<Value>], _ now: ContinuousClock.Instant
    ) {
        guard kept.count >= limit else { return }
        kept = kept.filter { $0.value.until > now }
        if kept.count >= limit { kept.removeAll() }
    }
}
