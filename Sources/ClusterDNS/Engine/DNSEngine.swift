/// The whole server without its sockets: question in, answer out, now or later.
package struct DNSEngine<Client: Sendable>: Sendable {
    package enum Outcome: Sendable, Equatable {
        /// The answer lies in `written`.
        case written
        case reply([UInt8])
        /// It comes as an action of the forwarder.
        case waiting
        /// There is nothing to say to this.
        case silent
    }

    package var zone: ClusterZone
    package var forwarder: Forwarder<Client>
    package private(set) var counters = DNSCounters()
    private var query = Query()
    private var writer = AnswerWriter()
    /// Where answers begin: nothing that anybody could gain by guessing it (xorshift).
    private var rotation: UInt64

    package init(zone: ClusterZone, forwarder: Forwarder<Client>, rotation: UInt64 = 0x2545_f491_4f6c_dd1d) {
        self.zone = zone
        self.forwarder = forwarder
        self.rotation = rotation | 1
    }

    package var written: [UInt8] { writer.bytes }

    package func withWritten(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        writer.bytes.withUnsafeBufferPointer(body)
    }

    /// Answers one message from outside.
    package mutating func receive(
        _ bytes: Span<UInt8>, from client: @autoclosure () -> Client, isStream: Bool, now: Duration
    ) -> Outcome {
        let verdict: Query.Verdict = query.read(bytes)
        switch verdict {
        case .ignore:
            return .silent
        case .refuse(let code):
            return write(code, isStream)
        case .query:
            break
        }
        counters.count(query.type, isStream: isStream)
        let limit: Int = AnswerWriter.limit(query, isStream: isStream)
        writer.begin(query, limit: limit)
        rotation ^= rotation << 13
        rotation ^= rotation >> 7
        rotation ^= rotation << 17
        switch zone.answer(query, random: rotation, into: &writer) {
        case .answered(let code):
            counters.count(code: code.rawValue)
            return .written
        case .foreign:
            return forward(client(), query, chain: [], limit, isStream, now)
        case .alias(let chain):
            guard let target = chain.last else { return write(.serverFailure, isStream) }
            var other: Query = query
            other.name = target.lowercased.wire
            return forward(client(), other, chain: chain, limit, isStream, now)
        }
    }

    private mutating func write(_ code: ResponseCode, _ isStream: Bool) -> Outcome {
        writer.begin(query, limit: AnswerWriter.limit(query, isStream: isStream))
        writer.finish(code)
        counters.count(code: code.rawValue)
        return .written
    }

    private mutating func forward(
        _ client: Client, _ asked: Query, chain: [DNSName], _ limit: Int, _ isStream: Bool, _ now: Duration
    ) -> Outcome {
        if chain.isEmpty, forwarder.isLoop(query) { return write(.serverFailure, isStream) }
        let key = ForwardKey(asked)
        if let known = forwarder.cache.find(key, now: now) {
            counters.cacheHits += 1
            counters.count(code: known.answer.code)
            return .reply(known.answer.reply(to: query, age: known.age, limit: limit, chain: chain))
        }
        counters.cacheMisses += 1
        forwarder.lookup(key, for: Forwarder.Waiter(client, query, limit: limit, chain: chain), now: now)
        return .waiting
    }

    /// What to do next; replies are counted when they are taken.
    package mutating func takeActions() -> [Forwarder<Client>.Action] {
        let actions: [Forwarder<Client>.Action] = forwarder.takeActions()
        for case .reply(_, _, let code, _) in actions { counters.count(code: code) }
        counters.cacheEntries = forwarder.cache.count
        return actions
    }
}
