import APIMachinery
import Store

/// What one attempt to change an object came to.
enum WriteAttempt<Result: Sendable>: Sendable {
    case done(Result)
    /// The object is already as it should be.
    case unchanged(Result)
    /// Somebody else was faster; with what is there now.
    case conflict(Snapshot?)
}

extension TypedResource {
    /// In each round of conflicts one writer gets through, so this is how many may want one object at once.
    private static var attemptLimit: Int { 100 }

    /// Changes the object in the URL: from the cache first, from the store when that turns out to be stale.
    func settle<Result: Sendable>(
        _ key: [UInt8], _ call: WriteCall,
        _ attempt: (Snapshot) async throws(StatusError) -> WriteAttempt<Result>
    ) async throws(StatusError) -> Result {
        var known: Snapshot? = cache.get(key)?.snapshot
        var isFresh: Bool = false
        for _ in 0..<Self.attemptLimit {
            if known == nil, !isFresh {
                known = try await current(key, fresh: true, call.services)
                isFresh = true
            }
            guard let snapshot = known else { throw .notFound(info.gvr, call.context.name) }
            do throws(StatusError) {
                switch try await attempt(snapshot) {
                case .done(let result): return result
                case .unchanged(let result):
                    // What the cache has may be old, and then this would be the loss of an update.
                    if isFresh { return result }
                    known = try await current(key, fresh: true, call.services)
                    isFresh = true
                    if known?.revision == snapshot.revision { return result }
                case .conflict(let now):
                    known = now
                    isFresh = true
                }
            } catch {
                // The cache may have been behind; only the store's word counts.
                guard !isFresh else { throw error }
                known = try await current(key, fresh: true, call.services)
                isFresh = true
                if known?.revision == snapshot.revision { throw error }
            }
        }
        throw .conflict(info.gvr, call.context.name)
    }
}
