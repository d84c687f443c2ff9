package import Codec

/// Texts as Go's `fmt` writes them, for messages that must read like upstream's.
package enum GoText {
    /// `%q`: in double quotes, with Go's escapes.
    package static func quoted(_ text: some StringProtocol) -> String {
        var out: String = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{07}": out += "\\a"
            case "\u{08}": out += "\\b"
            case "\u{0C}": out += "\\f"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0B}": out += "\\v"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    out += "\\x" + hex(scalar.value, width: 2)
                } else if scalar.value < 0x7F || isPrintable(scalar) {
                    out.unicodeScalars.append(scalar)
                } else {
                    let isWide: Bool = scalar.value > 0xFFFF
                    out += isWide ? "\\U" + hex(scalar.value, width: 8) : "\\u" + hex(scalar.value, width: 4)
                }
            }
        }
        return out + "\""
    }

    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default:
            return true
        }
    }

    private static func hex(_ value: UInt32, width: Int) -> String {
        let digits: String = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// `%v` of decoded JSON: `map[spec:map[replicas:3]]`.
    package static func value(_ value: JSONValue) -> String {
        switch value {
        case .null: "<nil>"
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .double, .string: value.string ?? String(decoding: value.jsonBytes, as: UTF8.self)
        case .array(let items): "[" + items.map { Self.value($0) }.joined(separator: " ") + "]"
        case .object(let members):
            "map[" + members.sorted.map { $0.key + ":" + Self.value($0.value) }.joined(separator: " ") + "]"
        }
    }
}
