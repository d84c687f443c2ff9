/// What one asks of an upstream: equal keys get equal answers.
package struct ForwardKey: Hashable, Sendable {
    /// In wire form, lower case.
    package var name: [UInt8]
    package var type: RecordType
    package var wantsSignatures: Bool
    package var disablesChecking: Bool

    package init(_ query: Query) {
        name = query.name
        type = query.type
        wantsSignatures = query.edns?.wantsSignatures ?? false
        disablesChecking = query.flags.has(MessageFlags.checkingDisabled)
    }
}

/// Answers of upstreams, for as long as they hold. Bounded by number and by bytes; the oldest goes first, which is nearly
/// the order in which they expire.
package struct AnswerCache: Sendable {
    private struct Entry: Sendable {
        var answer: StoredAnswer
        var storedAt: Duration
        var number: UInt64
    }

    package let entryLimit: Int
    package let byteLimit: Int
    private var entries: [ForwardKey: Entry] = [:]
    /// In the order in which they came; what was replaced since is told by its number.
    private var order: [(key: ForwardKey, number: UInt64)] = []
    private var first: Int = 0
    private var number: UInt64 = 0
    package private(set) var byteCount: Int = 0

    /// - Parameter entryLimit: CoreDNS' default.
    package init(entryLimit: Int = 9984, byteLimit: Int = 16 << 20) {
        self.entryLimit = entryLimit
        self.byteLimit = byteLimit
    }

    package var count: Int { entries.count }

    package func find(_ key: ForwardKey, now: Duration) -> (answer: StoredAnswer, age: Duration)? {
        guard let entry = entries[key], now - entry.storedAt < entry.answer.lifetime else { return nil }
        return (entry.answer, now - entry.storedAt)
    }

    package mutating func store(_ answer: StoredAnswer, for key: ForwardKey, now: Duration) {
        guard answer.lifetime > .zero else { return }
        number += 1
        if let old = entries.updateValue(Entry(answer: answer, storedAt: now, number: number), forKey: key) {
            byteCount -= old.answer.byteCount
        }
        byteCount += answer.byteCount
        order.append((key, number))
        while entries.count > entryLimit || byteCount > byteLimit || order.count - first > 2 * entryLimit {
            removeFirst()
        }
        if first > 1024 && first * 2 > order.count {
            order.removeFirst(first)
            first = 0
        }
    }

    private mutating func removeFirst() {
        guard first < order.count else { return }
        let (key, number): (ForwardKey, UInt64) = order[first]
        first += 1
        guard entries[key]?.number == number, let old = entries.removeValue(forKey: key) else { return }
        byteCount -= old.answer.byteCount
    }
}
