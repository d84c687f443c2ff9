/// What is durable and visible, under one lock. Nothing that blocks or takes long happens under it.
struct EngineState: Sendable {
    private(set) var tree: RecordTree
    private(set) var revision: Revision
    private(set) var compacted: Revision
    private(set) var window: EventWindow
    private(set) var lastLease: LeaseID
    var leases: LeaseTable
    var counters = Counters()

    struct Counters: Sendable {
        var keyBytes: Int = 0
        /// Since the store was opened.
        var supersededBytes: Int = 0
        var transactions: Int = 0
        var commits: Int = 0
        var commitTime: Duration = .zero
        var longestCommit: Duration = .zero
        var slowWatchers: Int = 0
    }

    /// Where a read at some revision finds its answer.
    enum ReadSource: Sendable {
        case now(RecordTree)
        /// The tree as it is now, and the events to undo.
        case window(RecordTree, ArraySlice<EventWindow.Batch>)
        case disk
    }

    /// Where a watch finds events it has not seen.
    enum HistorySource: Sendable {
        /// The batches after the asked revision, up to `through`.
        case window(ArraySlice<EventWindow.Batch>, through: Revision)
        case disk(through: Revision)
    }

    init(loaded: LoadedState, leases: LeaseTable, window: EventWindow.Limits) {
        tree = loaded.tree
        revision = loaded.revision
        compacted = loaded.compacted
        lastLease = loaded.lastLease
        self.leases = leases
        self.window = EventWindow(floor: loaded.revision, limits: window)
        counters.keyBytes = loaded.keyBytes
    }

    func source(at asked: Revision) throws(StoreError) -> ReadSource {
        guard asked <= revision else { throw .futureRevision(requested: asked, current: revision) }
        guard asked >= compacted else { throw .compacted(requested: asked, compacted: compacted) }
        if asked == revision { return .now(tree) }
        if let batches = window.batches(after: asked) { return .window(tree, batches) }
        return .disk
    }

    func history(after position: Revision) throws(StoreError) -> HistorySource {
        guard position >= compacted else { throw .compacted(requested: position + 1, compacted: compacted) }
        if let batches = window.batches(after: position) { return .window(batches, through: revision) }
        return .disk(through: revision)
    }

    var admission: Admission {
        Admission(
            tree: tree, revision: revision, compacted: compacted, lastLease: lastLease, leases: leases.leases)
    }

    /// Makes a durable commit visible.
    mutating func publish(_ admission: Admission, events: [StoreEvent], now: Duration) {
        tree = admission.tree
        revision = admission.revision
        compacted = admission.compacted
        lastLease = admission.lastLease
        window.append(events)
        for grant in admission.grants {
            leases.add(grant.id, seconds: grant.seconds, now: now)
        }
        for change in admission.changes {
            if let previous = change.previous {
                leases.detach(change.key, from: previous.keyValue.lease)
                counters.keyBytes -= previous.size
                counters.supersededBytes += previous.size
            }
            if let record = change.record {
                leases.attach(record.key, to: record.keyValue.lease)
                counters.keyBytes += record.size
            }
        }
        if let ended = admission.ended {
            leases.remove(ended)
        }
    }
}

/// What the disk held when the store was opened.
struct LoadedState: Sendable {
    var tree = RecordTree()
    var revision: Revision = 0
    var compacted: Revision = 0
    var lastLease: LeaseID = 0
    var keyBytes: Int = 0
    var leases: [(id: LeaseID, seconds: Int)] = []

    /// Deadlines start now.
    func leaseTable(now: Duration) -> LeaseTable {
        var table = LeaseTable()
        for lease in leases {
            table.add(lease.id, seconds: lease.seconds, now: now)
        }
        tree.forEach(from: []) { record in
            table.attach(record.key, to: record.keyValue.lease)
            return true
        }
        return table
    }
}
