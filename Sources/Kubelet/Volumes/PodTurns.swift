import Synchronization

/// One at a time per pod: mounting, updating and unmounting never overlap; different pods never wait for each other.
final class PodTurns: Sendable {
    private typealias Waiter = CheckedContinuation<Void, Never>

    /// Those who wait, in order; an entry exists while somebody has the turn.
    private let waiting: Mutex<[String: [Waiter]]> = Mutex([:])

    /// Runs `body` when all earlier ones of the same pod are through. Waiting cannot be cancelled: turns are short.
    func take<Value: Sendable>(_ uid: String, _ body: () async -> Value) async -> Value {
        await withCheckedContinuation { (waiter: Waiter) in
            let isFree: Bool = waiting.withLock { waiting in
                if waiting[uid] != nil {
                    waiting[uid]?.append(waiter)
                    return false
                }
                waiting[uid] = []
                return true
            }
            if isFree { waiter.resume() }
        }
        let value: Value = await body()
        let next: Waiter? = waiting.withLock { waiting in
            guard let first = waiting[uid]?.first else {
                waiting[uid] = nil
                return nil
            }
            waiting[uid]?.removeFirst()
            return first
        }
        next?.resume()
        return value
    }
}
