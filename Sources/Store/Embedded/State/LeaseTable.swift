/// The leases, their deadlines and the keys that hang on them.
///
/// Ids and times to live are durable; deadlines are not: after a start each lease has its whole time again.
struct LeaseTable: Sendable {
    struct Lease: Sendable {
        var seconds: Int
        /// On the store's clock.
        var deadline: Duration
        /// Being revoked: it cannot be kept alive any more.
        var isEnding: Bool = false
    }

    private(set) var leases: [LeaseID: Lease] = [:]
    private var keys: [LeaseID: Set<[UInt8]>] = [:]

    mutating func add(_ id: LeaseID, seconds: Int, now: Duration) {
        leases[id] = Lease(seconds: seconds, deadline: now + .seconds(seconds))
    }

    /// False: there is no such lease.
    mutating func keepAlive(_ id: LeaseID, now: Duration) -> Bool {
        guard var lease = leases[id], !lease.isEnding else { return false }
        lease.deadline = now + .seconds(lease.seconds)
        leases[id] = lease
        return true
    }

    func due(now: Duration) -> [LeaseID] {
        leases.filter { $0.value.deadline <= now && !$0.value.isEnding }.keys.sorted()
    }

    /// The keys to delete, in order; nil if there is no such lease, or it is not due at `dueBy`.
    mutating func beginEnding(_ id: LeaseID, dueBy: Duration?) -> [[UInt8]]? {
        guard var lease = leases[id], !lease.isEnding else { return nil }
        if let dueBy, lease.deadline > dueBy { return nil }
        lease.isEnding = true
        leases[id] = lease
        return (keys[id] ?? []).sorted(by: Bytes.isLess)
    }

    /// The revocation failed: the lease lives on.
    mutating func abortEnding(_ id: LeaseID) {
        leases[id]?.isEnding = false
    }

    mutating func remove(_ id: LeaseID) {
        leases[id] = nil
        keys[id] = nil
    }

    mutating func attach(_ key: [UInt8], to id: LeaseID) {
        guard id != 0 else { return }
        keys[id, default: []].insert(key)
    }

    mutating func detach(_ key: [UInt8], from id: LeaseID) {
        guard id != 0 else { return }
        keys[id]?.remove(key)
        if keys[id]?.isEmpty == true {
            keys[id] = nil
        }
    }
}
