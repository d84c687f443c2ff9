import APIApply
package import APIMachinery
import Codec
import Store

/// A watch, and the resource that its events are of.
package struct ServedWatch: Sendable {
    package var resource: any ServedResource
    package var watch: OpenWatch
}

extension APIServerCore {
    /// How long a watch lasts if the client does not say; upstream's range.
    private static let watchSeconds: ClosedRange<UInt64> = 1800...3600

    /// What is served under that name, stored or not.
    package func info(_ gvr: GroupVersionResource) -> ResourceInfo? {
        registry.resource(gvr)?.info ?? virtualResources[gvr]?.info
    }

    private func checkScope(_ request: APIRequest, _ info: ResourceInfo) throws(StatusError) {
        if !info.namespaced, !request.namespace.isEmpty, info.gvr.resource != "namespaces" { throw Self.noSuchPath }
        if info.namespaced, request.namespace.isEmpty {
            switch request.verb {
            case .list, .watch: return
            // The path is there for lists alone.
            case .create where request.name.isEmpty, .deletecollection:
                throw .methodNotSupported(info.gvr, request.verb.rawValue)
            default: throw Self.noSuchPath
            }
        }
    }

    /// What nobody serves.
    package static let noSuchPath = StatusError(.notFound, "the server could not find the requested resource")

    /// Answers a read that needs no waiting; nil if it has to be asked through `perform`. For event loops.
    package func readNow(_ request: APIRequest, _ context: RequestContext) throws(StatusError) -> APIResponse? {
        guard request.subresource.isEmpty || request.subresource == "status",
            let resource = registry.resource(request.resource)
        else { return nil }
        switch request.verb {
        case .get:
            guard services.feed.isFresh, resource.info.verbs.contains(.get) else { return nil }
            try checkScope(request, resource.info)
            if let wanted = try Self.wantedRevision(request, resource.info), wanted > services.feed.revision {
                return nil
            }
            return try get(resource, request)
        case .list:
            guard resource.info.verbs.contains(.list), request.subresource.isEmpty else { return nil }
            try checkScope(request, resource.info)
            return try ListReader(
                resource: resource, services: services, options: try ListOptions(query: request.query),
                namespace: request.namespace
            ).immediate()
        default: return nil
        }
    }

    /// The revision that the answer must not be older than; nil if any will do.
    private static func wantedRevision(_ request: APIRequest, _ info: ResourceInfo) throws(StatusError) -> Revision? {
        guard let text = request.query.first(where: { $0.name == "resourceVersion" })?.value else { return nil }
        var options = ListOptions()
        options.resourceVersion = text
        return try options.revision(for: info.gvk)
    }

    private func get(_ resource: any ServedResource, _ request: APIRequest) throws(StatusError) -> APIResponse {
        let info: ResourceInfo = resource.info
        guard let found = resource.cache.get(info.key(namespace: request.namespace, name: request.name)) else {
            throw .notFound(info.gvr, request.name)
        }
        return APIResponse(code: 200, body: .object(try resource.presented(found.snapshot)))
    }

    /// What decides about other requests before anything can be waited for: who may do what, and whose token counts.
    /// By the time a write to these is answered, the caches must show it.
    private static let decidingResources: Set<String> = [
        "clusterrolebindings.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io", "namespaces",
        "rolebindings.rbac.authorization.k8s.io", "roles.rbac.authorization.k8s.io", "secrets", "serviceaccounts",
    ]

    /// Answers one authorized request, other than a watch.
    package func perform(_ request: APIRequest, _ given: RequestContext) async throws(StatusError) -> APIResponse {
        if let answer = try readNow(request, given) { return answer }
        let response: APIResponse = try await answer(request, given)
        let isRead: Bool = request.verb == .get || request.verb == .list
        if !isRead, Self.decidingResources.contains(request.resource.groupResource) {
            // The write is done and stays so, whether or not this succeeds.
            try? await services.waitUntilFresh()
        }
        return response
    }

