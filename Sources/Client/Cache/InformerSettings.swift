import APIMachinery

/// How informers behave.
package struct InformerSettings: Sendable {
    package var clock: any MonotonicClock = SystemMonotonicClock()
    package var log: Log = .silent
    /// In 0..<1; spreads retries and watch lengths of many clients.
    package var random: @Sendable () -> Double = { Double.random(in: 0..<1) }
    package var backOff = BackOff(first: .milliseconds(50), longest: .seconds(30))
    /// The server ends a watch after this long, and up to twice as long. Upstream's number.
    package var shortestWatch: Duration = .seconds(300)

    package init() {}
}
