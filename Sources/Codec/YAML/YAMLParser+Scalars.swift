// MARK: - Plain scalars

extension YAMLParser {
    /// The first line of a plain scalar. The cursor stops behind trailing blanks, at what ended it.
    mutating func plainLine(inFlow: Bool) throws(YAMLError) -> String {
        switch here {
        case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
            if isBlankOrEnd(index + 1) { throw error("expected a value, found \(found)") }
        case UInt8(ascii: "#"), UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"),
            UInt8(ascii: "}"), UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: "|"),
            UInt8(ascii: ">"), UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "%"), UInt8(ascii: "@"),
            UInt8(ascii: "`"):
            throw error("\(found) cannot begin a plain scalar; quote it")
        default:
            break
        }
        return try plainRun(inFlow: inFlow)
    }

    /// Plain text on this line, without trailing blanks.
    mutating func plainRun(inFlow: Bool) throws(YAMLError) -> String {
        let start = index
        var stop = index
        while !atEnd, here != 0x0a {
            if here == 0x20 || here == 0x09 {
                index += 1
                continue
            }
            if here == UInt8(ascii: "#"), index > start, isBlankOrEnd(index - 1) { break }
            if here == UInt8(ascii: ":"), inFlow ? isFlowKeyEnd(index) : isBlankOrEnd(index + 1) { break }
            if inFlow, ",[]{}".utf8.contains(here) { break }
            index += 1
            stop = index
        }
        return String(decoding: bytes[start..<stop], as: UTF8.self)
    }

    func isFlowKeyEnd(_ colon: Int) -> Bool {
        isBlankOrEnd(colon + 1) || ",[]{}".utf8.contains(byte(colon + 1))
    }

    /// The following lines of a plain scalar in block context, folded onto the first.
    mutating func plainRest(_ first: String, parent: Int) throws(YAMLError) -> String {
        var text = first
        while here == 0x0a {
            let mark = index
            var breaks: Int = 0
            while here == 0x0a || here == 0x20 || here == 0x09 {
                if here == 0x0a { breaks += 1 }
                index += 1
            }
            if atEnd || atMarker || here == UInt8(ascii: "#") || column(of: index) <= parent {
                index = mark
                break
            }
            text += breaks == 1 ? " " : String(repeating: "\n", count: breaks - 1)
            text += try plainRun(inFlow: false)
        }
        return text
    }

    /// What an empty node is.
    func plain(empty properties: Properties) throws(YAMLError) -> JSONValue {
        properties.tag == "!!str" ? "" : .null
    }
}

// MARK: - Quoted scalars

extension YAMLParser {
    mutating func quoted() throws(YAMLError) -> String {
        let start = index
        let quote = here
        var text: [UInt8] = []
        index += 1
        while true {
            if atEnd { throw error("the string has no end", at: start) }
            switch here {
            case quote:
                if quote == UInt8(ascii: "'"), byte(index + 1) == quote {
                    text.append(quote)
                    index += 2
                } else {
                    index += 1
                    return String(decoding: text, as: UTF8.self)
                }
            case 0x0a, 0x20, 0x09:
                try foldBlanks(start, into: &text)
            case UInt8(ascii: "\\") where quote == UInt8(ascii: "\""):
                try escape(into: &text)
            default:
                text.append(here)
                index += 1
            }
        }
    }

