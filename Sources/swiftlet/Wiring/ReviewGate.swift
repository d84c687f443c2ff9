import API
import APIMachinery
import Client
import KubeletServer

/// Decides about requests to the kubelet by asking the API server, as upstream's kubelet does in webhook mode.
struct ReviewGate: KubeletGate {
    private let client: APIClient

    init(_ client: APIClient) {
        self.client = client
    }

    func user(token: String) async -> KubeletUser? {
        var review = TokenReview()
        review.spec.token = token
        do throws(StatusError) {
            let answer: TokenReview = try await client.create(review)
            guard answer.status.authenticated else { return nil }
            let user: APIAuthentication.UserInfo = answer.status.user
            return KubeletUser(name: user.username, uid: user.uid, groups: user.groups)
        } catch {
            // Who cannot be told is nobody.
            return nil
        }
    }

    func allows(_ access: KubeletAccess) async -> Bool {
        var review = SubjectAccessReview()
        review.spec.user = access.user.name
        review.spec.uid = access.user.uid
        review.spec.groups = access.user.groups
        review.spec.resourceAttributes = ResourceAttributes.with { attributes in
            attributes.verb = access.verb
            attributes.resource = "nodes"
            attributes.subresource = access.subresource
            attributes.name = access.node
            attributes.version = "v1"
        }
        do throws(StatusError) {
            let answer: SubjectAccessReview = try await client.create(review)
            return answer.status.allowed
        } catch {
            return false
        }
    }
}
