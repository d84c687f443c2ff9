import APIMachinery

/// Upstream's words for what is not allowed.
enum AuthorizationRefusal {
    static func error(_ attributes: AuthorizationAttributes, _ reason: String) -> StatusError {
        var message: String = text(attributes)
        if !reason.isEmpty { message += ": " + reason }
        guard attributes.isResourceRequest else { return .forbidden(message) }
        let resource = GroupVersionResource(
            group: attributes.group, version: attributes.version, resource: attributes.resource)
        return .forbidden(resource, attributes.name, message)
    }

    private static func text(_ attributes: AuthorizationAttributes) -> String {
        let user: String = GoText.quoted(attributes.user.name)
        guard attributes.isResourceRequest else {
            return "User \(user) cannot \(attributes.verb) path \(GoText.quoted(attributes.path))"
        }
        var resource: String = attributes.resource
        if !attributes.subresource.isEmpty { resource += "/" + attributes.subresource }
        let what: String =
            "User \(user) cannot \(attributes.verb) resource \(GoText.quoted(resource)) in API group "
            + GoText.quoted(attributes.group)
        return attributes.namespace.isEmpty
            ? what + " at the cluster scope" : what + " in the namespace \(GoText.quoted(attributes.namespace))"
    }
}
