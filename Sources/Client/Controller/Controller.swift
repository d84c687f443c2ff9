package import APIMachinery

/// The logic of a controller: a pure function of a key and of caches, that says what to write (DESIGN §6).
///
///     struct ReplicaSetReconciler: Reconciler {
///         let sets: ObjectCache<ReplicaSet>
///         let pods: ObjectCache<Pod>
///         func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
///             guard let set = sets[key] else { return .done }
///             …
///             return Reconciliation([.create(pod), .updateStatus(set)])
///         }
///     }
///
/// No effects: no clock, randomness or request. `ControllerRunner` waits, retries and writes. The runner reconciles a
/// key one at a time, and not before the caches hold what it wrote for that key last; but caches may be behind
/// in all else, so a reconcile must be right, if late, on an old view.
package protocol Reconciler: Sendable {
    associatedtype Key: ControllerKey = ObjectKey

    /// What to write so that the world comes closer to what `key` wants. Called by several workers at once,
    /// with different keys.
    func reconcile(_ key: Key, now: Time) -> Reconciliation

    /// Told what came of the writes, in their order; called once per reconcile that wrote anything.
    ///
    /// May ask for more writes (say, a status with the failure in it), whose outcomes it is told in turn, at most
    /// `Reconciliation.maxRounds` times. Nil when there is nothing more to do.
    func didWrite(_ key: Key, _ outcomes: [WriteOutcome], now: Time) -> Reconciliation?
}

extension Reconciler {
    package func didWrite(_ key: Key, _ outcomes: [WriteOutcome], now: Time) -> Reconciliation? { nil }
}

/// A controller that must ask the API server while it reconciles, because no cache can know: namespace deletion
/// (everything of every resource), garbage collection (is the owner really gone?).
///
/// It may write through the client itself; writes that it returns are done by the runner.
package protocol AsyncReconciler: Sendable {
    associatedtype Key: ControllerKey = ObjectKey

    /// A thrown error is logged once and the key tried again with back-off.
    func reconcile(_ key: Key, now: Time, client: APIClient) async throws(StatusError) -> Reconciliation
}

/// What controllers queue: usually `ObjectKey`.
package protocol ControllerKey: Hashable, Sendable, CustomStringConvertible {}

extension ObjectKey: ControllerKey {}
extension String: ControllerKey {}

/// Something long-lived of a component, such as a `ControllerRunner`: runs until its task is cancelled.
package protocol Controller: Sendable {
    /// Upstream's name, such as `replicaset-controller`.
    var name: String { get }
    func run() async
}
