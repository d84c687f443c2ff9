import APIMachinery
import Synchronization

/// Lets requests in, level by level, or makes them wait, or refuses them: API priority and fairness.
///
/// A request that finds a seat costs one lock. Only what leaves the event loop needs one: reads that the caches answer
/// at once hold nobody up, and watches hold no seat.
package final class FlowControl: Sendable {
    package struct Settings: Sendable {
        /// All seats; upstream's 400 reads and 200 writes.
        package var seats: Int = 600
        /// How long a request may wait; upstream's, a quarter of a request's time.
        package var patience: Duration = .seconds(15)

        package init() {}
    }

    /// A seat, or several. To be given back once.
    package struct Ticket: Sendable {
        let level: String
        let seats: Int
    }

    package enum Entry: Sendable {
        case run(Ticket)
        /// To be waited for with `wait`.
        case queued(UInt64)
        case refused(reason: String)
    }

    private struct Pending {
        var ticket: Ticket
        var continuation: CheckedContinuation<Ticket?, Never>?
        /// What became of it before anybody waited.
        var result: Ticket??
    }

    private struct State {
        var plan: FlowPlan
        var levels: [String: FlowLevel] = [:]
        var pending: [UInt64: Pending] = [:]
        var nextID: UInt64 = 0
        var counts: [Count: Int] = [:]
        /// Where requests like this one belong; of the plan that is in force.
        var known: [Kind: FlowMatch] = [:]

        /// What levels lend and nobody has borrowed yet.
        var spare: Int {
            var spare: Int = 0
            for level in levels.values { spare += level.lendable - level.borrowed }
            return max(0, spare)
        }
    }

    /// What a match depends on.
    private struct Kind: Hashable {
        var user: String
        var groups: [String]
        var verb: String
        var group: String
        var resource: String
        var subresource: String
        var namespace: String
        var path: String
    }

    private struct Count: Hashable {
        var schema: String
        var level: String
        /// Empty: let in.
        var reason: String
    }

    /// Remembered matches; when full, all are forgotten.
    private static let mostKnown: Int = 1024

    private let settings: Settings
    private let monotonic: @Sendable () -> Duration
    private let state: Mutex<State>

    package init(
        _ settings: Settings = Settings(), plan: FlowPlan = .standard, monotonic: @escaping @Sendable () -> Duration
    ) {
        self.settings = settings
        self.monotonic = monotonic
        state = Mutex(State(plan: plan))
        configure(plan)
    }

    /// A new plan; requests that run or wait go on.
    package func configure(_ plan: FlowPlan) {
        state.withLock { state in
            state.plan = plan
            state.known = [:]
            for level in plan.levels.values {
                let seats: Int = plan.seats(of: level, total: settings.seats)
                if state.levels[level.name] == nil {
                    state.levels[level.name] = FlowLevel(level, seats: seats)
                } else {
                    state.levels[level.name]?.configure(level, seats: seats)
                }
            }
            // A level that is gone stays until its requests are.
            state.levels = state.levels.filter { name, level in
                plan.levels[name] != nil || level.inUse > 0 || level.waiting > 0
            }
        }
    }

    package func match(_ context: RequestContext) -> FlowMatch {
        let kind = Kind(
            user: context.user.name, groups: context.user.groups, verb: context.verb, group: context.resource.group,
            resource: context.resource.resource, subresource: context.subresource, namespace: context.namespace,
            path: context.path)
        return state.withLock { state in
            if let known = state.known[kind] { return known }
            let match: FlowMatch = state.plan.match(context)
            if state.known.count >= Self.mostKnown { state.known.removeAll(keepingCapacity: true) }
            state.known[kind] = match
            return match
        }
    }

    // MARK: - Requests

    /// - Parameter seats: how much of the server it takes; a long list takes several.
    package func enter(_ match: FlowMatch, seats: Int = 1) -> Entry {
        state.withLock { state in
            let ticket = Ticket(level: match.level, seats: seats)
            state.nextID += 1
            let id: UInt64 = state.nextID
            let waiter = FlowLevel.Waiter(
                id: id, seats: seats, deadline: monotonic() + settings.patience, schema: match.schema)
            let isFree: Bool =
                match.isExempt || (state.levels[match.level].map { $0.inUse + seats <= $0.seats } ?? false)
            let spare: Int = isFree ? 0 : state.spare
            let arrival: FlowLevel.Arrival =
                state.levels[match.level]?.arrive(waiter, hash: Self.hash(match), spare: spare) ?? .refuse(.noQueues)
            switch arrival {
            case .run:
                state.counts[Count(schema: match.schema, level: match.level, reason: ""), default: 0] += 1
                return .run(ticket)
            case .wait:
                state.pending[id] = Pending(ticket: ticket)
                return .queued(id)
            case .refuse(let refusal):
                let count = Count(schema: match.schema, level: match.level, reason: refusal.rawValue)
                state.counts[count, default: 0] += 1
                return .refused(reason: refusal.rawValue)
            }
        }
    }

    /// Waits for a seat; nil: it took too long.
    package func wait(_ id: UInt64) async -> Ticket? {
        await withCheckedContinuation { (continuation: CheckedContinuation<Ticket?, Never>) in
            let known: Ticket?? = state.withLock { state in
                guard let pending = state.pending[id] else { return .some(nil) }
                if let result = pending.result {
                    state.pending[id] = nil
                    return .some(result)
                }
                state.pending[id]?.continuation = continuation
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    /// Gives seats back, and lets in who waits for them.
    package func leave(_ ticket: Ticket) {
        let ready: [(CheckedContinuation<Ticket?, Never>, Ticket)] = state.withLock { state in
            state.levels[ticket.level]?.finish(ticket.seats)
            if let level = state.levels[ticket.level], state.plan.levels[ticket.level] == nil, level.inUse == 0,
                level.waiting == 0
            {
                state.levels[ticket.level] = nil
            }
            return Self.dispatch(&state)
        }
        for (continuation, ticket) in ready { continuation.resume(returning: ticket) }
    }

    /// Refuses who has waited too long; to be called each second.
    package func tick() {
        let now: Duration = monotonic()
        let late: [CheckedContinuation<Ticket?, Never>] = state.withLock { state in
            var late: [CheckedContinuation<Ticket?, Never>] = []
            for name in Array(state.levels.keys) {
                for waiter in state.levels[name]?.expire(now: now) ?? [] {
                    let count = Count(
                        schema: waiter.schema, level: name, reason: FlowLevel.Refusal.tooLate.rawValue)
                    state.counts[count, default: 0] += 1
                    if let continuation = state.pending[waiter.id]?.continuation {
                        late.append(continuation)
                        state.pending[waiter.id] = nil
                    } else {
                        state.pending[waiter.id]?.result = .some(nil)
                    }
                }
            }
            return late
        }
        for continuation in late { continuation.resume(returning: nil) }
    }

    private static func dispatch(_ state: inout State) -> [(CheckedContinuation<Ticket?, Never>, Ticket)] {
        guard !state.pending.isEmpty else { return [] }
        var ready: [(CheckedContinuation<Ticket?, Never>, Ticket)] = []
        for name in Array(state.levels.keys) {
            guard (state.levels[name]?.waiting ?? 0) > 0 else { continue }
            while true {
                let spare: Int = state.spare
                guard let waiter = state.levels[name]?.next(spare: spare) else { break }
                state.counts[Count(schema: waiter.schema, level: name, reason: ""), default: 0] += 1
                guard let pending = state.pending[waiter.id] else { continue }
                if let continuation = pending.continuation {
                    ready.append((continuation, pending.ticket))
                    state.pending[waiter.id] = nil
                } else {
                    state.pending[waiter.id]?.result = .some(pending.ticket)
                }
            }
        }
        return ready
    }

    /// FNV-1a: the same flow is dealt the same hand on every server.
    private static func hash(_ match: FlowMatch) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in match.schema.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ 0xFF) &* 0x100_0000_01B3
        for byte in match.flow.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }

    // MARK: - Metrics

    package func writeMetrics(to text: inout String) {
        let (counts, levels): ([Count: Int], [FlowLevel]) = state.withLock { ($0.counts, Array($0.levels.values)) }
        let prefix: String = "apiserver_flowcontrol_"
        func order(_ count: Count) -> String { "\(count.level) \(count.schema) \(count.reason)" }
        let sorted = counts.sorted { order($0.key) < order($1.key) }
        MetricText.head(prefix + "dispatched_requests_total", "Requests that got a seat.", "counter", &text)
        for (count, value) in sorted where count.reason.isEmpty {
            MetricText.line(
                prefix + "dispatched_requests_total", ["flow_schema", "priority_level"], [count.schema, count.level],
                Double(value), &text)
        }
        MetricText.head(prefix + "rejected_requests_total", "Requests that got no seat.", "counter", &text)
        for (count, value) in sorted where !count.reason.isEmpty {
            MetricText.line(
                prefix + "rejected_requests_total", ["flow_schema", "priority_level", "reason"],
                [count.schema, count.level, count.reason], Double(value), &text)
        }
        let gauges: [(String, String, (FlowLevel) -> Int)] = [
            ("current_executing_seats", "Seats taken now.", { $0.inUse }),
            ("current_inqueue_requests", "Requests that wait for a seat.", { $0.waiting }),
            ("nominal_limit_seats", "The level's own part of the server.", { $0.seats }),
        ]
        for (name, help, value) in gauges {
            MetricText.head(prefix + name, help, "gauge", &text)
            for level in levels.sorted(by: { $0.level.name < $1.level.name }) {
                MetricText.line(
                    prefix + name, ["priority_level"], [level.level.name], Double(value(level)), &text)
            }
        }
    }
}
