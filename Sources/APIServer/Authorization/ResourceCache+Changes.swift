import APIMachinery
import Store
import Synchronization

extension ResourceCache {
    /// What happened to a resource since somebody looked last.
    enum Changes {
        case none
        /// In order.
        case events([CachedEvent])
        /// The history does not reach back so far: this is everything there is.
        case everything([CachedObject])
    }

    /// Moves the cursor to now, and tells what is new. For indices that are brought up to date when they are asked.
    func changes(since cursor: inout Revision?) -> Changes {
        let known: Revision? = cursor
        let (found, last): (Changes, Revision) = state.withLock { state in
            let last: Revision = state.lastChange
            guard let known, known >= state.window.since else {
                return (.everything(state.objects.objects(prefix: [])), last)
            }
            return known == last ? (.none, last) : (.events(Array(state.window.after(known))), last)
        }
        cursor = last
        return found
    }
}

extension ResourceCache.Changes {
    /// Brings an index up to date. What cannot be decoded counts as absent.
    func apply<Index, Object: APIObject>(
        to index: inout Index, as type: Object.Type, clear: (inout Index) -> Void,
        set: (inout Index, Object) -> Void, remove: (inout Index, Snapshot) -> Void
    ) {
        switch self {
        case .none: return
        case .everything(let objects):
            clear(&index)
            for object in objects {
                if let decoded: Object = try? object.snapshot.decode(type) { set(&index, decoded) }
            }
        case .events(let events):
            for event in events {
                if event.kind != .deleted, let decoded: Object = try? event.object.snapshot.decode(type) {
                    set(&index, decoded)
                } else {
                    remove(&index, event.object.snapshot)
                }
            }
        }
    }
}
