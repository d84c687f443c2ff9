package import APIMachinery
import Flow
import Synchronization

/// Keeps an `ObjectCache` equal to what the API server has: list once, then watch (DESIGN §6).
///
/// Handlers are called one event at a time, in the order of revisions, after the cache holds the change; they must be
/// quick and must not wait. Handlers and observers are registered before `run`.
package final class Informer<Object: APIObject>: AnyInformer {
    package typealias Handler = @Sendable (InformerEvent<Object>) -> Void

    package let resource: GroupVersionResource
    package let cache: ObjectCache<Object>
    package let selection: Selection

    private struct Registered {
        var handlers: [Handler] = []
        var observers: [@Sendable () -> Void] = []
        var isRunning: Bool = false
    }

    private let registered: Mutex<Registered> = Mutex(Registered())
    private let synced = Gate()
    private let client: APIClient
    private let settings: InformerSettings

    package init(
        _ type: Object.Type = Object.self,
        resource: GroupVersionResource = Object.resource,
        selection: Selection = Selection(),
        over transport: any Transport,
        settings: InformerSettings = InformerSettings()
    ) {
        self.resource = resource
        self.cache = ObjectCache()
        self.selection = selection
        self.client = APIClient(transport)
        self.settings = settings
    }

    // MARK: - Registering

    /// Calls `handler` for each change, beginning with every object of the first list.
    package func addHandler(_ handler: @escaping Handler) {
        register { $0.handlers.append(handler) }
    }

    package func addObserver(_ observer: @escaping @Sendable () -> Void) {
        register { $0.observers.append(observer) }
    }

    package func addIndex(_ index: ObjectIndex<Object>) { cache.addIndex(index) }

    private func register(_ body: (inout Registered) -> Void) {
        registered.withLock { registered in
            precondition(!registered.isRunning, "whoever listens to an informer registers before it runs")
            body(&registered)
        }
    }

    // MARK: - State

    package var hasSynced: Bool { synced.isOpen }

    @discardableResult
    package func waitUntilSynced() async -> Bool { await synced.wait() }

    package func shows(_ expectation: Expectation) -> Bool { cache.shows(expectation) }

    package func uid(_ key: ObjectKey) -> String? { cache[key]?.metadata.uid }

    // MARK: - Running

    /// Lists and watches until the task is cancelled.
    package func run() async {
        let (handlers, observers): ([Handler], [@Sendable () -> Void]) = registered.withLock { registered in
            precondition(!registered.isRunning, "an informer runs once")
            registered.isRunning = true
            return (registered.handlers, registered.observers)
        }
        var machine = InformerMachine(backOff: settings.backOff)
        var stream: (any WatchStream)?
        while !Task.isCancelled {
            do throws(StatusError) {
                switch machine.step {
                case .list(let resourceVersion, let token):
                    let options = ReadOptions(resourceVersion: resourceVersion, continueToken: token)
                    let page: ObjectPage = try await client.list(resource, selection, options)
                    if let all = machine.listed(page) {
                        takeOver(all, revision: machine.revision, handlers)
                        synced.open()
                        for observer in observers { observer() }
                    }
                case .open(let revision):
                    let length: Duration = settings.shortestWatch * (1 + settings.random())
                    stream = try await client.watch(resource, selection, from: revision, timeout: length)
                    if machine.failures > 0 { settings.log.info("watch works again", about) }
                    machine.opened(now: settings.clock.now)
                case .read:
                    if let events = try await stream?.next() {
                        machine.received(upTo: apply(events, handlers))
                        for observer in observers { observer() }
                    } else {
                        stream = nil
                        machine.ended(now: settings.clock.now, random: settings.random())
                    }
                case .pause(let delay):
                    await settings.clock.sleep(for: delay)
                    machine.paused()
                }
            } catch {
                stream?.cancel()
                stream = nil
                if Task.isCancelled { break }
                tell(error, failures: machine.failures)
                machine.failed(error, random: settings.random())
            }
        }
        stream?.cancel()
    }

    private var about: Log.Metadata { [("resource", resource.groupResource), ("selection", describe(selection))] }

    private func describe(_ selection: Selection) -> String {
        [selection.namespace, selection.labelSelector, selection.fieldSelector].filter { !$0.isEmpty }
            .joined(separator: " ")
    }

    /// The first failure in a row is worth a warning; an expired revision is everyday life.
    private func tell(_ error: StatusError, failures: Int) {
        let metadata: Log.Metadata = about + [("error", error.message)]
        if failures == 0 && !error.isExpired {
            settings.log.warning("list or watch failed, trying again", metadata)
        } else {
            settings.log.debug("list or watch failed, trying again", metadata)
        }
    }

    // MARK: - Taking over

    private func takeOver(_ all: [Snapshot], revision: Int64, _ handlers: [Handler]) {
        let readable: [Snapshot] = all.compactMap { own($0) }
        for change in cache.replace(with: readable, revision: revision) { tell(change, handlers) }
    }

    /// Applies events; tells the last revision among them.
    private func apply(_ events: [WatchEvent], _ handlers: [Handler]) -> Int64 {
        var last: Int64 = 0
        for event in events {
            last = max(last, event.object.revision)
            switch event.kind {
            case .bookmark:
                break
            case .added, .modified:
                if let mine = own(event.object), let change = cache.apply(mine) { tell(change, handlers) }
            case .deleted:
                var removed = cache.apply(remove: ObjectKey(event.object), revision: event.object.revision)
                // The server's last state is newer than the one in the cache if we missed changes in between.
                if removed != nil, let mine = own(event.object) { removed?.old = mine }
                if let removed { tell(removed, handlers) }
            }
            cache.advance(to: event.object.revision)
        }
        return last
    }

    /// The snapshot as the cache keeps it; nil (and a word in the log) if it is no object of this type.
    private func own(_ snapshot: Snapshot) -> Snapshot? {
        do {
            // Of foreign objects only the metadata is kept, and the shared snapshot's decoded form is left alone.
            if Object.self == ObjectMetadataView.self {
                return Snapshot(try snapshot.metadataView(), revision: snapshot.revision)
            }
            _ = try snapshot.decode(Object.self)
            return snapshot
        } catch {
            settings.log.error(
                "object cannot be read and is left out",
                about + [("object", ObjectKey(snapshot).description), ("error", "\(error)")])
            return nil
        }
    }

    private func tell(_ change: ObjectCache<Object>.Change, _ handlers: [Handler]) {
        guard !handlers.isEmpty else { return }
        let old: Object? = change.old.flatMap(ObjectCache<Object>.decode)
        let new: Object? = change.new.flatMap(ObjectCache<Object>.decode)
        switch (old, new) {
        case (let old?, let new?) where old.metadata.uid != new.metadata.uid:
            // Deleted and made again while nobody watched.
            send(InformerEvent(.deleted, old, old: old, revision: change.revision), handlers)
            send(InformerEvent(.added, new, revision: change.revision), handlers)
        case (let old, let new?):
            send(InformerEvent(old == nil ? .added : .updated, new, old: old, revision: change.revision), handlers)
        case (let old?, nil):
            send(InformerEvent(.deleted, old, old: old, revision: change.revision), handlers)
        case (nil, nil):
            break
        }
    }

    private func send(_ event: InformerEvent<Object>, _ handlers: [Handler]) {
        for handler in handlers { handler(event) }
    }
}
