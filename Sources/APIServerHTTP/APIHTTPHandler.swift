import APIMachinery
package import APIServer
import Flow
package import HTTPServer

/// Leads HTTP requests to the API server: target → who → may they → pipeline → answer.
///
/// Small reads are answered on the event loop, in this call. Everything else is handed to a task.
package final class APIHTTPHandler: HTTPHandler {
    package struct Configuration: Sendable {
        package var authenticator: any Authenticator
        /// Makes an identity of a verified client certificate.
        package var identify: @Sendable ([UInt8]) -> PeerIdentity? = { _ in nil }
        /// For which paths a request without credentials is `system:anonymous`; else it gets 401.
        package var anonymous: AnonymousPolicy = .everything
        /// After this a request gets 504, though its work may still be done; upstream's default.
        package var requestTimeout: Duration = .seconds(60)
        package var connectHandlers: [any ConnectHandler] = []

        package init(authenticator: any Authenticator) {
            self.authenticator = authenticator
        }
    }

    /// Upstream's limit of a resource's body.
    private static let bodyLimit: Int = 3 * 1024 * 1024

    let core: APIServerCore
    let configuration: Configuration
    let pending: PendingRequests
    private let compression = AnswerCompression()
    private let connectHandlers: [String: any ConnectHandler]

    package init(core: APIServerCore, configuration: Configuration) {
        self.core = core
        self.configuration = configuration
        self.pending = PendingRequests(limit: configuration.requestTimeout)
        var handlers: [String: any ConnectHandler] = [:]
        for handler in configuration.connectHandlers {
            handlers["\(handler.resource.groupResource)/\(handler.subresource)"] = handler
        }
        connectHandlers = handlers
    }

    /// Answers requests that take too long, until the task is cancelled.
    package func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            pending.expire(now: core.services.environment.monotonic())
        }
    }

    package func identify(peerCertificate: [UInt8]) -> (any Sendable)? {
        configuration.identify(peerCertificate)
    }

    package func bodyLimit(method: String, target: String) -> Int? { Self.bodyLimit }

    package func bodyTooLarge(fields: HTTPFields, limit: Int) -> (contentType: String, body: [UInt8])? {
        let negotiation = Negotiation(
            forErrors: fields["accept"] ?? "", query: [], userAgent: fields["user-agent"] ?? "")
        let encoder = ResponseEncoder(negotiation, now: core.services.environment.clock.now)
        let error = StatusError.requestEntityTooLarge("limit is \(limit)")
        guard let encoded = try? encoder.encode(json: error.body), case .whole(let body) = encoded.body else {
            return nil
        }
        return (encoded.contentType, body)
    }

    package func handle(_ http: HTTPRequest, responder: HTTPResponder) {
        let answer = Answer(http, responder, core: core, compression: compression)
        do throws(StatusError) {
            try route(http, answer)
        } catch {
            answer.fail(error)
        }
    }

    // MARK: - Routing

    private func route(_ http: HTTPRequest, _ answer: Answer) throws(StatusError) {
        let target: RequestTarget
        do throws(RequestTarget.Failure) {
            target = try RequestTarget(http.target)
        } catch {
            switch error {
            case .badPath(let text), .badQuery(let text): throw .badRequest(text)
            }
        }
        answer.use(target)
        let user: UserInfo
        do throws(StatusError) {
            user = try authenticate(http, target)
        } catch {
            auditRefusal(http, target, answer)
            throw error
        }
        guard let resource = target.resource else {
            try routeNonResource(http, target, user, answer)
            return
        }
        guard let verb = target.verb(method: http.method) else {
            throw .methodNotSupported(resource.gvr, http.method)
        }
        var request = APIRequest(
            verb, resource.gvr, namespace: resource.namespace, name: resource.name, subresource: resource.subresource,
            query: target.query, body: http.body, contentType: http.fields["content-type"] ?? "", causes: [])
        var context = RequestContext(request, id: answer.id, user: user, receivedAt: answer.receivedAt)
        try identify(&context, http, answer)
        request.causes = causes(http, context.user)
        context.causes = request.causes
        answer.use(context)
        answer.use(core.fairness.match(context))
        try core.authorize(context)
        try dispatch(http, request, context, resource, answer)
    }

    /// Completes the context of an authenticated request: where it comes from, its audit record, whom it acts as.
    private func identify(_ context: inout RequestContext, _ http: HTTPRequest, _ answer: Answer) throws(StatusError) {
        context.sourceIP = http.connection.remoteHost
        context.userAgent = http.fields["user-agent"] ?? ""
        let audit: AuditEntry? = core.audit?.begin(
            context, uri: http.target, body: http.body, contentType: http.fields["content-type"] ?? "",
            resource: core.resource(ofBody: context))
        if let audit {
            answer.use(audit)
            context.audit = audit.trail
        }
        // Names are lower case here. Hardly any request has one of these, and all are asked.
        guard http.fields.fields.contains(where: { $0.name.utf8.starts(with: "impersonate-".utf8) }),
            let wish = Impersonation(headers: http.fields.fields.lazy.map { ($0.name, $0.value) })
        else { return }
        do throws(StatusError) {
            context.user = try wish.resolve(requester: context.user, authorizer: core.authorizer)
        } catch {
            context.audit?.annotate("authorization.k8s.io/decision", "forbid")
            throw error
        }
        audit?.impersonate(context.user)
    }

    /// A request whose sender is not known, as upstream keeps it.
    private func auditRefusal(_ http: HTTPRequest, _ target: RequestTarget, _ answer: Answer) {
        guard let log = core.audit else { return }
        var context = RequestContext(
            id: answer.id, user: UserInfo(name: ""), verb: http.method.lowercased(), path: target.path,
            sourceIP: http.connection.remoteHost, userAgent: http.fields["user-agent"] ?? "",
            receivedAt: answer.receivedAt)
        if let resource = target.resource, let verb = target.verb(method: http.method) {
            context.verb = verb.rawValue
            context.resource = resource.gvr
            context.namespace = resource.namespace
            context.name = resource.name
            context.subresource = resource.subresource
        }
        if let audit = log.begin(context, uri: http.target) { answer.use(audit) }
    }

    private func routeNonResource(_ http: HTTPRequest, _ target: RequestTarget, _ user: UserInfo, _ answer: Answer)
        throws(StatusError)
    {
        var context = RequestContext(
            id: answer.id, user: user, verb: http.method.lowercased(), path: target.path,
            receivedAt: answer.receivedAt)
        try identify(&context, http, answer)
        answer.use(context)
        answer.use(core.fairness.match(context))
        try core.authorize(context)
        let request = NonResourceRequest(
            method: http.method, path: target.path, query: target.query, accept: http.fields["accept"] ?? "",
            etag: http.fields["if-none-match"] ?? "", context: context)
        guard core.isQuick(request) else {
            RequestTasks.start { self.sendNonResource(request, answer) }
            return
        }
        sendNonResource(request, answer)
    }

    private func sendNonResource(_ request: NonResourceRequest, _ answer: Answer) {
        do throws(StatusError) {
            answer.send(try core.nonResource(request) ?? .text("404 page not found\n", code: 404))
        } catch {
            answer.fail(error)
        }
    }

    private func dispatch(
        _ http: HTTPRequest, _ request: APIRequest, _ context: RequestContext, _ target: RequestTarget.Resource,
        _ answer: Answer
    ) throws(StatusError) {
        guard let info = core.info(request.resource) else {
            answer.send(.text("404 page not found\n", code: 404))
            return
        }
        if !request.subresource.isEmpty,
            let handler = connectHandlers["\(info.gvr.groupResource)/\(request.subresource)"]
        {
            let call = ConnectCall(
                context: context, request: request, rest: target.rest, http: http, info: info, server: core)
            answer.started(code: 101)
            handler.connect(call, responder: answer.responder)
            return
        }
        guard target.rest.isEmpty else {
            answer.send(.text("404 page not found\n", code: 404))
            return
        }
        try answer.negotiate(
            http, isWatch: request.verb == .watch,
            hasTable: core.registry.resource(request.resource) != nil || info.verbs.contains(.list))
        if request.verb == .watch {
            RequestTasks.start { await self.watch(request, context, answer) }
            return
        }
        if let response = try core.readNow(request, context) {
            let resource: (any ServedResource)? = core.registry.resource(request.resource)
            if answer.isCheap(response) {
                answer.send(response, of: resource)
            } else {
                RequestTasks.start { answer.send(response, of: resource) }
            }
            return
        }
        try perform(request, context, answer)
    }

    /// Lets a request in, or has it wait for a seat, or refuses it.
    private func perform(_ request: APIRequest, _ context: RequestContext, _ answer: Answer) throws(StatusError) {
        let match: FlowMatch = core.fairness.match(context)
        let entry: FlowControl.Entry = core.fairness.enter(match, seats: core.seats(of: request))
        if case .refused = entry { throw .tooManyRequests() }
        let isMutating: Bool = ![.get, .list].contains(request.verb)
        let ticket: Int = pending.enter(answer, now: core.services.environment.monotonic())
        RequestTasks.start {
            if let seat = await self.seat(entry) {
                self.core.metrics.enter(isMutating: isMutating)
                do throws(StatusError) {
                    let response: APIResponse = try await self.core.perform(request, context)
                    answer.send(response, of: self.resource(of: request))
                } catch {
                    answer.fail(error)
                }
                self.core.metrics.leave(isMutating: isMutating)
                self.core.fairness.leave(seat)
            } else {
                answer.fail(.tooManyRequests())
            }
            self.pending.leave(ticket)
        }
    }

    private func seat(_ entry: FlowControl.Entry) async -> FlowControl.Ticket? {
        switch entry {
        case .run(let ticket): ticket
        case .queued(let id): await core.fairness.wait(id)
        case .refused: nil
        }
    }

    /// What the answer's objects are of: answers of subresources with kinds of their own are JSON already.
    private func resource(of request: APIRequest) -> (any ServedResource)? {
        core.registry.resource(request.resource)
    }

    // MARK: - Who

    private func authenticate(_ http: HTTPRequest, _ target: RequestTarget) throws(StatusError) -> UserInfo {
        let credentials = Credentials(
            peer: http.connection.identity as? PeerIdentity, bearerToken: Self.bearerToken(http),
            sourceIP: http.connection.remoteHost)
        switch configuration.authenticator.authenticate(credentials) {
        case .authenticated(let user): return user.authenticated()
        case .failure: throw .unauthorized()
        case .unknown:
            // A token or certificate that nobody knows is wrong, not absent.
            guard configuration.anonymous.allows(target.path), credentials.bearerToken == nil,
                !http.connection.isPeerRefused
            else { throw .unauthorized() }
            return .anonymous
        }
    }

    private static func bearerToken(_ http: HTTPRequest) -> String? {
        guard let value = http.fields["authorization"] else { return nil }
        let parts: [Substring] = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let token: Substring = parts[1].drop { $0 == " " }
        return token.isEmpty ? nil : String(token)
    }

    /// Causes are believed of components only.
    private func causes(_ http: HTTPRequest, _ user: UserInfo) -> [Cause] {
        guard let header = http.fields[Cause.headerName] else { return [] }
        let isComponent: Bool =
            user.groups.contains("system:nodes") || user.groups.contains(UserInfo.mastersGroup)
            || user.name.hasPrefix("system:kube-") || user.name.hasPrefix("system:serviceaccount:kube-system:")
        return isComponent ? Cause.parse(header: header) : []
    }
}
