/// Makes inputs of inputs, the same ones for the same seed.
package struct Mutator {
    private var state: UInt64
    private let words: [[UInt8]]
    private let limit: Int

    package init(seed: UInt64, words: [String], limit: Int) {
        state = seed
        self.words = words.map { Array($0.utf8) }
        self.limit = limit
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z: UInt64 = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    package mutating func below(_ bound: Int) -> Int { bound < 2 ? 0 : Int(next() % UInt64(bound)) }

    private mutating func range(_ count: Int) -> Range<Int> {
        let start: Int = below(count + 1)
        let length: Int = below(2) == 0 ? below(min(16, count - start) + 1) : below(count - start + 1)
        return start..<(start + length)
    }

    /// A few changes to one input; `other` lends pieces.
    package mutating func mutate(_ input: [UInt8], with other: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = input
        for _ in 0...below(4) { change(&bytes, other) }
        if bytes.count > limit { bytes.removeLast(bytes.count - limit) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ other: [UInt8]) {
        switch below(14) {
        case 0 where !bytes.isEmpty: bytes[below(bytes.count)] ^= 1 << UInt8(below(8))
        case 1 where !bytes.isEmpty: bytes[below(bytes.count)] = UInt8(truncatingIfNeeded: next())
        case 2 where !bytes.isEmpty: bytes[below(bytes.count)] = [0, 0x20, 0x0A, 0x22, 0x7F, 0x80, 0xFF][below(7)]
        case 3: bytes.removeSubrange(range(bytes.count))
        case 4:
            let piece: [UInt8] = Array(bytes[range(bytes.count)])
            bytes.insert(contentsOf: piece, at: below(bytes.count + 1))
        case 5: bytes.insert(contentsOf: Array(other[range(other.count)]), at: below(bytes.count + 1))
        case 6: bytes.replaceSubrange(range(bytes.count), with: Array(other[range(other.count)]))
        case 7: bytes.insert(UInt8(truncatingIfNeeded: next()), at: below(bytes.count + 1))
        case 8: repeatPiece(&bytes)
        case 9: changeNumber(&bytes)
        case 10 where bytes.count > 1: bytes.removeLast(below(bytes.count))
        case 11:
            // Two places change sides.
            guard bytes.count > 1 else { return }
            bytes.swapAt(below(bytes.count), below(bytes.count))
        default:
            guard !words.isEmpty else { return }
            let word: [UInt8] = words[below(words.count)]
            if below(3) == 0 {
                bytes.replaceSubrange(range(bytes.count), with: word)
            } else {
                bytes.insert(contentsOf: word, at: below(bytes.count + 1))
            }
        }
    }

    /// One piece many times over: what is not linear shows.
    private mutating func repeatPiece(_ bytes: inout [UInt8]) {
        let place: Range<Int> = range(bytes.count)
        let piece: [UInt8] =
            words.isEmpty || below(2) == 0 ? Array(bytes[place].prefix(32)) : words[below(words.count)]
        guard !piece.isEmpty else { return }
        let most: Int = max(1, (limit - min(limit, bytes.count)) / piece.count)
        let times: Int = below(8) == 0 ? most : min(most, 1 + below(40))
        var pieces: [UInt8] = []
        for _ in 0..<times { pieces += piece }
        bytes.insert(contentsOf: pieces, at: place.lowerBound)
    }

    private static let numbers: [String] = [
        "0", "-1", "1", "127", "255", "65536", "2147483647", "-2147483649", "9223372036854775807",
        "-9223372036854775808", "18446744073709551616", "1e400", "1e-400", "0.1", "00", "1_0",
        "99999999999999999999999",
    ]

    private mutating func changeNumber(_ bytes: inout [UInt8]) {
        let digits: [Int] = bytes.indices.filter { bytes[$0] >= 0x30 && bytes[$0] <= 0x39 }
        let number: [UInt8] = Array(Self.numbers[below(Self.numbers.count)].utf8)
        guard !digits.isEmpty else { return bytes.insert(contentsOf: number, at: below(bytes.count + 1)) }
        let start: Int = digits[below(digits.count)]
        var end: Int = start
        while end < bytes.count, bytes[end] >= 0x30, bytes[end] <= 0x39 { end += 1 }
        bytes.replaceSubrange(start..<end, with: number)
    }
}
