/// Asks upstreams for what is not the cluster's. A question that several clients ask at a time is asked once.
///
///     lookup ──► ask(UDP) ──answer──────────► replies to all who wait, cache
///                  │  └─truncated──► ask(TCP) ──► the same
///                  └─timeout, refusal──► ask the next ──► … ──► SERVFAIL
package struct Forwarder<Client: Sendable>: Sendable {
    /// Somebody who waits for an answer.
    package struct Waiter: Sendable {
        package var client: Client
        package var query: Query
        package var limit: Int
        /// The names by which the client's own became the one that is asked.
        package var chain: [DNSName] = []

        package init(_ client: Client, _ query: Query, limit: Int, chain: [DNSName] = []) {
            self.client = client
            self.query = query
            self.limit = limit
            self.chain = chain
        }
    }

    package enum Action: Sendable {
        /// Send a message to an upstream. What comes back is told with this number.
        case ask(exchange: Int, Upstream, isStream: Bool, message: [UInt8])
        /// Nothing that comes with this number counts any more.
        case close(exchange: Int)
        case reply(Client, [UInt8], code: UInt8, Query)
        /// An upstream leads back to us.
        case loop(Upstream)
    }

    package struct Settings: Sendable {
        /// How long one server is waited for. Four of them stay below the five seconds of libc.
        package var attempt: Duration = .milliseconds(1100)
        /// Questions under way at a time; upstream's `max_concurrent`.
        package var lookupLimit: Int = 1000
        package var waiterLimit: Int = 1000
        /// Records are not kept longer, nor told to hold longer: upstream's `cache 30`.
        package var maximumTTL: UInt32 = 30

        package init() {}
    }

    private struct Lookup: Sendable {
        var key: ForwardKey
        var waiters: [Waiter]
        /// Servers that are still to be tried.
        var plan: [Upstream]
        var upstream: Upstream
        var id: UInt16 = 0
        var isStream: Bool = false
        /// A server that does not know EDNS is asked without.
        var hasEDNS: Bool = true
        /// The best of what servers said that could not answer.
        var lastFailure: DNSMessage?
        var isProbe: Bool = false
    }

    package private(set) var actions: [Action] = []
    package private(set) var cache: AnswerCache
    private(set) var health = UpstreamHealth()
    private var lookups: [Int: Lookup] = [:]
    private var exchanges: [ForwardKey: Int] = [:]
    /// All attempts take equally long, so that the first is the next to end.
    private var deadlines: [(at: Duration, exchange: Int)] = []
    private var firstDeadline: Int = 0
    private var lastExchange: Int = 0
    /// Names that nobody but we can ask for, by what they test.
    private var probes: [[UInt8]: Upstream] = [:]
    private let settings: Settings
    private let random: @Sendable () -> UInt64

    /// - Parameter random: must not be guessable, since it is what keeps others from answering in an upstream's place.
    package init(
        _ settings: Settings = Settings(), cache: AnswerCache = AnswerCache(), random: @escaping @Sendable () -> UInt64
    ) {
        self.settings = settings
        self.cache = cache
        self.random = random
    }

    package var upstreams: [Upstream] { health.upstreams }
    package var lookupCount: Int { lookups.count }

    package mutating func takeActions() -> [Action] {
        guard !actions.isEmpty else { return [] }
        let taken: [Action] = actions
        actions = []
        return taken
    }

    package var nextDeadline: Duration? { firstDeadline < deadlines.count ? deadlines[firstDeadline].at : nil }

    /// Takes over what servers there are, and asks each something that comes back to us only if it leads to us.
    package mutating func setUpstreams(_ upstreams: [Upstream], now: Duration) {
        guard upstreams != health.upstreams else { return }
        health.set(upstreams)
        probes = [:]
        for upstream in health.usable {
            let label: [UInt8] = Array(String(random(), radix: 36).utf8) + Array(String(random(), radix: 36).utf8)
            guard let name = DNSName(labels: [label.suffix(63)]) else { continue }
            probes[name.wire] = upstream
            var query = Query()
            query.name = name.wire
            query.type = .hinfo
            var lookup = Lookup(key: ForwardKey(query), waiters: [], plan: [], upstream: upstream)
            lookup.isProbe = true
            ask(lookup, now)
        }
    }

    /// Whether a client's question is one of our own, which then came in a circle.
    package mutating func isLoop(_ query: borrowing Query) -> Bool {
        guard !probes.isEmpty, query.labels.count == 1, let upstream = probes.removeValue(forKey: query.name) else {
            return false
        }
        health.loops(upstream)
        actions.append(.loop(upstream))
        return true
    }

    // MARK: - Asking

    /// Asks for a name; the answer comes as an action.
    package mutating func lookup(_ key: ForwardKey, for waiter: Waiter, now: Duration) {
        if let exchange = exchanges[key] {
            guard lookups[exchange]?.waiters.count ?? 0 < settings.waiterLimit else { return refuse(waiter, .refused) }
            lookups[exchange]?.waiters.append(waiter)
            return
        }
        guard lookups.count < settings.lookupLimit else { return refuse(waiter, .refused) }
        var plan: [Upstream] = health.plan(now: now)
        guard !plan.isEmpty else { return refuse(waiter, .serverFailure) }
        let first: Upstream = plan.removeFirst()
        ask(Lookup(key: key, waiters: [waiter], plan: plan, upstream: first), now)
    }

    private mutating func ask(_ lookup: Lookup, _ now: Duration) {
        var lookup: Lookup = lookup
        lastExchange += 1
        lookup.id = UInt16(truncatingIfNeeded: random())
        var flags: UInt16 = MessageFlags.recursionDesired
        if lookup.key.disablesChecking { flags |= MessageFlags.checkingDisabled }
        var writer = MessageWriter()
        for word in [lookup.id, flags, 1, 0, 0, lookup.hasEDNS ? 1 : 0] { writer.append(word) }
        writer.append(name: DNSName(checked: lookup.key.name), compressing: false)
        writer.append(lookup.key.type.rawValue)
        writer.append(internetClass)
        if lookup.hasEDNS {
            writer.append(
                ResourceRecord(
                    name: DNSName(), type: .opt, recordClass: UInt16(AnswerWriter.payload),
                    ttl: lookup.key.wantsSignatures ? 0x8000 : 0, data: []))
        }
        lookups[lastExchange] = lookup
        exchanges[lookup.key] = lastExchange
        deadlines.append((now + settings.attempt, lastExchange))
        actions.append(
            .ask(exchange: lastExchange, lookup.upstream, isStream: lookup.isStream, message: writer.bytes))
    }

    // MARK: - What comes back

    /// - Returns: whether the bytes were the answer; else the exchange goes on.
    @discardableResult
    package mutating func received(_ bytes: Span<UInt8>, exchange: Int, now: Duration) -> Bool {
        guard let lookup = lookups[exchange], bytes.count >= 12, Query.word(bytes, 0) == lookup.id else { return false }
        let flags = MessageFlags(rawValue: Query.word(bytes, 2))
        guard flags.has(MessageFlags.response), flags.opcode == 0 else { return false }
        // A server that gave up early may not even repeat the question.
        if flags.code == ResponseCode.formatError.rawValue, lookup.hasEDNS {
            again(exchange, lookup, now) { $0.hasEDNS = false }
            return true
        }
        if flags.has(MessageFlags.truncated), !lookup.isStream {
            again(exchange, lookup, now) { $0.isStream = true }
            return true
        }
        do throws(DNSError) {
            let message = try DNSMessage(bytes)
            guard message.questions.count == 1, let question = message.questions.first,
                question.name.lowercased.wire == lookup.key.name, question.type == lookup.key.type,
                question.recordClass == internetClass
            else { return false }
            take(message, exchange, lookup, now)
        } catch {
            next(exchange, now)
        }
        return true
    }

    /// The same question to the same server, otherwise.
    private mutating func again(_ exchange: Int, _ lookup: Lookup, _ now: Duration, _ change: (inout Lookup) -> Void) {
        end(exchange)
        var changed: Lookup = lookup
        change(&changed)
        ask(changed, now)
    }

    private mutating func take(_ message: DNSMessage, _ exchange: Int, _ lookup: Lookup, _ now: Duration) {
        health.succeeded(lookup.upstream)
        let isFinal: Bool =
            message.flags.code == ResponseCode.noError.rawValue || message.flags.code == ResponseCode.nameError.rawValue
        if !isFinal, !lookup.plan.isEmpty, lookup.plan.contains(where: { $0 != lookup.upstream }) {
            // Another may know better, as libc thinks, too.
            lookups[exchange]?.lastFailure = message
            lookups[exchange]?.plan.removeAll { $0 == lookup.upstream }
            next(exchange, now, isFailure: false)
            return
        }
        finish(exchange, lookup, message, now)
    }

    private mutating func finish(_ exchange: Int, _ lookup: Lookup, _ message: DNSMessage, _ now: Duration) {
        end(exchange)
        guard !lookup.isProbe else { return }
        let answer = StoredAnswer(message, maximumTTL: settings.maximumTTL)
        cache.store(answer, for: lookup.key, now: now)
        for waiter in lookup.waiters {
            let reply: [UInt8] = answer.reply(
                to: waiter.query, age: .zero, limit: waiter.limit, chain: waiter.chain)
            actions.append(.reply(waiter.client, reply, code: answer.code, waiter.query))
        }
    }

    /// The exchange ended without an answer: nobody listens there, or the connection broke.
    package mutating func failed(exchange: Int, now: Duration) { next(exchange, now) }

    private mutating func next(_ exchange: Int, _ now: Duration, isFailure: Bool = true) {
        guard var lookup = lookups[exchange] else { return }
        if isFailure && !lookup.isProbe { health.failed(lookup.upstream) }
        guard !lookup.plan.isEmpty else {
            if let last = lookup.lastFailure { return finish(exchange, lookup, last, now) }
            end(exchange)
            for waiter in lookup.waiters { refuse(waiter, .serverFailure) }
            return
        }
        end(exchange)
        lookup.upstream = lookup.plan.removeFirst()
        lookup.isStream = false
        lookup.hasEDNS = true
        ask(lookup, now)
    }

    /// Ends the attempts that took too long.
    package mutating func expire(now: Duration) {
        while firstDeadline < deadlines.count, deadlines[firstDeadline].at <= now {
            let exchange: Int = deadlines[firstDeadline].exchange
            firstDeadline += 1
            next(exchange, now)
        }
        if firstDeadline == deadlines.count || firstDeadline > 1024 {
            deadlines.removeFirst(firstDeadline)
            firstDeadline = 0
        }
    }

    private mutating func end(_ exchange: Int) {
        guard let lookup = lookups.removeValue(forKey: exchange) else { return }
        if exchanges[lookup.key] == exchange { exchanges[lookup.key] = nil }
        actions.append(.close(exchange: exchange))
        // Attempts that ended in time are forgotten from the front, so that nobody wakes up for them.
        while firstDeadline < deadlines.count, lookups[deadlines[firstDeadline].exchange] == nil { firstDeadline += 1 }
    }

    private mutating func refuse(_ waiter: Waiter, _ code: ResponseCode) {
        var writer = AnswerWriter()
        writer.begin(waiter.query, limit: waiter.limit)
        writer.finish(code)
        actions.append(.reply(waiter.client, writer.bytes, code: code.rawValue, waiter.query))
    }
}
