/// Numbers `0 ..< size`, each free or taken, as a bitmap.
///
/// The first `reserved` are for those who ask for a certain number; who takes any gets one of the others, and one of
/// the reserved only when nothing else is left. So a fixed number that is chosen from the front rarely collides.
struct NumberPool: Sendable {
    let size: Int
    let reserved: Int
    private(set) var takenCount: Int = 0
    private var words: [UInt64]
    private static let wordBits: Int = 64

    /// 0 ≤ `reserved` ≤ `size`.
    init(size: Int, reserved: Int) {
        precondition(size >= 0 && reserved >= 0 && reserved <= size, "a pool of \(size) cannot reserve \(reserved)")
        self.size = size
        self.reserved = reserved
        words = Array(repeating: 0, count: (size + Self.wordBits - 1) / Self.wordBits)
    }

    var isFull: Bool { takenCount == size }

    /// In order.
    var taken: [Int] { (0..<size).filter { isTaken($0) } }

    /// Numbers out of range are not taken.
    func isTaken(_ number: Int) -> Bool {
        guard number >= 0, number < size else { return false }
        return words[number / Self.wordBits] & Self.bit(number) != 0
    }

    /// False if it is taken already or out of range.
    mutating func take(_ number: Int) -> Bool {
        guard number >= 0, number < size, !isTaken(number) else { return false }
        words[number / Self.wordBits] |= Self.bit(number)
        takenCount += 1
        return true
    }

    mutating func release(_ number: Int) {
        guard isTaken(number) else { return }
        words[number / Self.wordBits] &= ~Self.bit(number)
        takenCount -= 1
    }

    /// A free number, at a place that `random` chooses; nil if there is none.
    mutating func takeAny(random: UInt64) -> Int? {
        let number: Int? = free(in: reserved..<size, random: random) ?? free(in: 0..<reserved, random: random)
        guard let number else { return nil }
        return take(number) ? number : nil
    }

    private static func bit(_ number: Int) -> UInt64 { 1 << UInt64(number % wordBits) }

    /// The first free number from a random start, going round.
    private func free(in range: Range<Int>, random: UInt64) -> Int? {
        guard !range.isEmpty, !isFull else { return nil }
        let start: Int = range.lowerBound + Int(random % UInt64(range.count))
        return firstFree(in: start..<range.upperBound) ?? firstFree(in: range.lowerBound..<start)
    }

    private func firstFree(in range: Range<Int>) -> Int? {
        var number: Int = range.lowerBound
        while number < range.upperBound {
            // The rest of this word, with what lies before `number` counted as taken.
            let offset: Int = number % Self.wordBits
            let before: UInt64 = offset == 0 ? 0 : (1 << UInt64(offset)) - 1
            let free: UInt64 = ~(words[number / Self.wordBits] | before)
            if free != 0 {
                let found: Int = number - offset + free.trailingZeroBitCount
                return found < range.upperBound ? found : nil
            }
            number += Self.wordBits - offset
        }
        return nil
    }
}
