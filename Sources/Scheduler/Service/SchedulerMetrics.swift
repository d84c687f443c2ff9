import Synchronization

/// The scheduler's numbers, under upstream's names.
package final class SchedulerMetrics: Sendable {
    package struct Snapshot: Sendable, Equatable {
        /// `scheduler_schedule_attempts_total` by result.
        package var scheduled: Int = 0
        package var unschedulable: Int = 0
        package var errors: Int = 0
        /// `scheduler_pod_scheduling_sli_duration_seconds`, sum.
        package var secondsTotal: Double = 0
        /// `scheduler_pending_pods` by queue.
        package var active: Int = 0
        package var backoff: Int = 0
        package var waiting: Int = 0
    }

    private let state = Mutex(Snapshot())

    package var snapshot: Snapshot { state.withLock { $0 } }

    func scheduled(seconds: Double) {
        state.withLock { state in
            state.scheduled += 1
            state.secondsTotal += seconds
        }
    }

    func unschedulable() { state.withLock { $0.unschedulable += 1 } }

    func failed() { state.withLock { $0.errors += 1 } }

    func set(_ counts: (active: Int, backoff: Int, unschedulable: Int)) {
        state.withLock { state in
            state.active = counts.active
            state.backoff = counts.backoff
            state.waiting = counts.unschedulable
        }
    }
}
