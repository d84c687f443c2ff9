import Synchronization

extension EmbeddedStore {
    /// How often `run` looks for expired leases and old history.
    package static let tick: Duration = .milliseconds(500)

    /// Expires leases and compacts history, until the task is cancelled. Writes nothing if there is nothing to do.
    package func run() async {
        while !Task.isCancelled {
            do {
                try await engine.configuration.clock.sleep(EmbeddedStore.tick)
            } catch {
                return  // cancelled
            }
            await performDueWork()
        }
    }

    /// What is due now, by the store's clock.
    package func performDueWork() async {
        let now = engine.configuration.clock.now()
        let (due, revision, superseded) = engine.state.withLock { state in
            (state.leases.due(now: now), state.revision, state.counters.supersededBytes)
        }
        for lease in due {
            do throws(StoreError) {
                _ = try await engine.perform(.revoke(lease, dueBy: now))
            } catch {
                switch error {
                case .leaseNotFound: continue  // kept alive or revoked meanwhile
                default: return  // no space or closed: the next tick tries again
                }
            }
        }
        let target: Revision? = engine.policy.withLock { policy in
            policy.observe(now: now, revision: revision, supersededBytes: superseded)
        }
        guard let target else { return }
        do throws(StoreError) {
            try await compact(target)
            engine.policy.withLock { $0.didCompact(target) }
        } catch {
            return  // the next tick tries again
        }
    }

    /// Returns when the maintenance thread has done all that it was asked for before.
    package func finishMaintenance() async {
        await withCheckedContinuation { continuation in
            do throws(Inbox<MaintenanceJob>.Refusal) {
                try engine.maintenance.send(.barrier(continuation), force: true)
            } catch {
                continuation.resume()
            }
        }
    }
}
