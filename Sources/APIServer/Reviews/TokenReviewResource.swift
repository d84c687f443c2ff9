import APIAuthentication
package import APIMachinery
import Codec

/// `POST tokenreviews`: whose token is this?
package struct TokenReviewResource: VirtualResource {
    private let tokens: any TokenAuthenticator
    private let audiences: [String]

    /// - Parameter audiences: of the API server; what a review without audiences asks for.
    package init(
        tokens: any TokenAuthenticator, audiences: [String] = [ServiceAccountAuthenticator.defaultIssuer]
    ) {
        self.tokens = tokens
        self.audiences = audiences
    }

    package let info = ResourceInfo(
        TokenReview.gvk, resource: "tokenreviews", namespaced: false, verbs: [.create])

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        var (review, warnings): (TokenReview, [String]) = try call.decodeBody(TokenReview.self)
        guard !review.spec.token.isEmpty else {
            throw .badRequest("token is required for TokenReview in authentication")
        }
        try await call.server.services.waitUntilFresh()
        review.status = TokenReviewStatus()
        let wanted: [String] = review.spec.audiences.isEmpty ? audiences : review.spec.audiences
        switch tokens.authenticate(token: review.spec.token, audiences: wanted) {
        case .authenticated(let user, let matched):
            review.status.authenticated = true
            review.status.audiences = matched
            review.status.user = user.authenticated().message
        case .unknown: review.status.error = "invalid bearer token"
        case .refused(let text): review.status.error = "[invalid bearer token, \(text)]"
        }
        return APIResponse(code: 201, body: .json(review.jsonBytes), warnings: warnings)
    }
}

/// `POST selfsubjectreviews`: who am I?
package struct SelfSubjectReviewResource: VirtualResource {
    package init() {}

    package let info = ResourceInfo(
        SelfSubjectReview.gvk, resource: "selfsubjectreviews", namespaced: false, verbs: [.create])

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        let (_, warnings): (SelfSubjectReview, [String]) = try call.decodeBody(SelfSubjectReview.self)
        let review = SelfSubjectReview.with {
            $0.metadata.creationTimestamp = call.context.now
            $0.status.userInfo = call.context.user.message
        }
        return APIResponse(code: 201, body: .json(review.jsonBytes), warnings: warnings)
    }
}

extension UserInfo {
    /// As the API shows it.
    fileprivate var message: APIAuthentication.UserInfo {
        APIAuthentication.UserInfo.with {
            $0.username = name
            $0.uid = uid
            $0.groups = groups
            $0.extra = extra
        }
    }
}
