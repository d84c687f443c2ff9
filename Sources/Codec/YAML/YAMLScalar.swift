/// What plain scalars mean, after upstream's YAML library: YAML 1.1's booleans and octal numbers included.
enum YAMLScalar {
    /// Nil: the text stands for no JSON value (infinities and NaN).
    static func resolve(_ text: String) -> JSONValue? {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return number(text)
        case _ where text.utf8.count > 5:
            return .string(text)
        default:
            return word(text)
        }
    }

    private static func word(_ text: String) -> JSONValue {
        switch text {
        case "~", "null", "Null", "NULL": .null
        case "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON": .bool(true)
        case "false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF": .bool(false)
        default: .string(text)
        }
    }

    private static func number(_ text: String) -> JSONValue? {
        switch text {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
            return nil
        default:
            break
        }
        var digits = text.utf8.filter { $0 != UInt8(ascii: "_") }[...]
        let sign: String = digits.first == UInt8(ascii: "-") ? "-" : ""
        if digits.first == UInt8(ascii: "-") || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        if let integer = integer(digits, sign: sign) { return integer }
        guard isFloat(digits), let value = Double(sign + String(decoding: digits, as: UTF8.self)) else {
            return .string(text)
        }
        return value.isFinite ? .double(value) : .string(text)
    }

    /// `12`, `0x1f`, `0o17`, `0b11`, and `017`, which is octal too.
    private static func integer(_ digits: ArraySlice<UInt8>, sign: String) -> JSONValue? {
        var digits = digits
        var radix: Int = 10
        if digits.count > 1, digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            switch digits.first {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): radix = 16
            case UInt8(ascii: "o"), UInt8(ascii: "O"): radix = 8
            case UInt8(ascii: "b"), UInt8(ascii: "B"): radix = 2
            default:
                radix = 8
                digits.insert(UInt8(ascii: "0"), at: digits.startIndex)
            }
            digits.removeFirst()
        }
        // `Int64(_:radix:)` would take a second sign.
        guard let first = digits.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+") else { return nil }
        return Int64(sign + String(decoding: digits, as: UTF8.self), radix: radix).map { .int($0) }
    }

    /// `1.`, `.5`, `1.5e-3`, without a sign.
    private static func isFloat(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        func takeDigits() -> Int {
            let count = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }.count
            rest.removeFirst(count)
            return count
        }
        var count = takeDigits()
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            count += takeDigits()
        }
        guard count > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    /// Whether other readers could take a plain text for something else than a string: a time (`2026-01-02`,
    /// `2026-01-02T03:04:05Z`), or a number of base 60 (`12:30`).
    static func looksLikeTimeOrBase60(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), maxSplits: 2, omittingEmptySubsequences: false)
        let isDigit = { (byte: UInt8) -> Bool in byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        if parts.count == 3, parts[0].count == 4, parts[0].allSatisfy(isDigit), (1...2).contains(parts[1].count),
            parts[1].allSatisfy(isDigit), let first = parts[2].first, isDigit(first)
        {
            let rest = parts[2].drop(while: isDigit)
            return rest.isEmpty || rest.first == UInt8(ascii: " ") || (rest.first ?? 0) | 0x20 == UInt8(ascii: "t")
        }
        return text.utf8.contains(UInt8(ascii: ":"))
            && text.utf8.allSatisfy { isDigit($0) || "+-:._".utf8.contains($0) }
    }
}
