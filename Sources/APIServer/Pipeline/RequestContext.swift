package import APIMachinery
package import Flow

/// One request on its way through the pipeline: who asks for what, and why.
package struct RequestContext: Sendable {
    /// The audit id; also the request's id in the flow recorder.
    package var id: String
    package var user: UserInfo
    /// Upstream's request verb: `get`, …, `deletecollection`; for non-resource requests the method in lower case.
    package var verb: String
    package var resource: GroupVersionResource
    /// Empty for cluster-scoped resources and for requests over all namespaces.
    package var namespace: String
    package var name: String
    package var subresource: String
    /// What a list or watch asks for, as far as it can be parsed; some authorizers look at it.
    package var fields: FieldQuery = .everything
    /// The URL's path, for non-resource requests.
    package var path: String
    package var causes: [Cause]
    /// Nothing is written, everything else is done.
    package var dryRun: Bool
    /// `fieldManager` of the query, else what upstream derives from the user agent.
    package var fieldManager: String
    package var sourceIP: String
    package var userAgent: String
    package var receivedAt: MicroTime
    /// Where the audit log's annotations go; nil if the request is not logged.
    package var audit: AuditTrail?

    package init(
        id: String = "", user: UserInfo, verb: String = "", resource: GroupVersionResource = .none,
        namespace: String = "",
        name: String = "", subresource: String = "", path: String = "", causes: [Cause] = [], dryRun: Bool = false,
        fieldManager: String = "", sourceIP: String = "", userAgent: String = "",
        receivedAt: MicroTime = MicroTime(Time())
    ) {
        self.id = id
        self.user = user
        self.verb = verb
        self.resource = resource
        self.namespace = namespace
        self.name = name
        self.subresource = subresource
        self.path = path
        self.causes = causes
        self.dryRun = dryRun
        self.fieldManager = fieldManager
        self.sourceIP = sourceIP
        self.userAgent = userAgent
        self.receivedAt = receivedAt
    }

    package var now: Time { receivedAt.time }
    package var isResourceRequest: Bool { !resource.resource.isEmpty }
}

extension GroupVersionResource {
    /// What non-resource requests carry.
    package static let none = GroupVersionResource(group: "", version: "", resource: "")
}

extension RequestContext {
    /// The context of a resource request, as upstream's authorization sees it: a namespace is within itself, and a list
    /// or watch for one name is about that name.
    package init(_ request: APIRequest, id: String, user: UserInfo, receivedAt: MicroTime) {
        var namespace: String = request.namespace
        var name: String = request.name
        if request.resource.resource == "namespaces", request.resource.group.isEmpty, !name.isEmpty { namespace = name }
        var selected: FieldQuery = .everything
        if request.verb == .list || request.verb == .watch || request.verb == .deletecollection,
            let text = request.query.first(where: { $0.name == "fieldSelector" })?.value,
            let fields = try? FieldQuery(parsing: text)
        {
            selected = fields
            if name.isEmpty, let wanted = fields.requiredValue(of: "metadata.name") { name = wanted }
        }
        self.init(
            id: id, user: user, verb: request.verb.rawValue, resource: request.resource, namespace: namespace,
            name: name, subresource: request.subresource, causes: request.causes, receivedAt: receivedAt)
        fields = selected
    }
}
