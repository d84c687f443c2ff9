/// The node ports.
struct PortPool: Sendable {
    let range: ClosedRange<Int>
    private var numbers: NumberPool

    init(_ range: ClosedRange<Int>) {
        self.range = range
        numbers = NumberPool(size: range.count, reserved: min(range.count, Self.staticBand(range.count)))
    }

    /// How many ports at the front are kept for services that ask for a certain one; upstream's rule.
    private static func staticBand(_ total: Int) -> Int {
        total < 16 ? 0 : min(max(16, total / 32), 128)
    }

    enum Refusal {
        case taken
        case outOfRange
    }

    /// Why not, if it cannot be taken.
    mutating func take(_ port: Int) -> Refusal? {
        guard range.contains(port) else { return .outOfRange }
        return numbers.take(port - range.lowerBound) ? nil : .taken
    }

    /// Nil: all are taken.
    mutating func takeAny(random: UInt64) -> Int? {
        numbers.takeAny(random: random).map { range.lowerBound + $0 }
    }

    mutating func release(_ port: Int) {
        numbers.release(port - range.lowerBound)
    }

    func isTaken(_ port: Int) -> Bool { numbers.isTaken(port - range.lowerBound) }
    var takenCount: Int { numbers.takenCount }
}
