import Synchronization

/// UIDs of which we know that their objects are gone; saves asking again for each of their dependents. UIDs never come
/// back.
package final class AbsentOwners: Sendable {
    /// Upstream's number.
    private static let capacity: Int = 500

    private struct State {
        var known: Set<String> = []
        var order: [String] = []
    }

    private let state: Mutex<State> = Mutex(State())

    package init() {}

    func insert(_ uid: String) {
        state.withLock { state in
            guard state.known.insert(uid).inserted else { return }
            state.order.append(uid)
            guard state.order.count > Self.capacity else { return }
            let surplus: ArraySlice<String> = state.order.prefix(Self.capacity / 4)
            state.known.subtract(surplus)
            state.order.removeFirst(surplus.count)
        }
    }

    func contains(_ uid: String) -> Bool { state.withLock { $0.known.contains(uid) } }
}