    private func answer(_ request: APIRequest, _ given: RequestContext) async throws(StatusError) -> APIResponse {
        if let virtual = virtualResources[request.resource] {
            guard request.subresource.isEmpty else { throw Self.noSuchPath }
            guard virtual.info.verbs.contains(request.verb) else {
                throw .methodNotSupported(virtual.info.gvr, request.verb.rawValue)
            }
            try checkScope(request, virtual.info)
            return try await virtual.handle(
                SubresourceCall(context: given, request: request, info: virtual.info, server: self))
        }
        guard let resource = registry.resource(request.resource) else { throw Self.noSuchPath }
        try checkScope(request, resource.info)
        if !request.subresource.isEmpty { return try await performSubresource(request, given, resource) }
        guard resource.info.verbs.contains(request.verb) else {
            throw .methodNotSupported(resource.info.gvr, request.verb.rawValue)
        }
        switch request.verb {
        case .get:
            try await services.waitUntilFresh()
            if let wanted = try Self.wantedRevision(request, resource.info) { try await services.wait(for: wanted) }
            return try get(resource, request)
        case .list:
            return try await ListReader(
                resource: resource, services: services, options: try ListOptions(query: request.query),
                namespace: request.namespace
            ).answer()
        case .watch: throw .badRequest("a watch is no single answer")
        case .create, .update, .patch:
            try Self.checkTarget(request)
            return try await write(request, given, resource)
        case .delete: return try await delete(request, given, resource)
        case .deletecollection: return try await deleteCollection(request, given, resource)
        }
    }

    // MARK: - Writes

    /// A create is of a collection; an update and a patch are of one object.
    private static func checkTarget(_ request: APIRequest) throws(StatusError) {
        let wantsName: Bool = request.verb != .create
        if wantsName != request.name.isEmpty { return }
        throw StatusError(.methodNotAllowed, "the server does not allow this method on the requested resource")
    }

    private func writeCall(_ request: APIRequest, _ given: RequestContext) throws(StatusError) -> WriteCall {
        let action: WriteOptions.Action
        switch request.verb {
        case .create: action = .create
        case .patch:
            if case .apply = try PatchKind(contentType: request.contentType) {
                action = .apply
            } else {
                action = .patch
            }
        default: action = .update
        }
        let options: WriteOptions = try WriteOptions(query: request.query, for: action)
        var context: RequestContext = given
        context.dryRun = options.isDryRun
        context.fieldManager =
            options.fieldManager.isEmpty ? FieldOwner.manager(userAgent: given.userAgent) : options.fieldManager
        var call = WriteCall(
            context: context, services: services, options: options, body: request.body,
            contentType: request.contentType)
        if request.verb != .create {
            var create: RequestContext = given
            create.verb = "create"
            let attributes: RequestContext = create
            call.authorizeCreate = { () throws(StatusError) -> Void in try self.authorize(attributes) }
        }
        return call
    }

    private func write(_ request: APIRequest, _ given: RequestContext, _ resource: any ServedResource)
        async throws(StatusError) -> APIResponse
    {
        let call: WriteCall = try writeCall(request, given)
        let result: WriteResult
        switch request.verb {
        case .create: result = try await resource.create(call)
        case .patch: result = try await resource.patch(call)
        default: result = try await resource.update(call)
        }
        return APIResponse(code: result.created ? 201 : 200, body: .object(result.snapshot), warnings: result.warnings)
    }

