package import APIMachinery
package import Flow
package import Store

/// The API server without its sockets: what every transport leads to.
package final class APIServerCore: Sendable {
    package struct Parts: Sendable {
        package var store: any Store
        package var registry: ResourceRegistry
        package var authorizer: any Authorizer
        package var admission: [any AdmissionPlugin] = []
        package var subresources: [any SubresourceHandler] = []
        package var virtualResources: [any VirtualResource] = []
        package var nonResources: [any NonResourceHandler] = []
        package var environment = ServerEnvironment()
        package var flow: FlowRecorder?
        package var audit: AuditLog?
        /// Nil: upstream's seats.
        package var fairness: FlowControl?

        package init(store: any Store, registry: ResourceRegistry, authorizer: any Authorizer) {
            self.store = store
            self.registry = registry
            self.authorizer = authorizer
        }
    }

    package let registry: ResourceRegistry
    package let services: ServerServices
    package let metrics: ServerMetrics
    package let discovery: DiscoveryDocuments
    package let health: HealthChecks
    package let authorizer: any Authorizer
    /// Nil: nothing is kept.
    package let audit: AuditLog?
    /// Who gets in when all want to.
    package let fairness: FlowControl
    let subresources: [String: any SubresourceHandler]
    let virtualResources: [GroupVersionResource: any VirtualResource]
    private let nonResources: NonResourceRouter
    /// Between two looks at the time for all watches.
    private static let tickInterval: Duration = .seconds(1)

    package init(_ parts: Parts) {
        let feed = CacheFeed(store: parts.store, monotonic: parts.environment.monotonic)
        for resource in parts.registry.resources {
            feed.add(
                CacheFeed.Route(
                    cache: resource.cache,
                    snapshot: { (stored: KeyValue) throws(StoreError) -> Snapshot in try resource.snapshot(of: stored) }
                ))
        }
        registry = parts.registry
        authorizer = parts.authorizer
        audit = parts.audit
        let fairness: FlowControl = parts.fairness ?? FlowControl(monotonic: parts.environment.monotonic)
        self.fairness = fairness
        services = ServerServices(
            store: parts.store, feed: feed, environment: parts.environment, admission: parts.admission,
            registry: parts.registry, flow: parts.flow)
        metrics = ServerMetrics(registry: parts.registry, feed: feed)
        health = HealthChecks(feed: feed)
        metrics.add { fairness.writeMetrics(to: &$0) }
        if let audit { metrics.add { audit.writeMetrics(to: &$0) } }
        discovery = DiscoveryDocuments(
            parts.registry.resources.map { $0.info } + parts.virtualResources.map { $0.info })
        var virtual: [GroupVersionResource: any VirtualResource] = [:]
        for resource in parts.virtualResources { virtual[resource.info.gvr] = resource }
        virtualResources = virtual
        var handlers: [String: any SubresourceHandler] = [:]
        let builtin: [any SubresourceHandler] = [BindingHandler()]
        for handler in builtin + parts.subresources {
            handlers[Self.key(handler.resource, handler.subresource)] = handler
        }
        subresources = handlers
        nonResources = NonResourceRouter(
            [health, metrics, DiscoveryHandler(discovery), VersionHandler()] + parts.nonResources)
    }

    static func key(_ resource: GroupVersionResource, _ subresource: String) -> String {
        "\(resource.groupResource)/\(subresource)"
    }

    /// Loads the watch caches; afterwards requests can be answered.
    package func start() async throws(StoreError) {
        try await services.feed.load()
        health.started()
    }

    /// Follows the store and the time until the task is cancelled; then all watches end.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.services.feed.run() }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: Self.tickInterval)
                    self.tick()
                }
            }
            await group.waitForAll()
        }
        health.stopping()
        for resource in registry.resources { resource.cache.endWatches() }
    }

    /// Looks at the time for all watches: bookmarks and ends.
    package func tick() {
        let now: Duration = services.environment.monotonic()
        services.feed.tick(now: now)
        fairness.tick()
        let known: Revision = services.feed.revision
        for resource in registry.resources { resource.cache.tick(now: now, known: known) }
    }

    /// Answers `/healthz`, `/apis`, … ; the request has been authorized.
    package func nonResource(_ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse? {
        guard let handler = nonResources.handler(request.path) else { return nil }
        return try handler.handle(request)
    }

    /// Whether `nonResource` may be called on an event loop.
    package func isQuick(_ request: NonResourceRequest) -> Bool {
        nonResources.handler(request.path)?.isQuick(request) ?? true
    }

    /// What a request's body is an object of; nil where it is something else, or nobody knows.
    package func resource(ofBody context: RequestContext) -> (any ServedResource)? {
        context.isResourceRequest && (context.subresource.isEmpty || context.subresource == "status")
            ? registry.resource(context.resource) : nil
    }

    /// How many requests' place one takes: a long list that of several, in upstream's numbers.
    package func seats(of request: APIRequest) -> Int {
        guard request.verb == .list, let resource = registry.resource(request.resource) else { return 1 }
        return min(10, max(1, (resource.cache.count + 99) / 100))
    }

    // MARK: - Authorization

    package func authorize(_ context: RequestContext) throws(StatusError) {
        let reason: String
        switch authorizer.authorize(AuthorizationAttributes(context)) {
        case .allow(let why):
            context.audit?.annotate("authorization.k8s.io/decision", "allow")
            context.audit?.annotate("authorization.k8s.io/reason", why)
            return
        case .deny(let text), .noOpinion(let text): reason = text
        }
        context.audit?.annotate("authorization.k8s.io/decision", "forbid")
        context.audit?.annotate("authorization.k8s.io/reason", reason)
        var message: String = Self.refusal(context)
        if !reason.isEmpty { message += ": " + reason }
        guard context.isResourceRequest else { throw .forbidden(message) }
        throw .forbidden(context.resource, context.name, message)
    }

    private static func refusal(_ context: RequestContext) -> String {
        let user: String = quoted(context.user.name)
        guard context.isResourceRequest else {
            return "User \(user) cannot \(context.verb) path \(quoted(context.path))"
        }
        var resource: String = context.resource.resource
        if !context.subresource.isEmpty { resource += "/" + context.subresource }
        let what: String =
            "User \(user) cannot \(context.verb) resource \(quoted(resource)) in API group "
            + quoted(context.resource.group)
        return context.namespace.isEmpty
            ? what + " at the cluster scope" : what + " in the namespace \(quoted(context.namespace))"
    }

    private static func quoted(_ text: String) -> String {
        ShownValue.text(text)
    }
}

/// Finds the handler of a path.
struct NonResourceRouter: Sendable {
    private var exact: [String: any NonResourceHandler] = [:]
    /// Longest first.
    private var prefixes: [(prefix: String, handler: any NonResourceHandler)] = []

    init(_ handlers: [any NonResourceHandler]) {
        for handler in handlers {
            for path in handler.paths {
                if path.hasSuffix("*") {
                    prefixes.append((String(path.dropLast()), handler))
                } else {
                    exact[path] = handler
                }
            }
        }
        prefixes.sort { $0.prefix.utf8.count > $1.prefix.utf8.count }
    }

    func handler(_ path: String) -> (any NonResourceHandler)? {
        exact[path] ?? prefixes.first { path.hasPrefix($0.prefix) }?.handler
    }
}
