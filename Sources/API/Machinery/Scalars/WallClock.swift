import Glibc
import Synchronization

/// Where a component gets the time of day from; injected, so that tests drive it.
package protocol WallClock: Sendable {
    var now: Time { get }
    var nowMicro: MicroTime { get }
}

/// The clock of the machine.
package struct SystemWallClock: WallClock {
    package init() {}

    package var now: Time { nowMicro.time }

    package var nowMicro: MicroTime {
        var value = timespec()
        let result: Int32 = clock_gettime(CLOCK_REALTIME, &value)
        precondition(result == 0, "the machine has no CLOCK_REALTIME")
        return MicroTime(microseconds: Int64(value.tv_sec) * 1_000_000 + Int64(value.tv_nsec) / 1_000)
    }
}

/// A clock that moves only when told to.
package final class ManualWallClock: WallClock {
    private let current: Mutex<MicroTime>

    package init(_ start: MicroTime = MicroTime(Time(seconds: 1_700_000_000))) {
        current = Mutex(start)
    }

    package var now: Time { nowMicro.time }
    package var nowMicro: MicroTime { current.withLock { $0 } }

    package func advance(seconds: Int = 0, microseconds: Int = 0) {
        current.withLock { $0 = $0.adding(microseconds: seconds * 1_000_000 + microseconds) }
    }

    package func set(_ time: MicroTime) {
        current.withLock { $0 = time }
    }
}
