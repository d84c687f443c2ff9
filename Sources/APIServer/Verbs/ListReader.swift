import APIMachinery
import Store

/// Answers lists: from the watch cache where it shows the wanted revision, else from the store's history.
struct ListReader {
    let resource: any ServedResource
    let services: ServerServices
    let options: ListOptions
    let filter: ObjectFilter

    private static let continueExpired =
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        + "without the continue parameter, or use the continue token in this response to retrieve the remainder of "
        + "the results. Continuing with the provided token results in an inconsistent list - objects that were "
        + "created, modified, or deleted between the time the first chunk was returned and now may show up in the list."

    /// What must be known before the answer.
    enum Plan: Equatable {
        /// The cache, once it shows all that the store has committed.
        case newest
        /// The cache, as it is.
        case any
        /// The cache, once it shows a revision.
        case notOlder(Revision)
        case exact(Revision)
    }

    init(resource: any ServedResource, services: ServerServices, options: ListOptions, namespace: String)
        throws(StatusError)
    {
        self.resource = resource
        self.services = services
        self.options = options
        self.filter = try resource.filter(namespace: namespace, labels: options.labels, fields: options.fields)
    }

    private func token() throws(StatusError) -> ContinueToken? {
        guard !options.continueToken.isEmpty else { return nil }
        guard options.resourceVersion.isEmpty || options.resourceVersion == "0" else {
            throw .badRequest("specifying resource version is not allowed when using continue")
        }
        return try ContinueToken(text: options.continueToken)
    }

    private func plan(_ token: ContinueToken?) throws(StatusError) -> Plan {
        if let token { return token.revision < 0 ? .newest : .exact(token.revision) }
        guard let revision = try options.revision(for: resource.info.gvk) else { return .newest }
        if revision == 0 { return .any }
        let isExact: Bool = options.versionMatch == .exact || (options.versionMatch == nil && options.limit > 0)
        return isExact ? .exact(revision) : .notOlder(revision)
    }

    /// So many objects are looked through on an event loop; of more, a task takes care. Selectors may have to decode.
    private static let quickCount: Int = 2_000
    private static let quickSelectedCount: Int = 200

    /// The answer, if it can be given without waiting, and soon.
    func immediate() throws(StatusError) -> APIResponse? {
        let quick: Int = filter.isEverything || filter.exactKey != nil ? Self.quickCount : Self.quickSelectedCount
        guard resource.cache.count <= quick else { return nil }
        let token: ContinueToken? = try token()
        switch try plan(token) {
        case .newest where services.feed.isFresh, .any: return try fromCache(token)
        case .notOlder(let revision) where services.feed.revision >= revision: return try fromCache(token)
        default: return nil
        }
    }

    func answer() async throws(StatusError) -> APIResponse {
        let token: ContinueToken? = try token()
        switch try plan(token) {
        case .any: break
        case .newest: try await services.waitUntilFresh()
        case .notOlder(let revision): try await services.wait(for: revision)
        case .exact(let revision):
            if services.store.revision < revision { try await services.wait(for: revision) }
            let view: ResourceCache.View = resource.cache.view()
            if services.feed.revision >= revision, view.lastChange <= revision {
                return try fromCache(view, at: revision, token)
            }
            return try await fromHistory(at: revision, token)
        }
        return try fromCache(token)
    }

    // MARK: - From the cache

    private func fromCache(_ token: ContinueToken?) throws(StatusError) -> APIResponse {
        // Read before the objects: all changes up to it are in them.
        let known: Revision = services.feed.revision
        let view: ResourceCache.View = resource.cache.view()
        return try fromCache(view, at: max(known, view.lastChange), token)
    }

    private func fromCache(_ view: ResourceCache.View, at revision: Revision, _ token: ContinueToken?)
        throws(StatusError) -> APIResponse
    {
        let prefix: [UInt8] = filter.exactKey ?? filter.keyPrefix
        let begin: ObjectTable.Position = view.objects.lowerBound(try firstKey(token) ?? prefix)
        // Upstream's cache gives whole lists where any version will do.
        let isPaged: Bool = options.limit > 0 && (token != nil || options.resourceVersion != "0")
        let limit: Int = isPaged ? options.limit : .max
        var items: [Snapshot] = []
        if limit == .max, filter.isEverything, filter.keyPrefix.count == resource.info.storagePrefix.utf8.count {
            items.reserveCapacity(view.objects.count)
        }
        var last: [UInt8]?
        var hasMore: Bool = false
        let end: ObjectTable.Position = view.objects.visit(prefix: prefix, from: begin) { object in
            guard filter.exactKey == nil || filter.matchesKey(object.key), filter.matches(object) else { return true }
            guard items.count < limit else {
                hasMore = true
                return false
            }
            items.append(object.snapshot)
            if isPaged { last = object.key }
            return true
        }
        let remaining: Int? =
            hasMore && filter.isEverything ? view.objects.count(prefix: prefix, from: end) : nil
        return try response(items, last: hasMore ? last : nil, revision: revision, remaining: remaining)
    }

