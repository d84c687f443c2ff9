/// One write of one key, on its way to the log.
struct Change: Sendable {
    var id: LogID
    var key: [UInt8]
    /// What is there from now on; nil: deleted.
    var record: Record?
    var previous: Record?

    var event: StoreEvent {
        let before = previous?.keyValue
        if let record {
            return StoreEvent(kind: .put, current: record.keyValue, previous: before)
        }
        let gone = KeyValue(key: key, value: [], createRevision: 0, modRevision: id.revision, version: 0)
        return StoreEvent(kind: .delete, current: gone, previous: before)
    }
}

/// What a client asks the writer to do.
enum Operation: Sendable {
    case transact(Transaction)
    case grant(seconds: Int)
    /// `dueBy`: only if its deadline has come by then (expiry); nil: whatever its deadline (revocation).
    case revoke(LeaseID, dueBy: Duration?)
    case compact(Revision)
}

enum Reply: Sendable {
    case transaction(TransactionResult)
    case lease(LeaseID)
    case done
}

/// The state that one commit is built on: operations are admitted in order, each sees those before it.
///
/// Pure. It is thrown away if the commit fails; published if it succeeds.
struct Admission: Sendable {
    private(set) var tree: RecordTree
    private(set) var revision: Revision
    private(set) var compacted: Revision
    private(set) var lastLease: LeaseID
    private(set) var changes: [Change] = []
    private(set) var grants: [(id: LeaseID, seconds: Int)] = []
    private(set) var ended: LeaseID?
    private let compactedBefore: Revision
    private let leases: [LeaseID: LeaseTable.Lease]

    init(
        tree: RecordTree, revision: Revision, compacted: Revision, lastLease: LeaseID,
        leases: [LeaseID: LeaseTable.Lease]
    ) {
        self.tree = tree
        self.revision = revision
        self.compacted = compacted
        self.lastLease = lastLease
        self.leases = leases
        compactedBefore = compacted
    }

    var newCompacted: Revision? { compacted == compactedBefore ? nil : compacted }

    /// There is nothing to write: no commit is needed before the replies go out.
    var isEmpty: Bool { changes.isEmpty && grants.isEmpty && ended == nil && newCompacted == nil }

    mutating func transact(_ transaction: Transaction) throws(StoreError) -> TransactionResult {
        guard matches(transaction.compares) else {
            return .conflict(current: current(of: transaction.compares), revision: revision)
        }
        guard transaction.writes.count <= LogID.maxWritesPerRevision else {
            throw .unavailable("a transaction of \(transaction.writes.count) writes is too large")
        }
        for case .put(_, value: _, lease: let lease) in transaction.writes where lease != 0 && leases[lease] == nil {
            throw .leaseNotFound(lease)
        }
        write(transaction.writes)
        return .committed(revision)
    }

    mutating func grant(seconds: Int) -> LeaseID {
        lastLease += 1
        grants.append((lastLease, seconds))
        return lastLease
    }

    /// Deletes the keys of a lease at one revision.
    mutating func end(_ lease: LeaseID, keys: [[UInt8]]) {
        precondition(ended == nil, "a commit ends one lease at most")
        ended = lease
        write(keys.map { .delete($0) })
    }

    mutating func compact(_ target: Revision) throws(StoreError) {
        guard target <= revision else { throw .futureRevision(requested: target, current: revision) }
        compacted = max(compacted, target)
    }

    private func matches(_ compares: [Transaction.Compare]) -> Bool {
        compares.allSatisfy { compare in
            switch compare {
            case .modRevision(let key, let expected): (tree.get(key)?.keyValue.modRevision ?? 0) == expected
            }
        }
    }

    private func current(of compares: [Transaction.Compare]) -> [KeyValue?] {
        compares.map { compare in
            switch compare {
            case .modRevision(let key, _): tree.get(key)?.keyValue
            }
        }
    }

    /// The revision advances if there is anything to do: deleting what is not there is nothing.
    private mutating func write(_ writes: [Transaction.Write]) {
        let next = revision + 1
        let before = changes.count
        for write in writes {
            let id = LogID(revision: next, index: changes.count - before)
            switch write {
            case .put(let key, let value, let lease):
                let previous = tree.get(key)
                let keyValue = KeyValue(
                    key: previous?.key ?? key, value: value,
                    createRevision: previous?.keyValue.createRevision ?? next, modRevision: next,
                    version: (previous?.keyValue.version ?? 0) + 1, lease: lease)
                let record = Record(keyValue, id: id)
                tree.put(record)
                changes.append(Change(id: id, key: keyValue.key, record: record, previous: previous))
            case .delete(let key):
                guard let previous = tree.remove(key) else { continue }
                changes.append(Change(id: id, key: previous.key, record: nil, previous: previous))
            }
        }
        if changes.count > before {
            revision = next
        }
    }
}
