/// Numbers as Go's `encoding/json` prints them.
enum GoFormat {
    /// A finite number with the fewest digits that identify it: plain from 1e-6 up to 1e21, else `1.5e-7`, `1e+21`.
    static func double(_ value: Double) -> String {
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        // Swift finds the same shortest digits, but lays them out otherwise: take them apart.
        var digits: [UInt8] = []
        var point: Int?
        var exponent: Int = 0
        var text = value.magnitude.description[...]
        if let mark = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: mark)...]) ?? 0
            text = text[..<mark]
        }
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") { point = digits.count } else { digits.append(byte) }
        }
        // The value is 0.DIGITS times ten to the power of `scale`.
        var scale = (point ?? digits.count) + exponent
        let zeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(zeros)
        scale -= zeros
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        let sign: String = value < 0 ? "-" : ""
        return sign + layOut(digits, scale: scale, plain: value.magnitude >= 1e-6 && value.magnitude < 1e21)
    }

    private static func layOut(_ digits: [UInt8], scale: Int, plain: Bool) -> String {
        func text(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
        let count = digits.count
        if !plain {
            let fraction: String = count > 1 ? "." + text(1..<count) : ""
            let exponent: String = scale > 0 ? "e+\(scale - 1)" : "e\(scale - 1)"
            return text(0..<1) + fraction + exponent
        }
        if scale <= 0 { return "0." + String(repeating: "0", count: -scale) + text(0..<count) }
        if scale >= count { return text(0..<count) + String(repeating: "0", count: scale - count) }
        return text(0..<scale) + "." + text(scale..<count)
    }
}
