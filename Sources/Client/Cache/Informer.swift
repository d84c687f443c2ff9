package import APIMachinery
package import Flow
import Synchronization

/// Keeps an `ObjectCache` equal to what the API server has: list once, then watch (DESIGN §6).
///
/// Handlers are called one event at a time, in the order of revisions, after the cache holds the change; they must be
/// quick and must not wait. Everything is registered before `run`.
package final class Informer<Object: APIObject>: Sendable {
    package typealias Handler = @Sendable (InformerEvent<Object>) -> Void

    package let resource: GroupVersionResource
    package let cache: ObjectCache<Object>
    package let selection: InformerSelection

    private struct State {
        var handlers: [Handler] = []
        var observers: [@Sendable () -> Void] = []
        var started: Bool = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter: Int = 0
    }

    private let state: Mutex<State> = Mutex(State())
    private let transport: any Transport
    private let settings: InformerSettings

    package init(
        _ type: Object.Type = Object.self,
        resource: GroupVersionResource = Object.resource,
        over transport: any Transport,
        selection: InformerSelection = InformerSelection(),
        settings: InformerSettings = InformerSettings()
    ) {
        self.resource = resource
        self.cache = ObjectCache()
        self.selection = selection
        self.transport = transport
        self.settings = settings
    }

    // MARK: - Registering

    /// Calls `handler` for each change from now on, which includes every object of the first list.
    package func addHandler(_ handler: @escaping Handler) {
        state.withLock { state in
            precondition(!state.started, "handlers are added before the informer runs")
            state.handlers.append(handler)
        }
    }

    package func addIndex(_ index: ObjectIndex<Object>) { cache.addIndex(index) }
}
