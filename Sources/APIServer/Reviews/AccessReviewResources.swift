import APIAuthorization
package import APIMachinery
import APIRBAC
import Codec

/// `POST subjectaccessreviews`: may he?
package struct SubjectAccessReviewResource: VirtualResource {
    private let authorizer: any Authorizer

    package init(authorizer: any Authorizer) {
        self.authorizer = authorizer
    }

    package let info = ResourceInfo(
        SubjectAccessReview.gvk, resource: "subjectaccessreviews", namespaced: false, verbs: [.create])

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        var (review, warnings): (SubjectAccessReview, [String]) = try call.decodeBody(SubjectAccessReview.self)
        review.metadata.namespace = ""
        var errors: FieldErrors = AccessQuestion.validate(review.spec)
        errors += AccessQuestion.requireEmpty(review.metadata)
        guard errors.isEmpty else { throw .invalid(SubjectAccessReview.gvk, "", errors) }
        try await call.server.services.waitUntilFresh()
        let question: AuthorizationAttributes = AccessQuestion.attributes(review.spec)
        review.status = AccessQuestion.answer(question, authorizer)
        return APIResponse(code: 201, body: .json(review.jsonBytes), warnings: warnings)
    }
}

/// `POST localsubjectaccessreviews`: may he, in this namespace?
package struct LocalSubjectAccessReviewResource: VirtualResource {
    private let authorizer: any Authorizer

    package init(authorizer: any Authorizer) {
        self.authorizer = authorizer
    }

    package let info = ResourceInfo(
        LocalSubjectAccessReview.gvk, resource: "localsubjectaccessreviews", namespaced: true, verbs: [.create])

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        var (review, warnings): (LocalSubjectAccessReview, [String]) = try call.decodeBody(
            LocalSubjectAccessReview.self)
        if review.metadata.namespace.isEmpty { review.metadata.namespace = call.request.namespace }
        guard review.metadata.namespace == call.request.namespace else {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        var errors: FieldErrors = AccessQuestion.validate(review.spec)
        var metadata: ObjectMeta = review.metadata
        metadata.namespace = ""
        errors += AccessQuestion.requireEmpty(metadata, "must be empty except for namespace")
        let path = FieldPath("spec")
        if let resource = review.spec.resourceAttributes, resource.namespace != review.metadata.namespace {
            errors.append(
                .invalid(
                    path.child("resourceAttributes").child("namespace"), resource.namespace,
                    "must match metadata.namespace"))
        }
        if let nonResource = review.spec.nonResourceAttributes {
            errors.append(
                .invalid(path.child("nonResourceAttributes"), nonResource, "disallowed on this kind of request"))
        }
        guard errors.isEmpty else { throw .invalid(LocalSubjectAccessReview.gvk, "", errors) }
        try await call.server.services.waitUntilFresh()
        review.status = AccessQuestion.answer(AccessQuestion.attributes(review.spec), authorizer)
        return APIResponse(code: 201, body: .json(review.jsonBytes), warnings: warnings)
    }
}

/// `POST selfsubjectaccessreviews`: may I?
package struct SelfSubjectAccessReviewResource: VirtualResource {
    private let authorizer: any Authorizer

    package init(authorizer: any Authorizer) {
        self.authorizer = authorizer
    }

    package let info = ResourceInfo(
        SelfSubjectAccessReview.gvk, resource: "selfsubjectaccessreviews", namespaced: false, verbs: [.create])

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        var (review, warnings): (SelfSubjectAccessReview, [String]) = try call.decodeBody(
            SelfSubjectAccessReview.self)
        review.metadata.namespace = ""
        var errors: FieldErrors = AccessQuestion.validate(
            review.spec.resourceAttributes, review.spec.nonResourceAttributes)
        errors += AccessQuestion.requireEmpty(review.metadata)
        guard errors.isEmpty else { throw .invalid(SelfSubjectAccessReview.gvk, "", errors) }
        try await call.server.services.waitUntilFresh()
        let question: AuthorizationAttributes = AccessQuestion.attributes(
            call.context.user, review.spec.resourceAttributes, review.spec.nonResourceAttributes)
        review.status = AccessQuestion.answer(question, authorizer)
        return APIResponse(code: 201, body: .json(review.jsonBytes), warnings: warnings)
    }
}

/// `POST selfsubjectrulesreviews`: what may I?
package struct SelfSubjectRulesReviewResource: VirtualResource {
    private let resolver: any RuleResolver

    package init(resolver: any RuleResolver) {
        self.resolver = resolver
    }

    package let info = ResourceInfo(
        SelfSubjectRulesReview.gvk, resource: "selfsubjectrulesreviews", namespaced: false, verbs: [.create])

    package func handle(_ call: SubresourceCall) async throws(StatusError) -> APIResponse {
        let (asked, warnings): (SelfSubjectRulesReview, [String]) = try call.decodeBody(SelfSubjectRulesReview.self)
        guard !asked.spec.namespace.isEmpty else { throw .badRequest("no namespace on request") }
        try await call.server.services.waitUntilFresh()
        let found: ResolvedRules = resolver.rules(for: call.context.user, namespace: asked.spec.namespace)
        var review = SelfSubjectRulesReview()
        for rule in found.rules {
            if !rule.resources.isEmpty {
                review.status.resourceRules.append(
                    ResourceRule.with {
                        $0.verbs = rule.verbs
                        $0.apiGroups = rule.apiGroups
                        $0.resources = rule.resources
                        $0.resourceNames = rule.resourceNames
                    })
            }
            if !rule.nonResourceURLs.isEmpty {
                review.status.nonResourceRules.append(
                    NonResourceRule.with {
                        $0.verbs = rule.verbs
                        $0.nonResourceURLs = rule.nonResourceURLs
                    })
            }
        }
        review.status.incomplete = found.isIncomplete
        if !found.errors.isEmpty { review.status.evaluationError = RBACIndex.aggregate(found.errors) }
        return APIResponse(code: 201, body: .json(review.jsonBytes), warnings: warnings)
    }
}
