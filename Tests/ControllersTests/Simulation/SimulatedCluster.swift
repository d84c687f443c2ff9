import API
import APIMachinery
import Codec
import Synchronization

@testable import Client

/// An API server in a few lines, with the caches of controllers, which see what happened only after `sync()`.
///
/// Objects are trees, so every kind works; a spec that changes makes a new generation; deletions wait for finalizers.
final class SimulatedCluster: Transport {
    struct Entry {
        var resource: GroupVersionResource
        var key: ObjectKey
        var tree: JSONValue
        var revision: Int64
    }

    struct State {
        var entries: [GroupVersionResource: [ObjectKey: Entry]] = [:]
        var revision: Int64 = 1
        var lastID: Int = 0
        var requests: [APIRequest] = []
        var events: [EventNote] = []
        var fill: [@Sendable () -> Void] = []
        var refuse: (@Sendable (APIRequest) -> StatusError?)?
        var now: Time = Time(seconds: 1_000_000)
    }

    let state: Mutex<State> = Mutex(State())

    // MARK: - What tests do

    var now: Time {
        get { state.withLock { $0.now } }
        set { state.withLock { $0.now = newValue } }
    }

    func advance(seconds: Int) { now = now.adding(seconds: seconds) }

    var events: [EventNote] { state.withLock { $0.events } }
    var eventTexts: [String] { events.map { "\($0.reason): \($0.message)" } }

    func takeRequests() -> [APIRequest] {
        state.withLock { state in
            defer { state.requests = [] }
            return state.requests
        }
    }

    /// Asked before each request; an error refuses it.
    func refuse(_ rule: (@Sendable (APIRequest) -> StatusError?)?) { state.withLock { $0.refuse = rule } }

    /// A cache that `sync` brings up to date.
    func cache<Object: APIObject>(_ type: Object.Type, indices: [ObjectIndex<Object>] = []) -> ObjectCache<Object> {
        cache(type, of: Object.resource, indices: indices)
    }

    func cache<Object: APIObject>(
        _ type: Object.Type, of resource: GroupVersionResource, indices: [ObjectIndex<Object>] = []
    ) -> ObjectCache<Object> {
        let cache = ObjectCache<Object>(indices: indices)
        let fill: @Sendable () -> Void = { [weak self] in
            guard let self else { return }
            let (entries, revision): ([Entry], Int64) = self.state.withLock {
                (Array(($0.entries[resource] ?? [:]).values), $0.revision)
            }
            _ = cache.replace(with: entries.map(Self.snapshot), revision: revision)
        }
        fill()
        state.withLock { $0.fill.append(fill) }
        return cache
    }

    /// All caches see what there is.
    func sync() {
        for fill in state.withLock({ $0.fill }) { fill() }
    }

    func all<Object: APIObject>(_ type: Object.Type) -> [Object] {
        let entries: [Entry] = state.withLock { Array(($0.entries[Object.resource] ?? [:]).values) }
        return entries.sorted { $0.key < $1.key }.compactMap { try? Self.snapshot($0).decode(type) }
    }

    func get<Object: APIObject>(_ type: Object.Type, _ namespace: String, _ name: String) -> Object? {
        let key = ObjectKey(namespace, name)
        guard let entry = state.withLock({ $0.entries[Object.resource]?[key] }) else { return nil }
        return try? Self.snapshot(entry).decode(type)
    }

    /// Puts an object there as it is, status and all.
    @discardableResult
    func put<Object: APIObject>(_ object: Object) -> Object {
        var object: Object = object
        let known: Object? = get(Object.self, object.metadata.namespace, object.metadata.name)
        state.withLock { state in
            if object.metadata.uid.isEmpty {
                state.lastID += 1
                object.metadata.uid = known?.metadata.uid ?? "uid-\(state.lastID)"
            }
            if object.metadata.creationTimestamp == nil { object.metadata.creationTimestamp = state.now }
            if object.metadata.generation == 0 { object.metadata.generation = 1 }
            Self.store(Self.tree(object), Object.resource, object.key, &state)
        }
        return get(Object.self, object.metadata.namespace, object.metadata.name) ?? object
    }

    /// Changes an object as a user or another component would: a changed spec is a new generation.
    func change<Object: APIObject>(
        _ type: Object.Type, _ namespace: String, _ name: String, _ body: (inout Object) -> Void
    ) {
        guard let old = get(type, namespace, name) else { return }
        var new: Object = old
        body(&new)
        if Self.tree(old)["spec"] != Self.tree(new)["spec"] { new.metadata.generation += 1 }
        put(new)
    }

    func remove<Object: APIObject>(_ object: Object) {
        state.withLock { $0.entries[Object.resource]?[object.key] = nil }
        state.withLock { $0.revision += 1 }
    }

    // MARK: - Running reconcilers as the runner does

    /// One reconcile with its writes; tells what it decided first.
    @discardableResult
    func run<R: Reconciler>(_ reconciler: R, _ key: R.Key) async -> Reconciliation {
        let first: Reconciliation = reconciler.reconcile(key, now: now)
        var next: Reconciliation? = first
        var rounds: Int = 0
        while let result = next, !result.batches.isEmpty, rounds <= Reconciliation.maxRounds {
            let outcomes: [WriteOutcome] = await perform(result)
            next = reconciler.didWrite(key, outcomes, now: now)
            rounds += 1
        }
        return first
    }

    @discardableResult
    func run<R: AsyncReconciler>(_ reconciler: R, _ key: R.Key) async throws(StatusError) -> Reconciliation {
        let result: Reconciliation = try await reconciler.reconcile(key, now: now, client: APIClient(self))
        _ = await perform(result)
        return result
    }

    func perform(_ result: Reconciliation) async -> [WriteOutcome] {
        for write in result.writes {
            if case .event(let note) = write.action { state.withLock { $0.events.append(note) } }
        }
        // One write at a time, so that runs repeat exactly.
        return await WriteExecutor(client: APIClient(self), events: nil, parallelWrites: 1).perform(result.batches)
    }

    // MARK: - Storing

    static func tree(_ object: any APIObject) -> JSONValue {
        (try? JSONValue(parsing: object.jsonBytes)) ?? .null
    }

    static func snapshot(_ entry: Entry) -> Snapshot {
        let bytes: [UInt8] = entry.tree.jsonBytes
        return Snapshot(
            namespace: entry.key.namespace, name: entry.key.name, revision: entry.revision, bytes: bytes,
            slot: bytes.count)
    }

    static func store(
        _ tree: JSONValue, _ resource: GroupVersionResource, _ key: ObjectKey, _ state: inout State
    ) {
        state.revision += 1
        var tree: JSONValue = tree
        tree["metadata"]?["resourceVersion"] = nil
        state.entries[resource, default: [:]][key] = Entry(
            resource: resource, key: key, tree: tree, revision: state.revision)
    }
}
