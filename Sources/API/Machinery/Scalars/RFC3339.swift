/// Reading and writing of `2006-01-02T15:04:05[.fraction](Z|±hh:mm)`, for `Time` and `MicroTime`.
enum RFC3339 {
    /// Parses a time; the fraction is truncated to nanoseconds. Nil if the text is not such a time.
    static func parse(_ text: String) -> (seconds: Int64, nanoseconds: Int)? {
        var text: String = text
        return text.withUTF8 { parse($0) }
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> (seconds: Int64, nanoseconds: Int)? {
        var cursor = Cursor(bytes: bytes)
        guard let year = cursor.digits(4), cursor.take(0x2D), let month = cursor.digits(2), cursor.take(0x2D),
            let day = cursor.digits(2), cursor.take(0x54), let hour = cursor.digits(2), cursor.take(0x3A),
            let minute = cursor.digits(2), cursor.take(0x3A), let second = cursor.digits(2)
        else { return nil }
        guard hour < 24, minute < 60, second < 60 else { return nil }
        guard let nanoseconds = cursor.fraction(), let offset = cursor.zone(), cursor.isAtEnd else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        guard date.isValid else { return nil }
        let secondOfDay: Int = hour * 3_600 + minute * 60 + second - offset
        return (Int64(date.daysSince1970 * 86_400 + secondOfDay), nanoseconds)
    }

    /// `2006-01-02T15:04:05Z`, with six digits of fraction when `microseconds` is given.
    static func format(seconds: Int64, microseconds: Int? = nil) -> String {
        let (day, second) = floorDivide(Int(seconds), by: 86_400)
        let date = CivilDate(daysSince1970: day)
        let year: Int = date.year < 0 ? -date.year : date.year
        return String(unsafeUninitializedCapacity: 40) { buffer in
            var at: Int = 0
            func put(_ byte: UInt8) {
                buffer[at] = byte
                at += 1
            }
            func number(_ value: Int, _ width: Int) {
                var rest: Int = value
                for place in stride(from: width - 1, through: 0, by: -1) {
                    buffer[at + place] = UInt8(0x30 + rest % 10)
                    rest /= 10
                }
                at += width
            }
            if date.year < 0 { put(0x2D) }
            number(year, year > 9_999 ? String(year).utf8.count : 4)
            put(0x2D)
            number(date.month, 2)
            put(0x2D)
            number(date.day, 2)
            put(0x54)
            number(second / 3_600, 2)
            put(0x3A)
            number(second / 60 % 60, 2)
            put(0x3A)
            number(second % 60, 2)
            if let microseconds {
                put(0x2E)
                number(microseconds, 6)
            }
            put(0x5A)
            return at
        }
    }

    /// Quotient towards minus infinity and a remainder that is never negative.
    static func floorDivide(_ value: Int, by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private struct Cursor {
        let bytes: UnsafeBufferPointer<UInt8>
        var at: Int = 0

        var isAtEnd: Bool { at == bytes.count }
        var next: UInt8? { at < bytes.count ? bytes[at] : nil }

        mutating func take(_ byte: UInt8) -> Bool {
            guard next == byte else { return false }
            at += 1
            return true
        }

        mutating func digit() -> Int? {
            guard let byte = next, byte >= 0x30, byte <= 0x39 else { return nil }
            at += 1
            return Int(byte - 0x30)
        }

        mutating func digits(_ count: Int) -> Int? {
            var value: Int = 0
            for _ in 0..<count {
                guard let digit = digit() else { return nil }
                value = value * 10 + digit
            }
            return value
        }

        /// Nanoseconds; 0 without a fraction, nil for a point without digits.
        mutating func fraction() -> Int? {
            guard take(0x2E) || take(0x2C) else { return 0 }
            guard var value = digit() else { return nil }
            var count: Int = 1
            while let digit = digit() {
                if count < 9 { value = value * 10 + digit }
                count += 1
            }
            while count < 9 {
                value *= 10
                count += 1
            }
            return value
        }

        /// The offset to the east in seconds.
        mutating func zone() -> Int? {
            if take(0x5A) { return 0 }
            let east: Bool = take(0x2B)
            guard east || take(0x2D) else { return nil }
            guard let hours = digits(2), take(0x3A), let minutes = digits(2), hours < 24, minutes < 60 else {
                return nil
            }
            let offset: Int = hours * 3_600 + minutes * 60
            return east ? offset : -offset
        }
    }
}
