/// Writes block style as `kubectl` prints it.
struct YAMLWriter {
    private(set) var bytes: [UInt8] = []

    mutating func document(_ value: JSONValue) {
        switch value {
        case .object(let object) where !object.isEmpty:
            mapping(object, indent: 0, inline: true)
        case .array(let array) where !array.isEmpty:
            sequence(array, indent: 0, inline: true)
        default:
            scalar(value, indent: nil)
        }
    }

    /// - Parameter inline: the first line goes where the cursor is.
    private mutating func mapping(_ object: JSONObject, indent: Int, inline: Bool) {
        var inline = inline
        for (key, value) in object.sorted {
            if !inline { self.indent(indent) }
            inline = false
            text(key, indent: nil)
            append(":")
            switch value {
            case .object(let object) where !object.isEmpty:
                append("\n")
                mapping(object, indent: indent + 2, inline: false)
            case .array(let array) where !array.isEmpty:
                append("\n")
                sequence(array, indent: indent, inline: false)
            default:
                append(" ")
                scalar(value, indent: indent + 2)
            }
        }
    }

    private mutating func sequence(_ array: [JSONValue], indent: Int, inline: Bool) {
        var inline = inline
        for value in array {
            if !inline { self.indent(indent) }
            inline = false
            append("- ")
            switch value {
            case .object(let object) where !object.isEmpty:
                mapping(object, indent: indent + 2, inline: true)
            case .array(let array) where !array.isEmpty:
                sequence(array, indent: indent + 2, inline: true)
            default:
                scalar(value, indent: indent + 2)
            }
        }
    }

    /// A scalar or an empty collection, and the line's end.
    private mutating func scalar(_ value: JSONValue, indent: Int?) {
        switch value {
        case .string(let string):
            if text(string, indent: indent) { return }
        case .null, .bool, .int, .double, .array, .object:
            bytes += value.jsonBytes
        }
        append("\n")
    }

    /// Writes a string in the plainest style that keeps it a string; true if the line is ended.
    /// - Parameter indent: where a literal block's lines begin; nil if there can be none.
    @discardableResult
    private mutating func text(_ text: String, indent: Int?) -> Bool {
        switch YAMLStyle(text, canBeBlock: indent != nil) {
        case .plain:
            append(text)
        case .single:
            append("'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'")
        case .double:
            doubleQuoted(text)
        case .literal:
            literal(text, indent: indent ?? 0)
            return true
        }
        return false
    }

    private mutating func literal(_ text: String, indent: Int) {
        append("|")
        // Leading white space would be taken for indentation.
        if text.utf8.first == 0x20 || text.utf8.first == 0x0a { append("2") }
        let breaks = text.utf8.reversed().prefix { $0 == 0x0a }.count
        if breaks == 0 { append("-") }
        if breaks > 1 { append("+") }
        append("\n")
        var lines = text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false)
        if breaks > 0 { lines.removeLast() }
        for line in lines {
            if !line.isEmpty { self.indent(indent) }
            bytes += line
            append("\n")
        }
    }

    private mutating func doubleQuoted(_ text: String) {
        append("\"")
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": append("\\\"")
            case "\\": append("\\\\")
            case "\n": append("\\n")
            case "\t": append("\\t")
            case "\r": append("\\r")
            case "\0": append("\\0")
            case "\u{7}": append("\\a")
            case "\u{8}": append("\\b")
            case "\u{b}": append("\\v")
            case "\u{c}": append("\\f")
            case "\u{1b}": append("\\e")
            case "\u{85}": append("\\N")
            case "\u{a0}": append("\\_")
            case "\u{2028}": append("\\L")
            case "\u{2029}": append("\\P")
            default:
                if YAMLStyle.isPrintable(scalar) {
                    bytes += UTF8.encode(scalar).map(Array.init) ?? []
                } else {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    let width: Int = scalar.value < 0x100 ? 2 : scalar.value < 0x10000 ? 4 : 8
                    append(width == 2 ? "\\x" : width == 4 ? "\\u" : "\\U")
                    append(String(repeating: "0", count: width - digits.utf8.count) + digits)
                }
            }
        }
        append("\"")
    }

    private mutating func indent(_ count: Int) {
        bytes += repeatElement(0x20, count: count)
    }

    private mutating func append(_ text: String) {
        bytes += text.utf8
    }
}

/// How a string is written.
enum YAMLStyle {
    case plain
    case single
    case double
    case literal

    init(_ text: String, canBeBlock: Bool) {
        let utf8 = Array(text.utf8)
        guard let first = utf8.first, let last = utf8.last, YAMLStyle.isReadAsString(text) else {
            self = .double
            return
        }
        let isBlank = { (byte: UInt8) -> Bool in byte == 0x20 || byte == 0x0a }
        guard text.unicodeScalars.allSatisfy(YAMLStyle.isPrintable), !utf8.allSatisfy(isBlank) else {
            self = .double
            return
        }
        if utf8.contains(0x0a) {
            let spaceBeforeBreak = zip(utf8, utf8.dropFirst()).contains { $0 == 0x20 && $1 == 0x0a }
            let isBlock = canBeBlock && !spaceBeforeBreak && last != 0x20 && !utf8.contains(0x09)
            self = isBlock ? .literal : .double
            return
        }
        if utf8.contains(0x09) {
            self = .double
            return
        }
        self = YAMLStyle.needsQuotes(utf8, first: first, last: last) ? .single : .plain
    }

    private static func isReadAsString(_ text: String) -> Bool {
        guard case .string? = YAMLScalar.resolve(text) else { return false }
        return text != "=" && text != "<<" && !YAMLScalar.looksLikeTimeOrBase60(text)
    }

    private static func needsQuotes(_ utf8: [UInt8], first: UInt8, last: UInt8) -> Bool {
        if first == 0x20 || last == 0x20 || "#,[]{}&*!|>'\"%@`".utf8.contains(first) { return true }
        let second: UInt8 = utf8.count > 1 ? utf8[1] : 0x20
        if "-?:".utf8.contains(first), second == 0x20 { return true }
        if utf8.starts(with: "---".utf8) || utf8.starts(with: "...".utf8) { return true }
        if last == UInt8(ascii: ":") { return true }
        return zip(utf8, utf8.dropFirst()).contains {
            ($0 == UInt8(ascii: ":") && $1 == 0x20) || ($0 == 0x20 && $1 == UInt8(ascii: "#"))
        }
    }

    /// Whether a character may stand in YAML as it is; a line break counts as such, the other breaks do not.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0a, 0x20...0x7e, 0xa1...0x2027, 0x202a...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd,
            0x10000...0x10ffff:
            true
        default: false
        }
    }
}
