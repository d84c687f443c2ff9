package import APIMachinery
import Flow
import Synchronization

/// The way to the server from inside its process: an identity, and the same pipeline as over HTTP.
package final class InProcessTransport: Transport {
    private let core: APIServerCore
    private let user: UserInfo
    private let userAgent: String

    package init(core: APIServerCore, user: UserInfo, userAgent: String = "swiftlet/v1.34.0") {
        self.core = core
        self.user = user.authenticated()
        self.userAgent = userAgent
    }

    private func context(_ request: APIRequest) -> RequestContext {
        let environment: ServerEnvironment = core.services.environment
        var context = RequestContext(
            request, id: environment.uuid(), user: user, receivedAt: environment.clock.nowMicro)
        context.sourceIP = "127.0.0.1"
        context.userAgent = userAgent
        return context
    }

    package func perform(_ request: APIRequest) async throws(StatusError) -> APIResponse {
        var context: RequestContext = context(request)
        let began: Duration = core.services.environment.monotonic()
        let audit: AuditEntry? = core.audit?.begin(
            context, uri: request.uri, body: request.body, contentType: request.contentType,
            resource: core.resource(ofBody: context))
        context.audit = audit?.trail
        do throws(StatusError) {
            try core.authorize(context)
            let response: APIResponse = try await core.perform(request, context)
            core.answered(context, code: response.code, since: began)
            audit?.answered(
                response, of: core.registry.resource(request.resource), at: core.services.environment.clock.nowMicro)
            return response
        } catch {
            core.answered(context, code: error.code, since: began)
            audit?.failed(error, at: core.services.environment.clock.nowMicro)
            throw error
        }
    }

    package func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream {
        var context: RequestContext = context(request)
        context.verb = "watch"
        let audit: AuditEntry? = core.audit?.begin(context, uri: request.uri)
        context.audit = audit?.trail
        let clock: any WallClock = core.services.environment.clock
        do throws(StatusError) {
            try core.authorize(context)
            let watch = InProcessWatch(try await core.watch(request, context)) {
                audit?.answered(code: 200, at: clock.nowMicro)
            }
            audit?.started(AuditEntry.Outcome(code: 200), at: clock.nowMicro)
            return watch
        } catch {
            audit?.failed(error, at: clock.nowMicro)
            throw error
        }
    }
}

extension APIRequest {
    /// The request's form in HTTP, as the audit log shows it; queries are not escaped anew.
    var uri: String {
        var path: String =
            resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(resource.group)/\(resource.version)"
        if !namespace.isEmpty { path += "/namespaces/\(namespace)" }
        path += "/" + resource.resource
        if !name.isEmpty { path += "/" + name }
        if !subresource.isEmpty { path += "/" + subresource }
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }
}

extension APIServerCore {
    /// Counts an answer.
    package func answered(_ context: RequestContext, code: Int, since began: Duration) {
        let (seconds, fraction): (Int64, Int64) = (services.environment.monotonic() - began).components
        metrics.answered(context, code: code, seconds: Double(seconds) + Double(fraction) / 1e18)
    }
}

/// A watch inside the process: the events are the cache's own snapshots.
final class InProcessWatch: WatchStream {
    private let served: ServedWatch
    private let onEnd: @Sendable () -> Void

    init(_ served: ServedWatch, onEnd: @escaping @Sendable () -> Void = {}) {
        self.served = served
        self.onEnd = onEnd
    }

    deinit { onEnd() }

    func next() async throws(StatusError) -> [WatchEvent]? {
        guard let deliveries = try await served.watch.next() else { return nil }
        var events: [WatchEvent] = []
        events.reserveCapacity(deliveries.count)
        for delivery in deliveries {
            let snapshot: Snapshot =
                delivery.kind == .bookmark
                ? delivery.snapshot : try served.resource.presented(delivery.snapshot)
            events.append(WatchEvent(delivery.kind, snapshot))
        }
        return events
    }

    func cancel() {
        served.watch.cancel()
    }
}
