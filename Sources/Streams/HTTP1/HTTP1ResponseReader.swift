/// The head of an answer that a backend gave.
package struct HTTP1ResponseHead: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        /// Lower case.
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var status: Int
    package var fields: [Field]

    package init(status: Int, fields: [Field]) {
        self.status = status
        self.fields = fields
    }

    /// The first value of a field; `name` in lower case.
    package subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

package struct HTTP1ResponseError: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Reads one answer of an HTTP/1.1 server, as a client. Pure: bytes in, events out.
///
///     head ──► body by length | by chunks | until the end ──► done
///       └──101──► raw: everything that follows is handed out as it comes
package struct HTTP1ResponseReader: Sendable {
    package enum Event: Sendable, Equatable {
        case head(HTTP1ResponseHead)
        case body([UInt8])
        case end
    }

    private enum State: Equatable {
        case head
        case length(Int)
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case trailer
        case untilClose
        case raw
        case done
    }

    private static let headLimit: Int = 64 * 1024
    /// Hexadecimal digits and an extension.
    private static let chunkLineLimit: Int = 1024

    private var state: State = .head
    private var buffer: [UInt8] = []
    private var offset: Int = 0

    package init() {}

    package mutating func receive(_ bytes: [UInt8]) throws(HTTP1ResponseError) -> [Event] {
        buffer += bytes
        var events: [Event] = []
        while try step(&events) {}
        buffer.removeFirst(offset)
        offset = 0
        return events
    }

    /// The connection is at its end: the end of a body without a length, else an error.
    package mutating func closed() throws(HTTP1ResponseError) -> [Event] {
        switch state {
        case .raw, .untilClose:
            state = .done
            return [.end]
        case .done: return []
        default: throw HTTP1ResponseError("unexpected EOF")
        }
    }

    private var available: Int { buffer.count - offset }

    private mutating func take(_ count: Int) -> [UInt8] {
        defer { offset += count }
        return Array(buffer[offset..<(offset + count)])
    }

    /// True: something was read, and there may be more.
    private mutating func step(_ events: inout [Event]) throws(HTTP1ResponseError) -> Bool {
        switch state {
        case .head: return try readHead(&events)
        case .length(let left):
            if left == 0 { return finish(&events) }
            guard available > 0 else { return false }
            let count: Int = min(left, available)
            events.append(.body(take(count)))
            state = .length(left - count)
            return true
        case .chunkSize:
            guard let line = try line(limit: Self.chunkLineLimit) else { return false }
            let size: Int = try Self.chunkSize(line)
            state = size == 0 ? .trailer : .chunk(size)
            return true
        case .chunk(let left):
            guard available > 0 else { return false }
            let count: Int = min(left, available)
            events.append(.body(take(count)))
            state = count == left ? .chunkEnd : .chunk(left - count)
            return true
        case .chunkEnd:
            guard let line = try line(limit: 2) else { return false }
            guard line.isEmpty else { throw HTTP1ResponseError("malformed chunked encoding") }
            state = .chunkSize
            return true
        case .trailer:
            guard let line = try line(limit: Self.headLimit) else { return false }
            return line.isEmpty ? finish(&events) : true
        case .untilClose, .raw:
            guard available > 0 else { return false }
            events.append(.body(take(available)))
            return false
        case .done: return false
        }
    }

    private mutating func finish(_ events: inout [Event]) -> Bool {
        state = .done
        events.append(.end)
        return false
    }

    /// A line without its end; nil: it has not come whole.
    private mutating func line(limit: Int) throws(HTTP1ResponseError) -> [UInt8]? {
        guard let feed = buffer[offset...].firstIndex(of: 0x0A) else {
            guard available <= limit else { throw HTTP1ResponseError("a line of the answer is too long") }
            return nil
        }
        var line: [UInt8] = Array(buffer[offset..<feed])
        if line.last == 0x0D { line.removeLast() }
        offset = feed + 1
        return line
    }

    private static func chunkSize(_ line: [UInt8]) throws(HTTP1ResponseError) -> Int {
        let digits: String = String(decoding: line.prefix { $0 != 0x3B && $0 != 0x20 }, as: UTF8.self)
        guard !digits.isEmpty, digits.utf8.count <= 8, let size = Int(digits, radix: 16), size >= 0 else {
            throw HTTP1ResponseError("malformed chunked encoding")
        }
        return size
    }

    // MARK: - Head

    private mutating func readHead(_ events: inout [Event]) throws(HTTP1ResponseError) -> Bool {
        guard let end = headEnd() else {
            guard available <= Self.headLimit else { throw HTTP1ResponseError("the head of the answer is too long") }
            return false
        }
        let text: String = String(decoding: buffer[offset..<end], as: UTF8.self)
        offset = end
        let head: HTTP1ResponseHead = try Self.parse(text)
        // Interim answers are passed over.
        if head.status >= 100 && head.status < 200 && head.status != 101 { return true }
        events.append(.head(head))
        state = try Self.framing(head)
        return true
    }

    /// Behind the empty line.
    private func headEnd() -> Int? {
        var index: Int = offset
        while let feed = buffer[index...].firstIndex(of: 0x0A) {
            if feed + 1 < buffer.count, buffer[feed + 1] == 0x0A { return feed + 2 }
            if feed + 2 < buffer.count, buffer[feed + 1] == 0x0D, buffer[feed + 2] == 0x0A { return feed + 3 }
            index = feed + 1
        }
        return nil
    }

    private static func parse(_ text: String) throws(HTTP1ResponseError) -> HTTP1ResponseHead {
        var lines: [Substring] = text.split(omittingEmptySubsequences: true) { $0 == "\n" || $0 == "\r\n" }
        guard !lines.isEmpty else { throw HTTP1ResponseError("malformed HTTP response") }
        let first: Substring = lines.removeFirst()
        let parts: [Substring] = first.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), parts[1].utf8.count == 3, let status = Int(parts[1]),
            status >= 100
        else { throw HTTP1ResponseError("malformed HTTP response") }
        var head = HTTP1ResponseHead(status: status, fields: [])
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                throw HTTP1ResponseError("malformed header of the answer")
            }
            let value: Substring = line[line.index(after: colon)...]
            head.fields.append(HTTP1ResponseHead.Field(line[..<colon].lowercased(), trimmed(value)))
        }
        return head
    }

    private static func trimmed(_ text: Substring) -> String {
        var text: Substring = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" || last == "\r" { text.removeLast() }
        return String(text)
    }

    private static func framing(_ head: HTTP1ResponseHead) throws(HTTP1ResponseError) -> State {
        if head.status == 101 { return .raw }
        if head.status == 204 || head.status == 304 { return .length(0) }
        if let coding = head["transfer-encoding"] {
            guard coding.lowercased() == "chunked" else {
                throw HTTP1ResponseError("unsupported transfer encoding \(coding)")
            }
            return .chunkSize
        }
        guard let length = head["content-length"] else { return .untilClose }
        guard let count = Int(length), count >= 0 else { throw HTTP1ResponseError("malformed content length") }
        return .length(count)
    }
}