    /// Blanks within a line are kept; around a line break they are not, and one break is a space.
    private mutating func foldBlanks(_ start: Int, into text: inout [UInt8]) throws(YAMLError) {
        let mark = index
        var breaks: Int = 0
        while here == 0x0a || here == 0x20 || here == 0x09 {
            if here == 0x0a { breaks += 1 }
            index += 1
            if breaks > 0, atMarker { throw error("the string has no end", at: start) }
        }
        switch breaks {
        case 0: text += bytes[mark..<index]
        case 1: text.append(0x20)
        default: text += Array(repeating: 0x0a, count: breaks - 1)
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(YAMLError) {
        let start = index
        index += 2
        switch byte(start + 1) {
        case UInt8(ascii: "0"): text.append(0x00)
        case UInt8(ascii: "a"): text.append(0x07)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "t"), 0x09: text.append(0x09)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "v"): text.append(0x0b)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "e"): text.append(0x1b)
        case UInt8(ascii: " "), UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "\\"): text.append(bytes[start + 1])
        case UInt8(ascii: "N"): text += [0xc2, 0x85]
        case UInt8(ascii: "_"): text += [0xc2, 0xa0]
        case UInt8(ascii: "L"): text += [0xe2, 0x80, 0xa8]
        case UInt8(ascii: "P"): text += [0xe2, 0x80, 0xa9]
        case 0x0a: skipContinuation(into: &text)
        case UInt8(ascii: "x"): try append(hex(2, start), start, into: &text)
        case UInt8(ascii: "u"): try appendUnit(start, into: &text)
        case UInt8(ascii: "U"): try append(hex(8, start), start, into: &text)
        default: throw error("unknown escape in a string", at: start)
        }
    }

    /// Behind an escaped line break: the next line goes on without its indentation; empty lines are breaks.
    private mutating func skipContinuation(into text: inout [UInt8]) {
        while here == 0x20 || here == 0x09 || here == 0x0a {
            if here == 0x0a { text.append(0x0a) }
            index += 1
        }
    }

    private mutating func hex(_ count: Int, _ start: Int) throws(YAMLError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = Character(Unicode.Scalar(here)).hexDigitValue else {
                throw error("unknown escape in a string", at: start)
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    /// `\uXXXX`; two surrogates in a row are one character, as in JSON.
    private mutating func appendUnit(_ start: Int, into text: inout [UInt8]) throws(YAMLError) {
        var scalar = try hex(4, start)
        if scalar & 0xfc00 == 0xd800, here == UInt8(ascii: "\\"), byte(index + 1) == UInt8(ascii: "u") {
            index += 2
            let low = try hex(4, start)
            guard low & 0xfc00 == 0xdc00 else { throw error("a lone surrogate is no character", at: start) }
            scalar = 0x10000 + (scalar & 0x3ff) << 10 + (low & 0x3ff)
        }
        try append(scalar, start, into: &text)
    }

    private func append(_ value: UInt32, _ start: Int, into text: inout [UInt8]) throws(YAMLError) {
        guard let scalar = Unicode.Scalar(value), let encoded = UTF8.encode(scalar) else {
            throw error("the escape is no character", at: start)
        }
        text += encoded
    }
}

// MARK: - Block scalars

extension YAMLParser {
    /// `|` or `>` and what follows. The cursor stops at the beginning of the line that is no longer part of it.
    mutating func blockScalar(parent: Int) throws(YAMLError) -> String {
        let isFolded = here == UInt8(ascii: ">")
        index += 1
        var chomping: UInt8 = 0
        var indentation: Int?
        while true {
            if here == UInt8(ascii: "+") || here == UInt8(ascii: "-"), chomping == 0 {
                chomping = here
            } else if here >= UInt8(ascii: "1"), here <= UInt8(ascii: "9"), indentation == nil {
                indentation = max(parent, 0) + Int(here - UInt8(ascii: "0"))
            } else {
                break
            }
            index += 1
        }
        try endOfLine()
        skipLine()
        if !atEnd { index += 1 }
        let column = indentation ?? blockIndentation(parent: parent)
        var text: [UInt8] = []
        // As yet unwritten: the break behind the last line of text, and those of the empty lines after it.
        var lineBreak = false
        var emptyLines: Int = 0
        var previousIndented = false
        while let line = try blockLine(column: column) {
            if line.isEmpty {
                emptyLines += 1
                continue
            }
            let indented = line.first == 0x20 || line.first == 0x09
            if lineBreak {
                if isFolded, !previousIndented, !indented {
                    if emptyLines == 0 { text.append(0x20) }
                } else {
                    text.append(0x0a)
                }
            }
            text += Array(repeating: 0x0a, count: emptyLines)
            text += line
            (lineBreak, emptyLines, previousIndented) = (true, 0, indented)
        }
        if lineBreak, chomping != UInt8(ascii: "-") { text.append(0x0a) }
        if chomping == UInt8(ascii: "+") { text += Array(repeating: 0x0a, count: emptyLines) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The indentation of the first line with text, at least one more than the parent's.
    private func blockIndentation(parent: Int) -> Int {
        var at = index
        var start = index
        while at < bytes.count {
            if bytes[at] == 0x20 {
                at += 1
            } else if bytes[at] == 0x0a {
                at += 1
                start = at
            } else {
                break
            }
        }
        return max(at - start, parent + 1)
    }

    /// The next line of a block scalar without its indentation; nil if it ends here.
    private mutating func blockLine(column: Int) throws(YAMLError) -> ArraySlice<UInt8>? {
        if atEnd || atMarker { return nil }
        let start = index
        var at = index
        while at < bytes.count, at - start < column, bytes[at] == 0x20 { at += 1 }
        if at < bytes.count, bytes[at] != 0x0a, at - start < column {
            // Less indented: a tab there is a mistake worth naming, anything else belongs to the parent.
            if bytes[at] == 0x09 { throw error("tabs cannot indent", at: at) }
            return nil
        }
        let textStart = at
        while at < bytes.count, bytes[at] != 0x0a { at += 1 }
        index = min(at + 1, bytes.count)
        return bytes[textStart..<at]
    }
}
