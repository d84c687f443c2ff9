import Codec

/// SplitMix64: small, and the same everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

    /// Text rich in what JSON and YAML treat specially.
    mutating func text() -> String {
        let pieces = [
            "a", "b", "web-0", " ", "  ", "\n", "\t", "\"", "'", "\\", ":", ": ", "#", " #", "-", "- ", "?", "&", "*",
            "!", "|", ">", "%", "@", "`", "{", "}", "[", "]", ",", "é", "€", "😀", "\u{2028}", "\u{1}", "\r", "\u{7f}",
            "\u{85}", "\u{feff}", "0", "1", "0x1f", "1e3", ".5", "true", "no", "null", "~", "---", "...", "2026-01-02",
            "12:30", "=", "<<", "<", "//",
        ]
        return (0..<pick([0, 1, 1, 1, 2, 2, 3, 5, 8])).map { _ in pick(pieces) }.joined()
    }

    mutating func value(depth: Int) -> JSONValue {
        switch below(depth > 0 ? 9 : 6) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .int(pick([0, -1, 7, .max, .min, Int64(truncatingIfNeeded: next())]))
        case 3:
            // Whole numbers are written without a fraction, and read back as integers.
            let double = Double(bitPattern: next())
            return double.isFinite && double != double.rounded() ? .double(double) : .double(0.5)
        case 4, 5: return .string(text())
        case 6: return .array((0..<below(5)).map { _ in value(depth: depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<pick([0, 1, 2, 3, 20]) { object[text()] = value(depth: depth - 1) }
            return .object(object)
        }
    }
}
