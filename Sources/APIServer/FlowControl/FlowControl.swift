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
        let schema: String
        let level: String
        let seats: Int

        fileprivate var place: Place { Place(schema: schema, level: level) }
    }

    fileprivate struct Place: Hashable, Comparable {
        var schema: String
        var level: String

        static func < (left: Place, right: Place) -> Bool {
            left.level == right.level ? left.schema < right.schema : left.level < right.level
        }
    }

    /// What a schema's requests take of a level now, and how many it let in.
    private struct Usage {
        var executing: Int = 0
        var seats: Int = 0
        var waiting: Int = 0
        var dispatched: Int = 0
        /// Those that waited for nothing since the histogram was last brought up to date: nearly all, so it is not
        /// asked for each of them.
        var atOnce: Int = 0

        mutating func begin(_ taken: Int) {
            executing += 1
            seats += taken
            dispatched += 1
        }
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
        var refused: [Refused: Int] = [:]
        var usage: [Place: Usage] = [:]
        /// Where requests like this one belong; of the plan that is in force.
        var known: [Kind: FlowMatch] = [:]

        mutating func begin(_ ticket: Ticket) {
            usage[ticket.place, default: Usage()].begin(ticket.seats)
        }

        mutating func end(_ ticket: Ticket) {
            usage[ticket.place]?.executing -= 1
            usage[ticket.place]?.seats -= ticket.seats
        }

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

    private struct Refused: Hashable {
        var schema: String
        var level: String
        var reason: String
    }

    /// Remembered matches; when full, all are forgotten.
    private static let mostKnown: Int = 1024
    private static let waitBounds: [Double] = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]

    private let settings: Settings
    private let monotonic: @Sendable () -> Duration
    private let state: Mutex<State>
    /// Has a lock of its own, which is taken inside of that of `state`.
    private let waits = HistogramFamily(
        "apiserver_flowcontrol_request_wait_duration_seconds", labels: ["execute", "flow_schema", "priority_level"],
        bounds: waitBounds,
        help: "How long requests waited for a seat.")

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
            let ticket = Ticket(schema: match.schema, level: match.level, seats: seats)
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
                state.begin(ticket)
                state.usage[ticket.place]?.atOnce += 1
                return .run(ticket)
            case .wait:
                state.usage[ticket.place, default: Usage()].waiting += 1
                state.pending[id] = Pending(ticket: ticket)
                return .queued(id)
            case .refuse(let refusal):
                let refused = Refused(schema: match.schema, level: match.level, reason: refusal.rawValue)
                state.refused[refused, default: 0] += 1
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
            state.end(ticket)
            state.levels[ticket.level]?.finish(ticket.seats)
            if let level = state.levels[ticket.level], state.plan.levels[ticket.level] == nil, level.inUse == 0,
                level.waiting == 0
            {
                state.levels[ticket.level] = nil
            }
            return dispatch(&state)
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
                    let refused = Refused(
                        schema: waiter.schema, level: name, reason: FlowLevel.Refusal.tooLate.rawValue)
                    state.refused[refused, default: 0] += 1
                    state.usage[Place(schema: waiter.schema, level: name)]?.waiting -= 1
                    waited(settings.patience, waiter.schema, name, executes: false)
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

    private func dispatch(_ state: inout State) -> [(CheckedContinuation<Ticket?, Never>, Ticket)] {
        guard !state.pending.isEmpty else { return [] }
        var ready: [(CheckedContinuation<Ticket?, Never>, Ticket)] = []
        for name in Array(state.levels.keys) {
            guard (state.levels[name]?.waiting ?? 0) > 0 else { continue }
            while true {
                let spare: Int = state.spare
                guard let waiter = state.levels[name]?.next(spare: spare) else { break }
                guard let pending = state.pending[waiter.id] else { continue }
                state.usage[pending.ticket.place]?.waiting -= 1
                state.begin(pending.ticket)
                let began: Duration = waiter.deadline - settings.patience
                waited(monotonic() - began, waiter.schema, name, executes: true)
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

    private func waited(_ time: Duration, _ schema: String, _ level: String, executes: Bool) {
        waits.observe(time / .seconds(1), [String(executes), schema, level])
    }

    // MARK: - Metrics

    private static let prefix: String = "apiserver_flowcontrol_"

    package func writeMetrics(to text: inout String) {
        let (refused, usage, levels): ([Refused: Int], [Place: Usage], [FlowLevel]) = state.withLock { state in
            countThoseAtOnce(&state)
            return (state.refused, state.usage, Array(state.levels.values))
        }
        Self.write(usage, to: &text)
        Self.write(refused, to: &text)
        let total: Int = settings.seats
        let limits: [(String, String, (FlowLevel) -> Int)] = [
            ("nominal_limit_seats", "The level's own part of the server.", { $0.seats }),
            ("lower_limit_seats", "What the level always has.", { $0.seats - $0.mostLent }),
            ("upper_limit_seats", "What the level has at most.", { min($0.limit, total) }),
        ]
        for (name, help, value) in limits {
            MetricText.head(Self.prefix + name, help, "gauge", &text)
            for level in levels.sorted(by: { $0.level.name < $1.level.name }) {
                MetricText.line(
                    Self.prefix + name, ["priority_level"], [level.level.name], Double(value(level)), &text)
            }
        }
        waits.write(to: &text)
    }

    private func countThoseAtOnce(_ state: inout State) {
        for (place, usage) in state.usage where usage.atOnce > 0 {
            let buckets: [Int] = [usage.atOnce] + Array(repeating: 0, count: Self.waitBounds.count)
            waits.add(buckets: buckets, sum: 0, ["true", place.schema, place.level])
            state.usage[place]?.atOnce = 0
        }
    }

    private static func write(_ refused: [Refused: Int], to text: inout String) {
        func order(_ count: Refused) -> String { "\(count.level) \(count.schema) \(count.reason)" }
        MetricText.head(prefix + "rejected_requests_total", "Requests that got no seat.", "counter", &text)
        for (count, value) in refused.sorted(by: { order($0.key) < order($1.key) }) {
            MetricText.line(
                prefix + "rejected_requests_total", ["flow_schema", "priority_level", "reason"],
                [count.schema, count.level, count.reason], Double(value), &text)
        }
    }

    private static func write(_ usage: [Place: Usage], to text: inout String) {
        let families: [(String, String, String, KeyPath<Usage, Int>)] = [
            ("dispatched_requests_total", "counter", "Requests that got a seat.", \.dispatched),
            ("current_executing_requests", "gauge", "Requests that have a seat now.", \.executing),
            ("current_executing_seats", "gauge", "Seats taken now.", \.seats),
            ("current_inqueue_requests", "gauge", "Requests that wait for a seat.", \.waiting),
        ]
        for (name, kind, help, value) in families {
            MetricText.head(prefix + name, help, kind, &text)
            for (place, known) in usage.sorted(by: { $0.key < $1.key }) {
                MetricText.line(
                    prefix + name, ["flow_schema", "priority_level"], [place.schema, place.level],
                    Double(known[keyPath: value]), &text)
            }
        }
    }
}
