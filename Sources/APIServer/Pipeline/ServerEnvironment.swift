package import APIMachinery
import Synchronization

/// Time and randomness as the server sees them; injected, so that tests drive them.
package struct ServerEnvironment: Sendable {
    package var clock: any WallClock
    /// Since some fixed moment; for timeouts.
    package var monotonic: @Sendable () -> Duration
    package var random: @Sendable () -> UInt64

    package init(
        clock: any WallClock = SystemWallClock(),
        monotonic: @escaping @Sendable () -> Duration = ServerEnvironment.continuous(),
        random: @escaping @Sendable () -> UInt64 = ServerEnvironment.pooledRandom()
    ) {
        self.clock = clock
        self.monotonic = monotonic
        self.random = random
    }

    package static func continuous() -> @Sendable () -> Duration {
        let start: ContinuousClock.Instant = ContinuousClock.now
        return { start.duration(to: ContinuousClock.now) }
    }

    package static func pooledRandom() -> @Sendable () -> UInt64 {
        let pool = RandomPool()
        return { pool.next() }
    }

    package func uuid() -> String {
        var generator = Generator(random: random)
        return NameGenerator.uuid(using: &generator)
    }

    package func name(base: String) -> String {
        var generator = Generator(random: random)
        return NameGenerator.name(base: base, using: &generator)
    }

    private struct Generator: RandomNumberGenerator {
        let random: @Sendable () -> UInt64
        mutating func next() -> UInt64 { random() }
    }
}
