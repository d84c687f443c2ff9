/// A clock for waiting and measuring: it never goes back. Injected, so that tests drive it.
package protocol MonotonicClock: Sendable {
    /// Time since an arbitrary fixed point.
    var now: Duration { get }
    /// Returns at `deadline`, or at once if the task is cancelled.
    func sleep(until deadline: Duration) async
}

extension MonotonicClock {
    /// Returns after `span`, or at once if the task is cancelled.
    package func sleep(for span: Duration) async { await sleep(until: now + span) }
}

/// The machine's monotonic clock.
package struct SystemMonotonicClock: MonotonicClock {
    private static let origin: ContinuousClock.Instant = .now

    package init() {}

    package var now: Duration { Self.origin.duration(to: .now) }

    package func sleep(until deadline: Duration) async {
        do {
            try await ContinuousClock().sleep(until: Self.origin + deadline)
        } catch {
            // Cancelled: the caller looks at `Task.isCancelled`, as the protocol says.
        }
    }
}
