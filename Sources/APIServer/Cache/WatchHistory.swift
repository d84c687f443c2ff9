import APIMachinery
import Store

/// What a watch missed before the cache's window, out of the store's history.
///
///     asked         window.since          now
///       │  store's history  │  cache's window  │
///       └──── read here ────┴── and go on here ┘
///
/// After a restart the window is empty, so that every client's watch goes on through here instead of listing anew.
struct WatchHistory: Sendable {
    let store: any Store
    let resource: any ServedResource

    /// More than so many changes, or bytes of them, and a list is cheaper than its history.
    static let countLimit: Int = 50_000
    static let bytesLimit: Int = 64 << 20

    struct Found: Sendable {
        var events: [CachedEvent]
        /// Everything up to here has been seen.
        var revision: Revision
    }

    /// The changes after `revision`, at least as far as `wanted`, which the store has reached.
    func changes(after revision: Revision, through wanted: Revision) async throws(StatusError) -> Found {
        let prefix: [UInt8] = Array(resource.info.storagePrefix.utf8)
        var found = Found(events: [], revision: revision)
        var bytes: Int = 0
        do throws(StoreError) {
            // Of all resources: each revision has an event of some, so that the end of the history is seen to come.
            let watch: any StoreWatch = try store.watch(prefix: CacheFeed.root, from: revision + 1)
            defer { watch.cancel() }
            while found.revision < wanted, let batch = try await watch.next() {
                for event in batch.events where event.current.key.starts(withBytes: prefix) {
                    guard let change = try change(event) else { continue }
                    found.events.append(change)
                    bytes += change.object.snapshot.bytes.count
                }
                found.revision = batch.revision
                if found.events.count > Self.countLimit || bytes > Self.bytesLimit { return found }
            }
        } catch {
            throw error.statusError
        }
        return found
    }

    private func change(_ event: StoreEvent) throws(StoreError) -> CachedEvent? {
        var previous: CachedObject?
        if let before = event.previous {
            previous = CachedObject(key: before.key, snapshot: try resource.snapshot(of: before))
        }
        guard event.kind == .put else {
            guard let previous else { return nil }
            let last: Snapshot = previous.snapshot.at(revision: event.current.modRevision)
            return CachedEvent(.deleted, CachedObject(key: previous.key, snapshot: last), previous: previous)
        }
        let object = CachedObject(key: event.current.key, snapshot: try resource.snapshot(of: event.current))
        return CachedEvent(previous == nil ? .added : .modified, object, previous: previous)
    }
}
