import APIMachinery
import Flow
import Synchronization

/// What a controller wrote for each key and does not see in its caches yet (DESIGN §6).
///
/// A key with open expectations is *parked*: it is not reconciled before its caches have caught up, or its time is
/// up. Only resources that the controller reads through an informer count. Lock order: the ledger's, then a cache's.
final class WriteLedger<Key: ControllerKey>: Sendable {
    private struct Entry {
        var expectations: [Expectation]
        /// After this time the key goes on without having seen them.
        var deadline: Duration
        /// Why the key wants to be reconciled, since it was parked; nil when it is not.
        var parked: [Cause]?
    }

    private struct State {
        var informers: [GroupVersionResource: [any AnyInformer]] = [:]
        var entries: [Key: Entry] = [:]
        /// How many entries are parked; lets `release` return at once most of the time.
        var parkedCount: Int = 0
    }

    private let state: Mutex<State> = Mutex(State())

    // MARK: - Informers

    /// False if it is known already.
    func add(_ informer: any AnyInformer) -> Bool {
        state.withLock { state in
            if state.informers[informer.resource]?.contains(where: { $0 === informer }) == true { return false }
            state.informers[informer.resource, default: []].append(informer)
            return true
        }
    }

    var informers: [any AnyInformer] { state.withLock { $0.informers.values.flatMap { $0 } } }

    func reads(_ resource: GroupVersionResource) -> Bool { state.withLock { $0.informers[resource] != nil } }

    /// The cached UID of an object, for expectations of its deletion.
    func uid(_ resource: GroupVersionResource, _ key: ObjectKey) -> String? {
        let informers: [any AnyInformer] = state.withLock { $0.informers[resource] ?? [] }
        return informers.lazy.compactMap { $0.uid(key) }.first
    }

    // MARK: - Keys

    /// Adds what the caches must show before the key is reconciled again.
    func expect(_ expectations: [Expectation], for key: Key, until deadline: Duration) {
        state.withLock { state in
            let known: [Expectation] = expectations.filter { state.informers[$0.resource] != nil }
            guard !known.isEmpty else { return }
            if state.entries[key] == nil {
                state.entries[key] = Entry(expectations: known, deadline: deadline)
            } else {
                state.entries[key]?.expectations += known
                state.entries[key]?.deadline = deadline
            }
        }
    }

    enum Verdict: Equatable {
        /// The caches show everything. The causes are those given and those for which the key was parked.
        case go([Cause])
        /// They do not show so many writes, but the key has waited long enough.
        case goUnseen(Int, [Cause])
        /// Parked; it will come out of `release`, or is asked about again at the deadline.
        case wait(until: Duration)
    }

    /// Whether the key may be reconciled now; parks it if not.
    func check(_ key: Key, causes: [Cause], now: Duration) -> Verdict {
        state.withLock { state in
            guard var entry = state.entries[key] else { return .go(causes) }
            entry.expectations.removeAll { Self.isShown($0, state.informers) }
            let wasParked: Bool = entry.parked != nil
            var parked: [Cause] = entry.parked ?? []
            parked.merge(causes)
            if entry.expectations.isEmpty || entry.deadline <= now {
                state.entries[key] = nil
                if wasParked { state.parkedCount -= 1 }
                return entry.expectations.isEmpty ? .go(parked) : .goUnseen(entry.expectations.count, parked)
            }
            entry.parked = parked
            if !wasParked { state.parkedCount += 1 }
            state.entries[key] = entry
            return .wait(until: entry.deadline)
        }
    }

    /// The parked keys whose caches have caught up, with why they want to be reconciled.
    func release() -> [(key: Key, causes: [Cause])] {
        state.withLock { state in
            guard state.parkedCount > 0 else { return [] }
            var free: [(key: Key, causes: [Cause])] = []
            for (key, entry) in state.entries {
                guard let causes = entry.parked,
                    entry.expectations.allSatisfy({ Self.isShown($0, state.informers) })
                else { continue }
                free.append((key, causes))
            }
            for (key, _) in free { state.entries[key] = nil }
            state.parkedCount -= free.count
            return free
        }
    }

    /// All informers of the resource must show it: a controller may read through any of them.
    private static func isShown(
        _ expectation: Expectation, _ informers: [GroupVersionResource: [any AnyInformer]]
    ) -> Bool {
        (informers[expectation.resource] ?? []).allSatisfy { $0.shows(expectation) }
    }
}
