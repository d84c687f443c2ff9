import Synchronization

/// A clock that moves on by a millisecond whenever it is read.
final class Ticks: Sendable {
    private let microseconds = Mutex<Int64>(1_000_000)

    func next() -> Int64 {
        microseconds.withLock { now in
            now += 1000
            return now
        }
    }
}
