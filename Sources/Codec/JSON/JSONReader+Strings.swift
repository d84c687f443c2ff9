extension JSONReader {
    /// Reads a string; `null` is empty. Invalid UTF-8 is an error (Go replaces it); an escaped lone surrogate
    /// becomes U+FFFD, as in Go.
    @usableFromInline
    package mutating func string() throws(JSONError) -> String {
        let byte = next()
        if byte == UInt8(ascii: "\"") {
            index += 1
            return try restOfString(from: index)
        }
        if byte == UInt8(ascii: "n") {
            try literal("null")
            return ""
        }
        throw mismatch("a string")
    }

    /// The first byte from `start` on that is not plain: a quote, a backslash, a control character, or not ASCII;
    /// `end` if there is none. Eight bytes at a time.
    @inline(__always)
    func plainEnd(from start: Int) -> Int {
        var at = start
        while at + 8 <= end {
            let word = base.loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian
            let quote = word ^ 0x2222_2222_2222_2222
            let slash = word ^ 0x5c5c_5c5c_5c5c_5c5c
            // A byte's top bit is set if it is zero (quote, slash), below 0x20, or not ASCII. Borrows only reach
            // bytes above a true hit, so the lowest hit is exact.
            let ones: UInt64 = 0x0101_0101_0101_0101
            let zeros = ((quote &- ones) & ~quote) | ((slash &- ones) & ~slash)
            let hits = (zeros | (word &- 0x2020_2020_2020_2020) | word) & 0x8080_8080_8080_8080
            if hits != 0 { return at + hits.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < end {
            let byte = byte(at)
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 || byte >= 0x80 { return at }
            at += 1
        }
        return end
    }

    /// Reads the string whose first byte, behind the quote, is at `start`, and consumes the closing quote.
    @inline(__always)
    mutating func restOfString(from start: Int) throws(JSONError) -> String {
        let stop = plainEnd(from: start)
        if stop < end, byte(stop) == UInt8(ascii: "\"") {
            index = stop + 1
            return String(decoding: UnsafeRawBufferPointer(start: base + start, count: stop - start), as: UTF8.self)
        }
        return try unusualString(from: start, seen: stop)
    }

    /// A string that is not plain ASCII; `seen` is the first byte that is not plain.
    @inline(never)
    private mutating func unusualString(from start: Int, seen: Int) throws(JSONError) -> String {
        let (close, escaped) = try stringEnd(from: seen)
        index = close + 1
        if !escaped {
            guard let string = String(validating: bytes(start..<close), as: UTF8.self) else {
                throw error(.invalidUTF8, at: UTF8Check.firstInvalid(base, start..<close) ?? start)
            }
            return string
        }
        if let invalid = UTF8Check.firstInvalid(base, start..<close) { throw error(.invalidUTF8, at: invalid) }
        return try unescape(start..<close)
    }

    /// The closing quote of the string in which `from` is, and whether an escape lies between. Checks control
    /// characters, but neither escapes nor UTF-8.
    private func stringEnd(from: Int) throws(JSONError) -> (close: Int, escaped: Bool) {
        var at = from
        var escaped = false
        while true {
            at = plainEnd(from: at)
            guard at < end else {
                throw error(.syntax(expected: "'\"'", found: "the end of the input"), at: end)
            }
            switch byte(at) {
            case UInt8(ascii: "\""):
                return (at, escaped)
            case UInt8(ascii: "\\"):
                escaped = true
                // The byte behind a backslash never closes the string.
                if at + 1 < end, byte(at + 1) < 0x20 { throw error(.controlCharacter, at: at + 1) }
                at += 2
            case 0..<0x20:
                throw error(.controlCharacter, at: at)
            default:
                at += 1
            }
        }
    }

    /// The text of a string with escapes, of which the UTF-8 is valid.
    private func unescape(_ range: Range<Int>) throws(JSONError) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        var at = range.lowerBound
        while at < range.upperBound {
            let byte = byte(at)
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                at += 1
                continue
            }
            at = try escape(at, limit: range.upperBound, into: &text)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends what the escape at `slash` stands for, and returns the offset behind it.
    private func escape(_ slash: Int, limit: Int, into text: inout [UInt8]) throws(JSONError) -> Int {
        switch byte(slash + 1) {
        case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            guard let unit = codeUnit(slash, limit) else { throw error(.invalidEscape, at: slash) }
            if unit & 0xfc00 == 0xd800, let low = codeUnit(slash + 6, limit), low & 0xfc00 == 0xdc00 {
                append(0x10000 + (unit & 0x3ff) << 10 + (low & 0x3ff), to: &text)
                return slash + 12
            }
            append(unit & 0xf800 == 0xd800 ? 0xfffd : unit, to: &text)
            return slash + 6
        default:
            throw error(.invalidEscape, at: slash)
        }
        return slash + 2
    }

    /// The UTF-16 unit of a `\uXXXX` at `slash`; nil if there is none.
    private func codeUnit(_ slash: Int, _ limit: Int) -> UInt32? {
        guard slash + 6 <= limit, byte(slash) == UInt8(ascii: "\\"), byte(slash + 1) == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt32 = 0
        for at in slash + 2..<slash + 6 {
            switch byte(at) {
            case let digit where digit &- UInt8(ascii: "0") < 10: unit = unit << 4 | UInt32(digit & 0xf)
            case let letter where (letter | 0x20) &- UInt8(ascii: "a") < 6: unit = unit << 4 | UInt32(letter & 0x7) + 9
            default: return nil
            }
        }
        return unit
    }

    private func append(_ scalar: UInt32, to text: inout [UInt8]) {
        guard let scalar = Unicode.Scalar(scalar) else { return }
        text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    /// The text of a key met before, for a path.
    func unescapedKey(at start: Int, length: Int) -> String {
        let range = start..<start + length
        do throws(JSONError) {
            return try unescape(range)
        } catch {
            return String(decoding: bytes(range), as: UTF8.self)
        }
    }

    /// Consumes a string at the cursor, checked but not kept.
    mutating func skipString() throws(JSONError) {
        let start = index + 1
        let stop = plainEnd(from: start)
        if stop < end, byte(stop) == UInt8(ascii: "\"") {
            index = stop + 1
            return
        }
        _ = try unusualString(from: start, seen: stop)
    }
}

/// Finding the place where UTF-8 goes wrong.
enum UTF8Check {
    /// The offset of the first byte in the range that does not belong to well-formed UTF-8 (Unicode, table 3-7).
    static func firstInvalid(_ base: UnsafeRawPointer, _ range: Range<Int>) -> Int? {
        var at = range.lowerBound
        let end = range.upperBound
        func byte(_ offset: Int) -> UInt8 { base.load(fromByteOffset: offset, as: UInt8.self) }
        while at < end {
            let first = byte(at)
            if first < 0x80 {
                at += 1
                continue
            }
            let length: Int
            var low: UInt8 = 0x80
            var high: UInt8 = 0xbf
            switch first {
            case 0xc2...0xdf: length = 2
            case 0xe0: (length, low) = (3, 0xa0)
            case 0xed: (length, high) = (3, 0x9f)
            case 0xe1...0xef: length = 3
            case 0xf0: (length, low) = (4, 0x90)
            case 0xf4: (length, high) = (4, 0x8f)
            case 0xf1...0xf3: length = 4
            default: return at
            }
            guard at + length <= end, (low...high).contains(byte(at + 1)) else { return at }
            for offset in at + 2..<max(at + length, at + 2) where byte(offset) & 0xc0 != 0x80 { return at }
            at += length
        }
        return nil
    }
}
