package import APIMachinery
import Synchronization

/// The server's numbers, with upstream's names, at `/metrics`.
package final class ServerMetrics: NonResourceHandler {
    private static let durations: [Double] = [
        0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
    ]

    private let answers = AnswerTallies(bounds: ServerMetrics.durations)
    private let inflight: Mutex<(mutating: Int, readOnly: Int)> = Mutex((0, 0))
    private let registry: ResourceRegistry
    private let feed: CacheFeed
    /// Further families, such as the store's; set once at the start.
    private let sources: Mutex<[@Sendable (inout String) -> Void]> = Mutex([])

    init(registry: ResourceRegistry, feed: CacheFeed) {
        self.registry = registry
        self.feed = feed
    }

    /// Adds lines to `/metrics`.
    package func add(_ source: @escaping @Sendable (inout String) -> Void) {
        sources.withLock { $0.append(source) }
    }

    /// One answered request.
    package func answered(_ context: RequestContext, code: Int, seconds: Double) {
        answers.add(context, code: code, seconds: seconds)
    }

    package func enter(isMutating: Bool) {
        inflight.withLock { inflight in
            if isMutating { inflight.mutating += 1 } else { inflight.readOnly += 1 }
        }
    }

    package func leave(isMutating: Bool) {
        inflight.withLock { inflight in
            if isMutating { inflight.mutating -= 1 } else { inflight.readOnly -= 1 }
        }
    }

    // MARK: - NonResourceHandler

    package var paths: [String] { ["/metrics"] }

    package func handle(_ request: NonResourceRequest) throws(StatusError) -> NonResourceResponse {
        NonResourceResponse(contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(text().utf8))
    }

    package func text() -> String {
        var text: String = ""
        answers.write(to: &text)
        let (mutating, readOnly): (Int, Int) = inflight.withLock { ($0.mutating, $0.readOnly) }
        MetricText.head("apiserver_current_inflight_requests", "Requests being answered now.", "gauge", &text)
        MetricText.line(
            "apiserver_current_inflight_requests", ["request_kind"], ["mutating"], Double(mutating), &text)
        MetricText.line(
            "apiserver_current_inflight_requests", ["request_kind"], ["readOnly"], Double(readOnly), &text)
        MetricText.head("apiserver_storage_objects", "Objects stored, by resource.", "gauge", &text)
        for resource in registry.resources {
            MetricText.line(
                "apiserver_storage_objects", ["resource"], [resource.info.gvr.groupResource],
                Double(resource.cache.count), &text)
        }
        MetricText.head("apiserver_longrunning_requests", "Open watches, by resource.", "gauge", &text)
        for resource in registry.resources where resource.cache.watcherCount > 0 {
            let gvr: GroupVersionResource = resource.info.gvr
            MetricText.line(
                "apiserver_longrunning_requests", ["group", "resource", "verb", "version"],
                [gvr.group, gvr.resource, "WATCH", gvr.version], Double(resource.cache.watcherCount), &text)
        }
        MetricText.head(
            "apiserver_watch_cache_resource_version", "The revision that the watch caches show.", "gauge", &text)
        MetricText.line("apiserver_watch_cache_resource_version", [], [], Double(feed.revision), &text)
        for source in sources.withLock({ $0 }) { source(&text) }
        return text
    }
}
