extension JSONReader {
    /// Reads a boolean; `null` is false.
    @usableFromInline
    package mutating func bool() throws(JSONError) -> Bool {
        switch next() {
        case UInt8(ascii: "t"):
            try literal("true")
            return true
        case UInt8(ascii: "f"):
            try literal("false")
            return false
        case UInt8(ascii: "n"):
            try literal("null")
            return false
        default:
            throw mismatch("a boolean")
        }
    }

    /// Reads an integer of 32 bits; `null` is 0. `1.0` and `1e3` are not integers, as in Go.
    package mutating func int32() throws(JSONError) -> Int {
        let start = index
        let value = try int64()
        if value < Int(Int32.min) || value > Int(Int32.max) { throw error(.outOfRange(type: "int32"), at: start) }
        return value
    }

    /// Reads an integer of 64 bits; `null` is 0. `1.0` and `1e3` are not integers, as in Go.
    @usableFromInline
    package mutating func int64() throws(JSONError) -> Int {
        let first = next()
        if first == UInt8(ascii: "n") {
            try literal("null")
            return 0
        }
        let start = index
        guard let value = try integer("an integer") else {
            let isInteger = !(start..<index).contains { isFractional(byte($0)) }
            if isInteger { throw error(.outOfRange(type: "int64"), at: start) }
            let text = String(decoding: bytes(start..<index), as: UTF8.self)
            throw error(.mismatch(expected: "an integer", found: "the number \(text)"), at: start)
        }
        return value
    }

    /// Reads a number; `null` is 0.
    @usableFromInline
    package mutating func double() throws(JSONError) -> Double {
        if next() == UInt8(ascii: "n") {
            try literal("null")
            return 0
        }
        let start = index
        if let value = try integer("a number") { return Double(value) }
        return try double(start..<index)
    }

    /// Reads standard base64 with padding into bytes; `null` is empty. Line breaks are ignored, as in Go.
    package mutating func base64() throws(JSONError) -> [UInt8] {
        if next() == UInt8(ascii: "n") {
            try literal("null")
            return []
        }
        let start = index
        var text = try string()
        let bytes = text.withUTF8 { Base64.decode($0) }
        guard let bytes else { throw error(.invalidBase64, at: start) }
        return bytes
    }

    /// Reads any number as a `JSONValue`: `.int` if it has neither fraction nor exponent, and fits.
    mutating func number() throws(JSONError) -> JSONValue {
        let start = index
        if let value = try integer("a value") { return .int(Int64(value)) }
        return .double(try double(start..<index))
    }

    private func double(_ range: Range<Int>) throws(JSONError) -> Double {
        let text = String(decoding: bytes(range), as: UTF8.self)
        guard let value = Double(text) else { throw error(.invalidNumber, at: range.lowerBound) }
        guard value.isFinite else { throw error(.outOfRange(type: "float64"), at: range.lowerBound) }
        return value
    }

    @inline(__always)
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    @inline(__always)
    private func isFractional(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
    }

    @inline(__always)
    private func isDigit(_ at: Int) -> Bool {
        at < end && byte(at) &- UInt8(ascii: "0") < 10
    }

    /// Consumes a number at the cursor; nil if it has a fraction or an exponent, or does not fit.
    private mutating func integer(_ expected: String) throws(JSONError) -> Int? {
        let start = index
        guard start < end else { throw syntax(expected) }
        let negative = byte(start) == UInt8(ascii: "-")
        var at = negative ? start + 1 : start
        guard isDigit(at) else {
            if negative { throw error(.invalidNumber, at: start) }
            throw mismatch(expected)
        }
        let firstDigit = at
        var value: UInt64 = 0
        var overflows = false
        while isDigit(at) {
            let digit = UInt64(byte(at) &- UInt8(ascii: "0"))
            if at - firstDigit < 18 {
                value = value &* 10 &+ digit
            } else {
                let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
                let (sum, carries) = product.addingReportingOverflow(digit)
                overflows = overflows || tooLarge || carries
                value = sum
            }
            at += 1
        }
        if byte(firstDigit) == UInt8(ascii: "0"), at - firstDigit > 1 { throw error(.invalidNumber, at: start) }
        if at < end, isFractional(byte(at)) {
            try fraction(from: at, of: start)
            return nil
        }
        index = at
        if overflows { return nil }
        if negative { return value <= 1 << 63 ? Int(truncatingIfNeeded: 0 &- value) : nil }
        return value <= UInt64(Int.max) ? Int(truncatingIfNeeded: value) : nil
    }

    /// Consumes the fraction and the exponent of the number that began at `start`.
    private mutating func fraction(from point: Int, of start: Int) throws(JSONError) {
        var at = point
        if byte(at) == UInt8(ascii: ".") {
            at += 1
            guard isDigit(at) else { throw error(.invalidNumber, at: start) }
            while isDigit(at) { at += 1 }
        }
        if at < end, byte(at) | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < end, byte(at) == UInt8(ascii: "+") || byte(at) == UInt8(ascii: "-") { at += 1 }
            guard isDigit(at) else { throw error(.invalidNumber, at: start) }
            while isDigit(at) { at += 1 }
        }
        index = at
    }
}
