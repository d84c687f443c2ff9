extension HTTP1Parser {
    /// The longest chunk-size line, extensions included.
    private static let chunkLineLimit: Int = 256

    mutating func nextChunked() -> Event {
        do throws(HTTP1Rejection) {
            while true {
                switch state {
                case .chunkSize:
                    guard let size = try chunkSize() else { return .needMore }
                    state = size == 0 ? .trailers : .chunk(remaining: size)
                case .chunk(let remaining):
                    let slice: ArraySlice<UInt8> = consume(upTo: remaining)
                    if slice.isEmpty { return .needMore }
                    bodyBytes += slice.count
                    state = slice.count == remaining ? .chunkEnd : .chunk(remaining: remaining - slice.count)
                    return .body(slice)
                case .chunkEnd:
                    guard bufferedCount >= 2 else { return .needMore }
                    guard buffer[start] == 0x0D, buffer[start + 1] == 0x0A else {
                        throw .malformed("a chunk is longer than its size")
                    }
                    start += 2
                    scanned = start
                    state = .chunkSize
                case .trailers:
                    guard try trailers() else { return .needMore }
                    state = .end
                default:
                    return next()
                }
            }
        } catch {
            return fail(error)
        }
    }

    private mutating func chunkSize() throws(HTTP1Rejection) -> Int? {
        guard let range = try line() else {
            if bufferedCount > Self.chunkLineLimit { throw .malformed("a chunk line is too long") }
            return nil
        }
        guard range.count <= Self.chunkLineLimit else { throw .malformed("a chunk line is too long") }
        overhead += range.count + 4
        guard overhead <= 16 * 1024 + bodyBytes else { throw .malformed("too many tiny chunks") }
        var size: Int = 0
        var digits: Int = 0
        var index: Int = range.lowerBound
        while index < range.upperBound, let digit = Self.hex(buffer[index]) {
            size = size * 16 + digit
            digits += 1
            index += 1
            guard digits <= 8 else { throw .malformed("a chunk size is too large") }
        }
        guard digits > 0 else { throw .malformed("a malformed chunk size") }
        // An extension is skipped; anything else after the size is an error.
        guard index == range.upperBound || buffer[index] == 0x3B else { throw .malformed("a malformed chunk size") }
        return size
    }

    /// Trailers are checked and dropped. True at the empty line.
    private mutating func trailers() throws(HTTP1Rejection) -> Bool {
        var ignored: HTTPFields = HTTPFields()
        while let range = try line() {
            if range.isEmpty { return true }
            overhead += range.count
            guard overhead <= limits.headBytes + bodyBytes else { throw .tooLarge }
            try field(range, into: &ignored)
        }
        if bufferedCount > limits.headBytes { throw .tooLarge }
        return false
    }

    private static func hex(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte - 0x30)
        case 0x41...0x46: Int(byte - 0x37)
        case 0x61...0x66: Int(byte - 0x57)
        default: nil
        }
    }
}
