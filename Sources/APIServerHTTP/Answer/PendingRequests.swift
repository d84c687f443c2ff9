import APIMachinery
import Synchronization

/// The requests that tasks work on, so that those that take too long get an answer.
final class PendingRequests: Sendable {
    private struct State {
        var entries: [Int: (deadline: Duration, answer: Answer)] = [:]
        var next: Int = 0
    }

    private let state = Mutex(State())
    private let limit: Duration

    init(limit: Duration) {
        self.limit = limit
    }

    func enter(_ answer: Answer, now: Duration) -> Int {
        state.withLock { state in
            state.next += 1
            state.entries[state.next] = (now + limit, answer)
            return state.next
        }
    }

    func leave(_ ticket: Int) {
        _ = state.withLock { $0.entries.removeValue(forKey: ticket) }
    }

    /// Answers what is due with 504. A later answer is ignored.
    func expire(now: Duration) {
        let late: [Answer] = state.withLock { state in
            var late: [Answer] = []
            for (ticket, entry) in state.entries where entry.deadline <= now {
                late.append(entry.answer)
                state.entries[ticket] = nil
            }
            return late
        }
        for answer in late {
            answer.fail(.timeout("request did not complete within the allotted timeout"))
        }
    }
}