    private func performSubresource(_ request: APIRequest, _ context: RequestContext, _ resource: any ServedResource)
        async throws(StatusError) -> APIResponse
    {
        let info: ResourceInfo = resource.info
        if let handler = subresources[Self.key(info.gvr, request.subresource)] {
            guard info.subresource(request.subresource)?.verbs.contains(request.verb.rawValue) ?? true else {
                throw .methodNotSupported(info.gvr, request.verb.rawValue)
            }
            return try await handler.handle(
                SubresourceCall(context: context, request: request, info: info, server: self))
        }
        guard let subresource = info.subresource(request.subresource) else { throw Self.noSuchPath }
        guard subresource.verbs.contains(request.verb.rawValue) else {
            throw .methodNotSupported(info.gvr, request.verb.rawValue)
        }
        if request.subresource == "scale", resource.hasScale {
            let call: WriteCall = try writeCall(request, context)
            if request.verb == .get { try await services.waitUntilFresh() }
            let scale: [UInt8] =
                request.verb == .get
                ? try await resource.getScale(call)
                : try await resource.updateScale(call, isPatch: request.verb == .patch)
            return APIResponse(code: 200, body: .json(scale))
        }
        guard subresource.gvk == info.gvk else { throw Self.noSuchPath }
        switch request.verb {
        case .get:
            try await services.waitUntilFresh()
            return try get(resource, request)
        case .update, .patch: return try await write(request, context, resource)
        default: throw .methodNotSupported(info.gvr, request.verb.rawValue)
        }
    }

    // MARK: - Deletions

    private func deleteOptions(_ request: APIRequest) throws(StatusError) -> DeleteOptions {
        let options: DeleteOptions
        if request.body.isEmpty {
            options = try DeleteOptions(query: request.query)
        } else {
            var decoded: DeleteOptions = try BodyDecoder.decode(
                deleteOptions: request.body, contentType: request.contentType)
            // Upstream reads dryRun from the query, too.
            let asked: DeleteOptions = try DeleteOptions(query: request.query)
            if decoded.dryRun.isEmpty { decoded.dryRun = asked.dryRun }
            options = decoded
        }
        try options.check()
        return options
    }

    private static func deletion(_ options: DeleteOptions) -> DeletionRequest {
        var propagation: DeleteOptions.Propagation? = options.propagation
        if let orphans = options.orphanDependents { propagation = orphans ? .orphan : .background }
        return DeletionRequest(
            // Upstream takes a negative grace period for one second.
            gracePeriodSeconds: options.gracePeriodSeconds.map { $0 < 0 ? 1 : $0 }, propagation: propagation,
            uid: options.preconditions?.uid, resourceVersion: options.preconditions?.resourceVersion,
            dryRun: options.isDryRun)
    }

    private func delete(_ request: APIRequest, _ given: RequestContext, _ resource: any ServedResource)
        async throws(StatusError) -> APIResponse
    {
        let options: DeleteOptions = try deleteOptions(request)
        var context: RequestContext = given
        context.dryRun = options.isDryRun
        let result: DeleteResult = try await resource.delete(
            WriteCall(context: context, services: services), Self.deletion(options))
        let waits: Bool = options.orphanDependents == false || options.propagation == .foreground
        let code: Int = !result.deleted && waits ? 202 : 200
        if !result.deleted || resource.returnsDeletedObject {
            return APIResponse(code: code, body: .object(result.snapshot), warnings: result.warnings)
        }
        let info: ResourceInfo = resource.info
        let status = Status.with { status in
            status.status = "Success"
            status.details = StatusDetails.with { details in
                details.name = context.name
                details.group = info.gvr.group
                details.kind = info.gvr.resource
                details.uid = result.uid
            }
        }
        return APIResponse(code: code, body: .json(status.jsonBytes), warnings: result.warnings)
    }

    /// Deletes what a list would show; what is gone already does not matter.
    private func deleteCollection(_ request: APIRequest, _ given: RequestContext, _ resource: any ServedResource)
        async throws(StatusError) -> APIResponse
    {
        let options: DeleteOptions = try deleteOptions(request)
        let deletion: DeletionRequest = Self.deletion(options)
        let listed: APIResponse = try await ListReader(
            resource: resource, services: services, options: try ListOptions(query: request.query),
            namespace: request.namespace
        ).answer()
        guard case .list(let items, let revision, let token, let remaining) = listed.body else { return listed }
        var warnings: [String] = []
        for item in items {
            var context: RequestContext = given
            context.dryRun = options.isDryRun
            context.namespace = item.namespace
            context.name = item.name
            do throws(StatusError) {
                let result: DeleteResult = try await resource.delete(
                    WriteCall(context: context, services: services), deletion)
                warnings += result.warnings
            } catch {
                if error.code != 404 { throw error }
            }
        }
        return APIResponse(
            code: 200,
            body: .list(items: items, revision: revision, continueToken: token, remaining: remaining),
            warnings: warnings)
    }

