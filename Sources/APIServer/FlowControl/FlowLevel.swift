/// The seats of one priority level, and who waits for them. A state machine: it does what it is told, and tells what is
/// to be done.
///
/// Fair queuing: each queue has a clock that runs with the seats it has been given; the one that is furthest behind is
/// served next. A queue that was empty does not save up time.
struct FlowLevel: Sendable {
    struct Waiter: Sendable, Equatable {
        var id: UInt64
        var seats: Int
        var deadline: Duration
        var schema: String
    }

    enum Arrival: Equatable {
        case run
        case wait
        case refuse(Refusal)
    }

    enum Refusal: String, Sendable {
        case queueFull = "queue-full"
        case noQueues = "concurrency-limit"
        case tooLate = "time-out"
    }

    private struct Queue {
        var waiters: [Waiter] = []
        /// How many seats it has had.
        var clock: Int = 0
    }

    private(set) var level: FlowPlan.Level
    /// Its own part of the server.
    private(set) var seats: Int
    private(set) var inUse: Int = 0
    private(set) var waiting: Int = 0
    private var queues: [Queue] = []
    /// The clock of the queue that was served last.
    private var clock: Int = 0

    init(_ level: FlowPlan.Level, seats: Int) {
        self.level = level
        self.seats = seats
    }

    /// What it lends now, because it does not need it.
    var lendable: Int { max(0, min(mostLent, seats - inUse)) }

    /// Of its own part, what others may have; rounded as upstream does.
    var mostLent: Int { (seats * level.lendablePercent + 50) / 100 }

    /// What it has borrowed now.
    var borrowed: Int { max(0, inUse - seats) }

    /// The most that it may use.
    var limit: Int {
        guard let percent = level.borrowingPercent else { return .max }
        return seats + (seats * percent + 50) / 100
    }

    /// A new configuration. Who waits keeps waiting, in the queues that are left.
    mutating func configure(_ level: FlowPlan.Level, seats: Int) {
        self.level = level
        self.seats = seats
        let count: Int = max(1, level.queuing?.queues ?? 1)
        guard queues.count > count else { return }
        for queue in queues[count...] { queues[queue.waiters.count % count].waiters += queue.waiters }
        queues.removeLast(queues.count - count)
    }

    /// - Parameter spare: seats that others lend.
    private func fits(_ wanted: Int, spare: Int) -> Bool {
        if level.isExempt || inUse + wanted <= seats { return true }
        // One request always runs, however wide it is; but nothing does where a level was given nothing.
        if inUse == 0, seats > 0 || (limit > 0 && spare > 0) { return true }
        let more: Int = inUse + wanted - max(seats, inUse)
        return inUse + wanted <= limit && more <= spare
    }

    /// A request comes. `hash` is its flow's.
    mutating func arrive(_ waiter: Waiter, hash: UInt64, spare: Int) -> Arrival {
        if waiting == 0, fits(waiter.seats, spare: spare) {
            inUse += waiter.seats
            return .run
        }
        guard let queuing = level.queuing, queuing.queues > 0 else { return .refuse(.noQueues) }
        while queues.count < queuing.queues { queues.append(Queue()) }
        let hand: [Int] = Self.deal(hash, deck: queuing.queues, hand: queuing.handSize)
        guard let chosen = hand.min(by: { queues[$0].waiters.count < queues[$1].waiters.count }) else {
            return .refuse(.noQueues)
        }
        guard queues[chosen].waiters.count < queuing.lengthLimit else { return .refuse(.queueFull) }
        if queues[chosen].waiters.isEmpty { queues[chosen].clock = max(queues[chosen].clock, clock) }
        queues[chosen].waiters.append(waiter)
        waiting += 1
        return .wait
    }

    /// Seats come back.
    mutating func finish(_ seats: Int) {
        inUse -= seats
    }

    /// The next one to run, if it fits.
    mutating func next(spare: Int) -> Waiter? {
        guard waiting > 0 else { return nil }
        var chosen: Int?
        for index in queues.indices where !queues[index].waiters.isEmpty {
            if let known = chosen, queues[known].clock <= queues[index].clock { continue }
            chosen = index
        }
        guard let chosen, let waiter = queues[chosen].waiters.first, fits(waiter.seats, spare: spare) else {
            return nil
        }
        queues[chosen].waiters.removeFirst()
        queues[chosen].clock += waiter.seats
        clock = queues[chosen].clock
        waiting -= 1
        inUse += waiter.seats
        return waiter
    }

    /// Takes out who has waited too long.
    mutating func expire(now: Duration) -> [Waiter] {
        guard waiting > 0 else { return [] }
        var late: [Waiter] = []
        for index in queues.indices {
            late += queues[index].waiters.filter { $0.deadline <= now }
            queues[index].waiters.removeAll { $0.deadline <= now }
        }
        waiting -= late.count
        return late
    }

    /// A hand of different cards of a deck, decided by a hash: shuffle sharding.
    static func deal(_ hash: UInt64, deck: Int, hand: Int) -> [Int] {
        var rest: UInt64 = hash
        var cards: [Int] = []
        for dealt in 0..<min(hand, deck) {
            let left = UInt64(deck - dealt)
            var card = Int(rest % left)
            rest /= left
            // The card counts those that are still in the deck.
            for taken in cards.sorted() where taken <= card { card += 1 }
            cards.append(card)
        }
        return cards
    }
}
