/// What a reconcile decided.
package struct Reconciliation: Sendable {
    /// How often `didWrite` may ask for more within one reconcile.
    package static let maxRounds: Int = 4

    /// Done one after the other. A failure stops what comes after, except batches with `evenAfterFailure`.
    package var batches: [WriteBatch]
    /// When to look again even if nothing changes. Measured from the end of the writes.
    package var requeueAfter: Duration?
    /// Why the reconcile could not do its work; after the writes it is logged once and the key backs off.
    package var failure: String?

    package init(_ writes: [Write] = [], requeueAfter: Duration? = nil) {
        self.batches = writes.isEmpty ? [] : [WriteBatch(writes)]
        self.requeueAfter = requeueAfter
        self.failure = nil
    }

    /// Nothing to do.
    package static let done = Reconciliation()

    /// Could not do its work; try again with back-off.
    package static func failed(_ reason: String) -> Reconciliation {
        var result = Reconciliation()
        result.failure = reason
        return result
    }

    /// Adds a write that is done after all the others, if they succeed.
    package mutating func write(_ write: Write) {
        if let last = batches.indices.last, batches[last].order == .sequential, !batches[last].evenAfterFailure {
            batches[last].writes.append(write)
        } else {
            batches.append(WriteBatch([write]))
        }
    }

    /// Adds a batch; an empty one is left out.
    package mutating func write(_ writes: [Write], _ order: WriteBatch.Order, evenAfterFailure: Bool = false) {
        guard !writes.isEmpty else { return }
        batches.append(WriteBatch(writes, order, evenAfterFailure: evenAfterFailure))
    }

    /// Looks again after `delay`, or earlier if it was asked for earlier.
    package mutating func requeue(after delay: Duration) {
        requeueAfter = requeueAfter.map { min($0, delay) } ?? delay
    }

    /// All writes in order, for tests.
    package var writes: [Write] { batches.flatMap(\.writes) }
}

/// Writes that belong together.
package struct WriteBatch: Sendable {
    package enum Order: Sendable, Hashable {
        /// In order; the first failure skips the rest.
        case sequential
        /// At most `ControllerConfiguration.parallelWrites` at a time; all are tried.
        case parallel
        /// 1, then 2, 4, 8, … at a time; a failure skips the turns after its own: upstream's slow start for pods.
        case slowStart
    }

    package var writes: [Write]
    package var order: Order
    /// Whether the batch is done although an earlier one failed.
    package var evenAfterFailure: Bool

    package init(_ writes: [Write], _ order: Order = .sequential, evenAfterFailure: Bool = false) {
        self.writes = writes
        self.order = order
        self.evenAfterFailure = evenAfterFailure
    }
}