    /// The first key that a continued list may show.
    private func firstKey(_ token: ContinueToken?) throws(StatusError) -> [UInt8]? {
        guard let token else { return nil }
        return try lastKey(token) + [0]
    }

    private func lastKey(_ token: ContinueToken) throws(StatusError) -> [UInt8] {
        let key: [UInt8] = Array(resource.info.storagePrefix.utf8) + Array(token.after.utf8)
        guard key.starts(withBytes: filter.keyPrefix) else {
            throw .badRequest("continue key is not valid: it is of another namespace")
        }
        return key
    }

    private func response(_ items: [Snapshot], last: [UInt8]?, revision: Revision, remaining: Int?)
        throws(StatusError) -> APIResponse
    {
        var shown: [Snapshot] = items
        if !resource.isStorageVersion {
            shown = []
            for item in items { shown.append(try resource.presented(item)) }
        }
        var text: String = ""
        if let last {
            let after = String(decoding: last[resource.info.storagePrefix.utf8.count...], as: UTF8.self)
            text = ContinueToken(revision: revision, after: after).text
        }
        return APIResponse(
            code: 200, body: .list(items: shown, revision: revision, continueToken: text, remaining: remaining))
    }

    // MARK: - From the store

    private func fromHistory(at revision: Revision, _ token: ContinueToken?) async throws(StatusError) -> APIResponse {
        let prefix: [UInt8] = filter.exactKey ?? filter.keyPrefix
        var after: [UInt8]? = nil
        if let token { after = try lastKey(token) }
        let limit: Int = options.limit > 0 ? options.limit : .max
        var items: [Snapshot] = []
        while true {
            let page: RangeResult = try await range(
                prefix, after, min(limit, 1000), at: revision, token: token)
            for (index, stored) in page.items.enumerated() {
                let object: CachedObject
                do throws(StoreError) {
                    object = CachedObject(key: stored.key, snapshot: try resource.snapshot(of: stored))
                } catch {
                    throw error.statusError
                }
                guard filter.matchesKey(object.key), filter.matches(object) else { continue }
                items.append(object.snapshot)
                let left: Int = page.items.count - index - 1 + page.remaining
                if items.count == limit, left > 0 {
                    return try response(
                        items, last: stored.key, revision: revision, remaining: filter.isEverything ? left : nil)
                }
            }
            guard page.remaining > 0, let last = page.items.last else { break }
            after = last.key
        }
        return try response(items, last: nil, revision: revision, remaining: nil)
    }

    private func range(_ prefix: [UInt8], _ after: [UInt8]?, _ limit: Int, at: Revision, token: ContinueToken?)
        async throws(StatusError) -> RangeResult
    {
        do throws(StoreError) {
            return try await services.store.range(prefix: prefix, after: after, limit: limit, at: at)
        } catch {
            guard case .compacted = error, let token else { throw error.statusError }
            var status: Status = StatusError.expired(Self.continueExpired).status
            status.metadata.continue = ContinueToken(revision: -1, after: token.after).text
            throw StatusError(status)
        }
    }
}

extension ServerServices {
    /// How long a read waits for a revision; upstream's limit.
    private static let patience: Duration = .seconds(3)

    /// Waits until the caches show all that the store has committed.
    func waitUntilFresh() async throws(StatusError) {
        try await wait(for: store.revision)
    }

    func wait(for revision: Revision) async throws(StatusError) {
        if feed.revision >= revision { return }
        if let failure = feed.failure { throw .serviceUnavailable(failure) }
        guard await feed.wait(for: revision, atMost: Self.patience) else {
            throw .tooLargeResourceVersion(revision, current: feed.revision)
        }
    }
}
