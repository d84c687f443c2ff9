import Glibc
import Synchronization

/// The bounded memory of what was done and why (DESIGN §8).
///
/// A ring: the newest `capacity` steps are kept, the oldest are overwritten. Recording is one short critical
/// section without allocation of its own, so that it never holds anybody up; reading copies the ring.
package final class FlowRecorder: Sendable {
    private struct Ring {
        var steps: [Step] = []
        /// Where the next step goes once the ring is full.
        var next: Int = 0
        var lastID: Int64 = 0
    }

    private let ring: Mutex<Ring>
    private let capacity: Int
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - capacity: how many steps are kept, at least 1. A step takes about 300 bytes.
    ///   - now: microseconds since 1970.
    package init(capacity: Int = 8192, now: @escaping @Sendable () -> Int64 = FlowRecorder.systemTime) {
        precondition(capacity > 0, "a recorder keeps at least one step")
        self.capacity = capacity
        self.now = now
        self.ring = Mutex(Ring())
    }

    /// Microseconds since 1970 by the system's clock.
    package static let systemTime: @Sendable () -> Int64 = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Remembers one step, done now.
    ///
    /// - Parameters:
    ///   - since: microseconds since 1970 at which the work began; nil if it has no length.
    ///   - causes: at most `Cause.limit` are kept, the newest.
    package func record(
        component: String,
        what: String,
        object: ObjectPath,
        revision: Int64 = 0,
        request: String = "",
        causes: [Cause] = Causes.current,
        since: Int64? = nil,
        details: [Step.Detail] = []
    ) {
        let time: Int64 = now()
        let kept: [Cause] = causes.count > Cause.limit ? Array(causes.suffix(Cause.limit)) : causes
        ring.withLock { ring in
            ring.lastID += 1
            let step = Step(
                id: ring.lastID, time: time, duration: since.map { max(0, time - $0) } ?? 0, component: component,
                what: what, object: object, revision: revision, request: request, causes: kept, details: details)
            if ring.steps.count < capacity {
                ring.steps.append(step)
            } else {
                ring.steps[ring.next] = step
                ring.next = (ring.next + 1) % capacity
            }
        }
    }

    /// Everything that is still remembered, oldest first.
    package func steps() -> [Step] {
        ring.withLock { ring in
            Array(ring.steps[ring.next...]) + Array(ring.steps[..<ring.next])
        }
    }
}
