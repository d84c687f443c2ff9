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
        let context: RequestContext = context(request)
        let began: Duration = core.services.environment.monotonic()
        do throws(StatusError) {
            try core.authorize(context)
            let response: APIResponse = try await core.perform(request, context)
            core.answered(context, code: response.code, since: began)
            return response
        } catch {
            core.answered(context, code: error.code, since: began)
            throw error
        }
    }

    package func watch(_ request: APIRequest) async throws(StatusError) -> any WatchStream {
        var context: RequestContext = context(request)
        context.verb = "watch"
        try core.authorize(context)
        return InProcessWatch(try await core.watch(request, context))
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

    init(_ served: ServedWatch) {
        self.served = served
    }

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
