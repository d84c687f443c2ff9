package import APIMachinery
package import Flow

/// How a `ControllerRunner` works.
package struct ControllerConfiguration: Sendable {
    /// Reconciles at a time, of different keys.
    package var workers: Int = 4
    /// Writes at a time within a parallel or slow-start batch.
    package var parallelWrites: Int = 16
    /// First and longest delay after failures of one key; doubles in between. Upstream's numbers.
    package var firstBackOff: Duration = .milliseconds(5)
    package var longestBackOff: Duration = .seconds(1000)
    /// How long a key waits for the caches to show the controller's own writes before it goes on without.
    package var longestStaleWait: Duration = .seconds(30)
    package var clock: any MonotonicClock = SystemMonotonicClock()
    package var wallClock: any WallClock = SystemWallClock()
    package var log: Log = .silent
    package var recorder: FlowRecorder?
    /// Takes the events of `Write.event`; without one they are dropped.
    package var events: EventRecorder?

    package init() {}
}
