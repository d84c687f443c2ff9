package import API
package import APIMachinery
package import Client
import Synchronization

/// Config maps and secrets that pods of this node use, each watched by its own name while a pod refers to it, so that a
/// node that may read no others can do its work; and all services.
///
/// Cost: one watch per object in use, at most `limit`; objects beyond that are read anew each time. A pod's references
/// are taken by `register` and given back by `unregister`.
package final class WatchedObjectSources: ObjectSources {
    private enum Watch: Sendable {
        case configMap(Informer<ConfigMap>)
        case secret(Informer<Secret>)

        var hasSynced: Bool {
            switch self {
            case .configMap(let informer): informer.hasSynced
            case .secret(let informer): informer.hasSynced
            }
        }

        func run() async {
            switch self {
            case .configMap(let informer): await informer.run()
            case .secret(let informer): await informer.run()
            }
        }
    }

    private struct Entry: Sendable {
        var watch: Watch
        /// Opens when nobody refers to the object any more.
        var stop: Gate
        /// UIDs of the pods that refer to it.
        var users: Set<String>
    }

    private struct State {
        var entries: [ObjectReferenceKey: Entry] = [:]
        var pods: [String: Set<ObjectReferenceKey>] = [:]
    }

    private let state: Mutex<State> = Mutex(State())
    private let listener: Mutex<(@Sendable (ObjectReferenceKey, Set<String>) -> Void)?> = Mutex(nil)
    private let client: APIClient
    private let transport: any Transport
    private let settings: InformerSettings
    private let limit: Int
    private let allServices: Informer<Service>
    private let starts: AsyncStream<Entry>
    private let feed: AsyncStream<Entry>.Continuation

    package init(over transport: any Transport, settings: InformerSettings = InformerSettings(), limit: Int = 4096) {
        self.transport = transport
        self.settings = settings
        self.limit = limit
        client = APIClient(transport)
        allServices = Informer(Service.self, over: transport, settings: settings)
        // Bounded by `limit` entries at a time, not by the stream: a lost start would leave a cache empty for ever.
        (starts, feed) = AsyncStream.makeStream(of: Entry.self, bufferingPolicy: .unbounded)
    }

    /// Hears of each change of a watched object, with the UIDs of the pods that refer to it. One listener; quick, as it
    /// is called between two events of a watch.
    package func onChange(_ body: @escaping @Sendable (ObjectReferenceKey, Set<String>) -> Void) {
        listener.withLock { $0 = body }
    }

    // MARK: - References

    /// Starts watching what the pod refers to, and stops watching what it referred to before and no longer does.
    package func register(_ pod: Pod) {
        let wanted: Set<ObjectReferenceKey> = pod.objectReferences
        let uid: String = pod.metadata.uid
        let (started, stopped): ([Entry], [Entry]) = state.withLock { state in
            let before: Set<ObjectReferenceKey> = state.pods.updateValue(wanted, forKey: uid) ?? []
            let stopped: [Entry] = before.subtracting(wanted).compactMap { release($0, uid, &state) }
            var started: [Entry] = []
            for key in wanted.subtracting(before) {
                if state.entries[key] != nil {
                    state.entries[key]?.users.insert(uid)
                } else if state.entries.count < limit {
                    let entry = Entry(watch: makeWatch(key), stop: Gate(), users: [uid])
                    state.entries[key] = entry
                    started.append(entry)
                }
            }
            return (started, stopped)
        }
        for entry in started { feed.yield(entry) }
        for entry in stopped { entry.stop.open() }
    }

    /// The pod needs nothing any more.
    package func unregister(uid: String) {
        let stopped: [Entry] = state.withLock { state in
            (state.pods.removeValue(forKey: uid) ?? []).compactMap { release($0, uid, &state) }
        }
        for entry in stopped { entry.stop.open() }
    }

    /// How many objects are watched.
    package var watchCount: Int { state.withLock { $0.entries.count } }

    /// The entry, if this was its last user.
    private func release(_ key: ObjectReferenceKey, _ uid: String, _ state: inout State) -> Entry? {
        state.entries[key]?.users.remove(uid)
        guard let entry = state.entries[key], entry.users.isEmpty else { return nil }
        state.entries[key] = nil
        return entry
    }

    private func makeWatch(_ key: ObjectReferenceKey) -> Watch {
        let selection = Selection(
            namespace: key.object.namespace, fieldSelector: "metadata.name=\(key.object.name)")
        switch key.kind {
        case .configMap:
            let informer = Informer(ConfigMap.self, selection: selection, over: transport, settings: settings)
            informer.addHandler { [weak self] _ in self?.changed(key) }
            return .configMap(informer)
        case .secret:
            let informer = Informer(Secret.self, selection: selection, over: transport, settings: settings)
            informer.addHandler { [weak self] _ in self?.changed(key) }
            return .secret(informer)
        }
    }

    private func changed(_ key: ObjectReferenceKey) {
        let users: Set<String> = state.withLock { $0.entries[key]?.users ?? [] }
        guard !users.isEmpty else { return }
        listener.withLock { $0 }?(key, users)
    }

    // MARK: - Running

    /// Watches until the task is cancelled.
    package func run() async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.allServices.run() }
                for await entry in starts {
                    group.addTask { await Self.run(entry) }
                }
                group.cancelAll()
            }
        } onCancel: {
            feed.finish()
        }
    }

    private static func run(_ entry: Entry) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await entry.watch.run() }
            group.addTask { await entry.stop.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    // MARK: - ObjectSources

    package func configMap(namespace: String, name: String) async throws(StatusError) -> ConfigMap {
        let key = ObjectReferenceKey(.configMap, namespace, name)
        if case .configMap(let informer)? = synced(key), let known = informer.cache[key.object] { return known }
        // Not known: it may have been made a moment ago, so the server has the last word.
        do throws(StatusError) {
            return try await client.get(ConfigMap.self, key.object)
        } catch  where error.isNotFound {
            throw .notFound(GroupVersionResource(group: "", version: "v1", resource: "configmap"), name)
        }
    }

    package func secret(namespace: String, name: String) async throws(StatusError) -> Secret {
        let key = ObjectReferenceKey(.secret, namespace, name)
        if case .secret(let informer)? = synced(key), let known = informer.cache[key.object] { return known }
        do throws(StatusError) {
            return try await client.get(Secret.self, key.object)
        } catch  where error.isNotFound {
            throw .notFound(GroupVersionResource(group: "", version: "v1", resource: "secret"), name)
        }
    }

    package func services(namespace: String) async throws(StatusError) -> [Service] {
        // At the start of the node pods come together with the first list.
        if !allServices.hasSynced { await waitForServices() }
        guard allServices.hasSynced else {
            throw .serviceUnavailable("services have not yet been read at least once, cannot construct envvars")
        }
        return allServices.cache.list(namespace: namespace)
    }

    private func waitForServices() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.allServices.waitUntilSynced() }
            group.addTask { await self.settings.clock.sleep(for: .seconds(5)) }
            await group.next()
            group.cancelAll()
        }
    }

    private func synced(_ key: ObjectReferenceKey) -> Watch? {
        guard let watch = state.withLock({ $0.entries[key]?.watch }), watch.hasSynced else { return nil }
        return watch
    }
}