    // MARK: - Watches

    /// Opens a watch for an authorized request.
    package func watch(_ request: APIRequest, _ context: RequestContext) async throws(StatusError) -> ServedWatch {
        guard let resource = registry.resource(request.resource), request.subresource.isEmpty else {
            throw Self.noSuchPath
        }
        try checkScope(request, resource.info)
        guard resource.info.verbs.contains(.watch) else { throw .methodNotSupported(resource.info.gvr, "watch") }
        var query: [(name: String, value: String)] = request.query.filter { $0.name != "watch" }
        query.append(("watch", "true"))
        let options: ListOptions = try ListOptions(query: query)
        var fields: FieldQuery = options.fields
        if !request.name.isEmpty {
            fields = FieldQuery(fields.terms + [FieldQuery.Term("metadata.name", request.name)])
        }
        let filter: ObjectFilter = try resource.filter(
            namespace: request.namespace, labels: options.labels, fields: fields)
        var start: ResourceCache.Start = try await begin(options, resource)
        var history: (events: [CachedEvent], after: Revision)?
        if case .after(let revision) = start, revision < resource.cache.windowStart {
            let found: WatchHistory.Found = try await missed(after: revision, resource)
            history = (found.events, revision)
            start = .after(found.revision)
        }
        let now: Duration = services.environment.monotonic()
        let lasts: Int = options.timeoutSeconds.flatMap { $0 > 0 ? $0 : nil } ?? randomSeconds()
        var setup = ResourceCache.WatchSetup(
            filter: filter, start: start, now: now, deadline: now + .seconds(lasts))
        setup.history = history
        if options.allowWatchBookmarks {
            setup.bookmark = { resource.bookmark($0, endsInitialEvents: $1) }
        }
        return ServedWatch(
            resource: resource, watch: try resource.cache.watch(setup, known: services.feed.revision))
    }

    /// What the cache has forgotten since `revision` and the store has not.
    private func missed(after revision: Revision, _ resource: any ServedResource)
        async throws(StatusError) -> WatchHistory.Found
    {
        let history = WatchHistory(store: services.store, resource: resource)
        let found: WatchHistory.Found = try await history.changes(
            after: revision, through: resource.cache.windowStart)
        let oldest: Revision = resource.cache.windowStart
        guard found.revision >= oldest else { throw .tooOldResourceVersion(revision, oldest: oldest) }
        return found
    }

    private func begin(_ options: ListOptions, _ resource: any ServedResource)
        async throws(StatusError) -> ResourceCache.Start
    {
        let revision: Int64? = try options.revision(for: resource.info.gvk)
        let marksEnd: Bool = options.sendInitialEvents == true
        switch revision {
        case nil:
            try await services.waitUntilFresh()
            if options.sendInitialEvents == false {
                return .after(max(services.feed.revision, resource.cache.lastChange))
            }
            return .current(marksEnd: marksEnd)
        case 0:
            return options.sendInitialEvents == false ? .after(services.feed.revision) : .current(marksEnd: marksEnd)
        case let revision?:
            if marksEnd {
                try await services.wait(for: revision)
                return .current(marksEnd: true)
            }
            return .after(revision)
        }
    }

    private func randomSeconds() -> Int {
        let span: UInt64 = Self.watchSeconds.upperBound - Self.watchSeconds.lowerBound + 1
        return Int(Self.watchSeconds.lowerBound + services.environment.random() % span)
    }
}
