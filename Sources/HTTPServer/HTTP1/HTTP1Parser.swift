/// Reads HTTP/1.x requests out of bytes, strictly: what two implementations could read differently is refused.
///
/// Pure: `append` bytes, then call `next` until it wants more. RFC 9112.
///
///     head ──► body (length | chunked) ──► end ──► head …
///       └──────────┴── failed (terminal)
package struct HTTP1Parser {
    package struct Limits {
        package var headBytes: Int
        package var fieldCount: Int

        package init(headBytes: Int = 64 * 1024, fieldCount: Int = 200) {
            self.headBytes = headBytes
            self.fieldCount = fieldCount
        }
    }

    package struct Head {
        var method: String
        /// Origin form, or `*`.
        var target: String
        var version: HTTPRequest.Version
        var fields: HTTPFields
        /// nil: chunked, or none.
        var contentLength: Int?
        var isChunked: Bool
        var keepAlive: Bool
        var expectsContinue: Bool
    }

    package enum Event {
        case needMore
        case head(Head)
        case body(ArraySlice<UInt8>)
        case end
        case failed(HTTP1Rejection)
    }

    enum State {
        case head
        case length(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
        case trailers
        /// The end of the message is the next event.
        case end
        case failed(HTTP1Rejection)
    }

    let limits: Limits
    var state: State = .head
    /// Received bytes; those before `start` are consumed.
    var buffer: [UInt8] = []
    var start: Int = 0
    /// Where the search for the end of a line goes on.
    var scanned: Int = 0
    /// Chunk lines and trailers of this body, so that a body cannot be mostly framing.
    var overhead: Int = 0
    var bodyBytes: Int = 0

    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Bytes held and not consumed.
    var bufferedCount: Int { buffer.count - start }

    /// Whether a head has begun and is not complete (for the slow-loris timeout).
    var isInHead: Bool {
        if case .head = state { return bufferedCount > 0 }
        return false
    }

    package mutating func append(_ bytes: some Sequence<UInt8>) {
        compact()
        buffer.append(contentsOf: bytes)
    }

    /// The bytes after the message, for a protocol that takes over.
    mutating func takeRest() -> [UInt8] {
        let rest: [UInt8] = Array(buffer[start...])
        buffer = []
        start = 0
        scanned = 0
        return rest
    }

    package mutating func next() -> Event {
        switch state {
        case .head:
            return nextHead()
        case .length(let remaining):
            let slice: ArraySlice<UInt8> = consume(upTo: remaining)
            if slice.isEmpty { return .needMore }
            state = slice.count == remaining ? .end : .length(remaining: remaining - slice.count)
            return .body(slice)
        case .chunkSize, .chunk, .chunkEnd, .trailers:
            return nextChunked()
        case .end:
            state = .head
            overhead = 0
            bodyBytes = 0
            return .end
        case .failed(let rejection):
            return .failed(rejection)
        }
    }

    mutating func fail(_ rejection: HTTP1Rejection) -> Event {
        state = .failed(rejection)
        return .failed(rejection)
    }

    private mutating func compact() {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 64 * 1024)
        } else if start > 16 * 1024 {
            buffer.removeFirst(start)
        } else {
            return
        }
        scanned = max(0, scanned - start)
        start = 0
    }

    mutating func consume(upTo count: Int) -> ArraySlice<UInt8> {
        let end: Int = min(buffer.count, start + count)
        let slice: ArraySlice<UInt8> = buffer[start..<end]
        start = end
        scanned = end
        return slice
    }

    /// The next line without its CRLF, consumed; nil when it is not complete. A bare LF or CR is an error.
    mutating func line() throws(HTTP1Rejection) -> Range<Int>? {
        var index: Int = max(scanned, start)
        while index < buffer.count {
            if buffer[index] == 0x0A {
                guard index > start, buffer[index - 1] == 0x0D else { throw .malformed("a line must end with CRLF") }
                let range: Range<Int> = start..<(index - 1)
                start = index + 1
                scanned = start
                return range
            }
            if index > start, buffer[index - 1] == 0x0D { throw .malformed("a bare CR in a line") }
            index += 1
        }
        scanned = index
        return nil
    }
}

/// Why bytes are not a request: the status and the text for the client. The connection ends with it.
package struct HTTP1Rejection: Error, Equatable {
    var status: Int
    var message: String

    static func malformed(_ message: String) -> HTTP1Rejection {
        HTTP1Rejection(status: 400, message: message)
    }
}
