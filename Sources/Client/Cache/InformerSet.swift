package import APIMachinery
import Synchronization

/// The informers of one component: one per type, resource and selection, shared by whoever asks.
///
///     let informers = InformerSet(over: transport)
///     let pods = informers.informer(Pod.self)
///     … register handlers and indices …
///     await informers.run()
package final class InformerSet: Sendable {
    private struct Key: Hashable {
        var type: ObjectIdentifier
        var resource: GroupVersionResource
        var selection: Selection
    }

    private struct State {
        var informers: [Key: any AnyInformer] = [:]
        /// In the order in which they were asked for.
        var order: [any AnyInformer] = []
        var isRunning: Bool = false
    }

    private let state: Mutex<State> = Mutex(State())
    private let transport: any Transport
    private let settings: InformerSettings

    package init(over transport: any Transport, settings: InformerSettings = InformerSettings()) {
        self.transport = transport
        self.settings = settings
    }

    package func informer<Object: APIObject>(
        _ type: Object.Type, selection: Selection = Selection()
    ) -> Informer<Object> {
        informer(type, resource: Object.resource, selection: selection)
    }

    /// For types that stand for several resources, such as `ObjectMetadataView`.
    package func informer<Object: APIObject>(
        _ type: Object.Type, resource: GroupVersionResource, selection: Selection = Selection()
    ) -> Informer<Object> {
        let key = Key(type: ObjectIdentifier(type), resource: resource, selection: selection)
        return state.withLock { state in
            if let known = state.informers[key] as? Informer<Object> { return known }
            precondition(!state.isRunning, "informers are asked for before the set runs")
            let new = Informer<Object>(resource: resource, selection: selection, over: transport, settings: settings)
            state.informers[key] = new
            state.order.append(new)
            return new
        }
    }

    package var all: [any AnyInformer] { state.withLock { $0.order } }

    package var hasSynced: Bool { all.allSatisfy(\.hasSynced) }

    /// Returns when all caches hold a complete list (true), or the task is cancelled.
    @discardableResult
    package func waitUntilSynced() async -> Bool {
        for informer in all where !(await informer.waitUntilSynced()) { return false }
        return true
    }

    /// Runs all informers until the task is cancelled.
    package func run() async {
        let informers: [any AnyInformer] = state.withLock { state in
            precondition(!state.isRunning, "an informer set runs once")
            state.isRunning = true
            return state.order
        }
        await withDiscardingTaskGroup { group in
            for informer in informers { group.addTask { await informer.run() } }
        }
    }
}
