import APIMachinery
import Store
import Synchronization

/// Leases of the store for objects that expire, shared by all that are written within a minute: thousands of events
/// then need a few leases.
final class LeasePool: Sendable {
    private struct Entry {
        var lease: LeaseID
        var grantedAt: Duration
    }

    /// How long a lease is given to new objects; it lives that much longer than asked for.
    private static let shareSeconds: Int = 60

    private let store: any Store
    private let monotonic: @Sendable () -> Duration
    private let entries = Mutex<[Int: Entry]>([:])

    init(store: any Store, monotonic: @escaping @Sendable () -> Duration) {
        self.store = store
        self.monotonic = monotonic
    }

    func lease(seconds: Int) async throws(StatusError) -> LeaseID {
        let now: Duration = monotonic()
        let known: LeaseID? = entries.withLock { entries in
            guard let entry = entries[seconds], now - entry.grantedAt < .seconds(Self.shareSeconds) else { return nil }
            return entry.lease
        }
        if let known { return known }
        do throws(StoreError) {
            let lease: LeaseID = try await store.grantLease(seconds: seconds + Self.shareSeconds)
            entries.withLock { $0[seconds] = Entry(lease: lease, grantedAt: now) }
            return lease
        } catch {
            throw error.statusError
        }
    }
}
