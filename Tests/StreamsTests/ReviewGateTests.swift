import APIAuthentication
import APIAuthorization
import APIMachinery
import Codec
import KubeletServer
import Synchronization
import Testing

@Suite struct ReviewGateTests {
    /// Knows the token `good`, and lets `jane` get metrics; counts what it is asked.
    private final class Reviews: Transport {
        let asked: Mutex<[String]> = Mutex([])
        let isDown: Mutex<Bool> = Mutex(false)

        func perform(_ request: APIRequest) async throws(StatusError) -> APIResponse {
            asked.withLock { $0.append(request.resource.resource) }
            if isDown.withLock({ $0 }) { throw .connectionFailure("down") }
            if var review = try? JSONReader.decode(TokenReview.self, from: request.body), !review.spec.token.isEmpty {
                review.status.authenticated = review.spec.token == "good"
                review.status.user.username = "jane"
                review.status.user.groups = ["dev"]
                return APIResponse(code: 201, body: .json(review.jsonBytes))
            }
            guard var review = try? JSONReader.decode(SubjectAccessReview.self, from: request.body) else {
                throw .badRequest("no review")
            }
            let wanted: ResourceAttributes? = review.spec.resourceAttributes
            review.status.allowed =
                review.spec.user == "jane" && wanted?.resource == "nodes" && wanted?.subresource == "metrics"
                && wanted?.name == "node" && wanted?.verb == "get"
            return APIResponse(code: 201, body: .json(review.jsonBytes))
        }

        func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream { throw .badRequest("no") }
    }

    @Test func `answers are asked for once, and kept for their time`() async {
        let reviews = Reviews()
        let time: Mutex<ContinuousClock.Instant> = Mutex(.now)
        let gate = ReviewGate(transport: reviews, now: { time.withLock { $0 } })
        let jane: KubeletUser? = await gate.user(token: "good")
        #expect(jane == KubeletUser(name: "jane", groups: ["dev"]))
        #expect(await gate.user(token: "good") == jane)
        #expect(await gate.user(token: "bad") == nil)
        #expect(reviews.asked.withLock { $0.count } == 2)
        func access(_ subresource: String) -> KubeletAccess {
            KubeletAccess(user: jane ?? .anonymous, verb: "get", node: "node", subresource: subresource)
        }
        #expect(await gate.allows(access("metrics")))
        #expect(await !gate.allows(access("proxy")))
        reviews.isDown.withLock { $0 = true }
        #expect(await gate.allows(access("metrics")))
        #expect(await !gate.allows(access("stats")))
        time.withLock { $0 += .seconds(301) }
        #expect(await !gate.allows(access("metrics")))
        #expect(await gate.user(token: "good") == nil)
    }
}
