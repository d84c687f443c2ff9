import APIAuthorization
import APIMachinery
import Codec

/// What access reviews have in common.
enum AccessQuestion {
    // MARK: - Validation

    static func validate(_ spec: SubjectAccessReviewSpec) -> FieldErrors {
        var errors: FieldErrors = validate(spec.resourceAttributes, spec.nonResourceAttributes)
        if spec.user.isEmpty, spec.groups.isEmpty {
            errors.append(
                .invalid(FieldPath("spec").child("user"), spec.user, "at least one of user or group must be specified"))
        }
        return errors
    }

    static func validate(_ resource: ResourceAttributes?, _ nonResource: NonResourceAttributes?) -> FieldErrors {
        var errors = FieldErrors()
        let path = FieldPath("spec")
        switch (resource, nonResource) {
        case (.some, .some(let given)):
            errors.append(
                .invalid(
                    path.child("nonResourceAttributes"), given,
                    "cannot be specified in combination with resourceAttributes"))
        case (nil, nil):
            errors.append(
                .invalid(
                    path.child("resourceAttributes"), nonResource,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
        default: break
        }
        if let selector = resource?.fieldSelector, !selector.rawSelector.isEmpty, !selector.requirements.isEmpty {
            errors.append(
                .invalid(
                    path.child("resourceAttributes").child("fieldSelector").child("rawSelector"),
                    selector.rawSelector, "may not specified at the same time as requirements"))
        }
        if let selector = resource?.labelSelector, !selector.rawSelector.isEmpty, !selector.requirements.isEmpty {
            errors.append(
                .invalid(
                    path.child("resourceAttributes").child("labelSelector").child("rawSelector"),
                    selector.rawSelector, "may not specified at the same time as requirements"))
        }
        return errors
    }

    static func requireEmpty(_ metadata: ObjectMeta, _ detail: String = "must be empty") -> FieldErrors {
        var rest: ObjectMeta = metadata
        rest.managedFields = []
        return rest == ObjectMeta() ? FieldErrors() : [.invalid(FieldPath("metadata"), metadata, detail)]
    }

    // MARK: - The question

    static func attributes(_ spec: SubjectAccessReviewSpec) -> AuthorizationAttributes {
        attributes(
            UserInfo(name: spec.user, uid: spec.uid, groups: spec.groups, extra: spec.extra), spec.resourceAttributes,
            spec.nonResourceAttributes)
    }

    static func attributes(
        _ user: UserInfo, _ resource: ResourceAttributes?, _ nonResource: NonResourceAttributes?
    ) -> AuthorizationAttributes {
        guard let resource else {
            return AuthorizationAttributes(user: user, verb: nonResource?.verb ?? "", path: nonResource?.path ?? "")
        }
        var attributes = AuthorizationAttributes(
            user: user, verb: resource.verb, group: resource.group, version: resource.version,
            resource: resource.resource, subresource: resource.subresource, namespace: resource.namespace,
            name: resource.name)
        if let selector = resource.fieldSelector { attributes.fields = fields(selector) }
        return attributes
    }

    /// What cannot be understood limits nothing, so it allows nothing that needs a limit.
    private static func fields(_ selector: FieldSelectorAttributes) -> FieldQuery {
        if !selector.rawSelector.isEmpty {
            return (try? FieldQuery(parsing: selector.rawSelector)) ?? .everything
        }
        return FieldQuery(
            selector.requirements.compactMap { requirement in
                guard requirement.values.count == 1 else { return nil }
                switch requirement.`operator` {
                case "In": return FieldQuery.Term(requirement.key, requirement.values[0])
                case "NotIn": return FieldQuery.Term(requirement.key, isNegated: true, requirement.values[0])
                default: return nil
                }
            })
    }

    // MARK: - The answer

    static func answer(_ question: AuthorizationAttributes, _ authorizer: any Authorizer) -> SubjectAccessReviewStatus {
        SubjectAccessReviewStatus.with { status in
            switch authorizer.authorize(question) {
            case .allow(let reason):
                status.allowed = true
                status.reason = reason
            case .deny(let reason):
                status.denied = true
                status.reason = reason
            case .noOpinion(let reason): status.reason = reason
            }
        }
    }
}
