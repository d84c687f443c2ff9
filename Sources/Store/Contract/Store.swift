/// One point in the history of the store. 0 means "nothing yet"; each committed transaction that writes adds one.
package typealias Revision = Int64

/// A durable, revisioned, watchable, ordered key-value store: etcd's role, with etcd's semantics.
///
/// History of one key, as every implementation must show it:
///
///     revision          5         6         9        12
///                     put a     put b     delete   put c
///     createRevision    5         5         –        12
///     modRevision       5         6         –        12
///     version           1         2         –         1
///
/// A read at revision 7 sees `b`; at 9 nothing; after `compact(9)`, reads below 9 fail with `compacted`.
/// One conformance suite (`StoreConformance`) runs against every implementation.
package protocol Store: Sendable {
    /// The newest revision that is durable and visible to readers.
    var revision: Revision { get }

    /// One key at `at` (nil: now). nil if it does not exist then.
    func get(_ key: [UInt8], at: Revision?) async throws(StoreError) -> KeyValue?

    /// Keys with `prefix`, in byte order.
    ///
    /// - Parameters:
    ///   - after: only keys greater than this one (paging).
    ///   - limit: at most so many; 0 is no limit.
    ///   - at: the revision to read at; nil is now.
    func range(prefix: [UInt8], after: [UInt8]?, limit: Int, at: Revision?) async throws(StoreError) -> RangeResult

    /// If all compares hold, does all writes at one new revision; else does nothing and says what it found.
    ///
    /// Returns after the writes are durable; completes also if the caller's task is cancelled. Compares see all
    /// transactions that were admitted before, also those still on their way to disk. Deleting a key that is not
    /// there is not a write: if nothing else is written, the result is `committed` at the unchanged revision.
    /// A transaction writes each key at most once.
    func transact(_ transaction: Transaction) async throws(StoreError) -> TransactionResult

    /// Events of keys with `prefix`, from `from` (inclusive; 0 is "from now on"), in the order of revisions.
    ///
    /// Fails with `compacted` if `from` is at or below the compacted revision. `from` may lie in the future: earlier
    /// events are then not delivered.
    func watch(prefix: [UInt8], from: Revision) throws(StoreError) -> any StoreWatch

    /// Forgets what no reader at or above `revision` can see. Watches that still need older history end with
    /// `compacted`. Does nothing if that much is compacted already; `futureRevision` above the newest.
    func compact(_ revision: Revision) async throws(StoreError)

    /// Grants a lease: keys attached to it are deleted when it expires (or is revoked), all at one revision.
    ///
    /// - Parameter seconds: time to live, at least 1; counted anew when the store is opened again.
    func grantLease(seconds: Int) async throws(StoreError) -> LeaseID
    func keepAlive(_ lease: LeaseID) async throws(StoreError)
    func revokeLease(_ lease: LeaseID) async throws(StoreError)
}

package typealias LeaseID = Int64

package struct KeyValue: Sendable, Equatable {
    package var key: [UInt8]
    package var value: [UInt8]
    package var createRevision: Revision
    package var modRevision: Revision
    /// Number of writes since it was created, from 1.
    package var version: Int64
    /// 0: none.
    package var lease: LeaseID

    package init(
        key: [UInt8], value: [UInt8], createRevision: Revision, modRevision: Revision, version: Int64,
        lease: LeaseID = 0
    ) {
        self.key = key
        self.value = value
        self.createRevision = createRevision
        self.modRevision = modRevision
        self.version = version
        self.lease = lease
    }
}

package struct RangeResult: Sendable {
    package var items: [KeyValue]
    /// The revision that the items show.
    package var revision: Revision
    /// Matching keys behind the last item, so that a list can tell `remainingItemCount`.
    package var remaining: Int

    package init(items: [KeyValue], revision: Revision, remaining: Int) {
        self.items = items
        self.revision = revision
        self.remaining = remaining
    }
}

package struct Transaction: Sendable {
    package enum Compare: Sendable {
        /// The key's modRevision is exactly this; 0 means that the key must not exist.
        case modRevision([UInt8], Revision)
    }

    package enum Write: Sendable {
        case put([UInt8], value: [UInt8], lease: LeaseID)
        case delete([UInt8])
    }

    package var compares: [Compare]
    package var writes: [Write]

    package init(compares: [Compare], writes: [Write]) {
        self.compares = compares
        self.writes = writes
    }
}

package enum TransactionResult: Sendable {
    /// Durable at this revision.
    case committed(Revision)
    /// A compare failed; what the compared keys hold, in the order of the compares. `revision` is that of the
    /// state it was compared with.
    case conflict(current: [KeyValue?], revision: Revision)
}

package struct StoreEvent: Sendable {
    package enum Kind: Sendable { case put, delete }

    package var kind: Kind
    /// For a delete: key and modRevision only, with an empty value.
    package var current: KeyValue
    /// What was there before; nil for a creation.
    package var previous: KeyValue?

    package init(kind: Kind, current: KeyValue, previous: KeyValue?) {
        self.kind = kind
        self.current = current
        self.previous = previous
    }
}

/// An open watch on a store. Bounded: a watcher that does not read fast enough ends with `StoreError.slowWatcher`.
/// Cancelling the task that waits in `next` cancels the watch.
package protocol StoreWatch: AnyObject, Sendable {
    /// The first revision whose events it delivers; tells what "from now on" meant.
    var firstRevision: Revision { get }
    /// All that is there, at least one event; `revision` is what has been delivered completely. nil after `cancel`.
    func next() async throws(StoreError) -> (events: [StoreEvent], revision: Revision)?
    func cancel()
}

package enum StoreError: Error, Equatable, Sendable {
    case compacted(requested: Revision, compacted: Revision)
    case futureRevision(requested: Revision, current: Revision)
    case leaseNotFound(LeaseID)
    case slowWatcher(buffered: Int)
    /// The store is shutting down or its disk failed; nothing was written.
    case unavailable(String)
    /// The disk is full; nothing was written. Retrying makes sense after room was made.
    case noSpace(String)
}
