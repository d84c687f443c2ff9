package import APIMachinery
import Flow

/// Runs a reconciler: watches what it reads, queues keys, waits, retries, writes (DESIGN §6).
///
///     let runner = ControllerRunner("replicaset-controller", of: "replicasets", ReplicaSetReconciler(…),
///                                   client: client, configuration: configuration)
///     runner.watch(sets)                                  // its own objects
///     runner.watch(pods, ownedBy: ReplicaSet.self)        // what they own
///     runner.watch(nodes) { event in […keys…] }           // anything else
///     runner.reads(services)                              // only waits for the cache
///     await runner.run()
///
/// - One reconcile per key at a time, `workers` at once.
/// - A key waits until the caches hold what was written for it last; else an old cache would make, say, pods twice.
/// - The causes of all events that were merged into a key are `Causes.current` during its reconcile and writes.
/// - A failed write or reconcile is logged once and the key backs off; a conflict waits for the newer object.
package final class ControllerRunner<Key: ControllerKey>: Controller {
    package let name: String
    /// The plural name of what keys stand for, such as `replicasets`; for the flow's steps.
    package let resource: String
    package let queue: WorkQueue<Key>
    let configuration: ControllerConfiguration
    let executor: WriteExecutor
    let ledger: WriteLedger<Key>
    let reconcile: @Sendable (Key, Time) async throws(StatusError) -> Reconciliation
    let didWrite: @Sendable (Key, [WriteOutcome], Time) -> Reconciliation?
    let path: @Sendable (Key) -> ObjectKey

    private init(
        _ name: String, _ resource: String, client: APIClient, configuration: ControllerConfiguration,
        path: @escaping @Sendable (Key) -> ObjectKey,
        reconcile: @escaping @Sendable (Key, Time) async throws(StatusError) -> Reconciliation,
        didWrite: @escaping @Sendable (Key, [WriteOutcome], Time) -> Reconciliation?
    ) {
        self.name = name
        self.resource = resource
        self.configuration = configuration
        self.queue = WorkQueue(
            name, clock: configuration.clock,
            backOff: BackOff(first: configuration.firstBackOff, longest: configuration.longestBackOff))
        self.executor = WriteExecutor(
            client: client, events: configuration.events, parallelWrites: configuration.parallelWrites)
        self.ledger = WriteLedger()
        self.path = path
        self.reconcile = reconcile
        self.didWrite = didWrite
    }

    package convenience init<R: Reconciler>(
        _ name: String, of resource: String, _ reconciler: R, client: APIClient,
        configuration: ControllerConfiguration = ControllerConfiguration()
    ) where R.Key == Key {
        self.init(
            name, resource, client: client, configuration: configuration, path: Self.objectKey,
            reconcile: { key, now async throws(StatusError) in reconciler.reconcile(key, now: now) },
            didWrite: { key, outcomes, now in reconciler.didWrite(key, outcomes, now: now) })
    }

    package convenience init<R: AsyncReconciler>(
        _ name: String, of resource: String, _ reconciler: R, client: APIClient,
        configuration: ControllerConfiguration = ControllerConfiguration()
    ) where R.Key == Key {
        self.init(
            name, resource, client: client, configuration: configuration, path: Self.objectKey,
            reconcile: { key, now async throws(StatusError) in
                try await reconciler.reconcile(key, now: now, client: client)
            },
            didWrite: { _, _, _ in nil })
    }

    private static func objectKey(_ key: Key) -> ObjectKey {
        key as? ObjectKey ?? ObjectKey("", key.description)
    }

    // MARK: - What it watches; called before `run`

    /// Queues what `keys` makes of each change. `keys` is pure and quick.
    ///
    /// - Parameter delay: how long a key waits for others like it, counted from the first.
    package func watch<Object: APIObject>(
        _ informer: Informer<Object>, after delay: Duration = .zero,
        _ keys: @escaping @Sendable (InformerEvent<Object>) -> [Key]
    ) {
        reads(informer)
        let queue: WorkQueue<Key> = self.queue
        informer.addHandler { event in
            for key in keys(event) {
                if delay == .zero {
                    queue.add(key, causes: [event.cause])
                } else {
                    queue.add(key, after: delay, causes: [event.cause])
                }
            }
        }
    }

    /// The reconcile reads this cache, but its changes queue nothing. The runner waits for its first list, and for
    /// the controller's own writes to show in it.
    package func reads<Object: APIObject>(_ informer: Informer<Object>) {
        guard ledger.add(informer) else { return }
        informer.addObserver { [weak self] in self?.cachesMoved() }
    }
}

extension ControllerRunner where Key == ObjectKey {
    /// Queues every object that changes.
    package func watch<Object: APIObject>(_ informer: Informer<Object>) {
        watch(informer) { event in [event.key] }
    }

    /// Queues the managing owner, of that type, of every object that changes; when the owner changes, both owners.
    package func watch<Object: APIObject, Owner: APIObject>(
        _ informer: Informer<Object>, ownedBy owner: Owner.Type
    ) {
        watch(informer) { event in
            let now: ObjectKey? = Self.owner(of: event.object, owner)
            let before: ObjectKey? = event.old.flatMap { Self.owner(of: $0, owner) }
            return [now, before == now ? nil : before].compactMap { $0 }
        }
    }

    private static func owner<Object: APIObject, Owner: APIObject>(
        of object: Object, _ type: Owner.Type
    ) -> ObjectKey? {
        guard let reference = object.metadata.controllerOwner, reference.refers(to: type) else { return nil }
        return ObjectKey(Owner.isNamespaced ? object.metadata.namespace : "", reference.name)
    }
}
