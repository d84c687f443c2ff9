import Testing

@testable import HTTPServer

@Suite struct HTTP1ParserTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var what: String
        var bytes: String
        var status: Int = 400
        var testDescription: String { what }
    }

    static let bad: [Bad] = [
        Bad(
            what: "both lengths",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"),
        Bad(
            what: "two different lengths",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"),
        Bad(what: "a list of lengths", bytes: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n"),
        Bad(what: "a signed length", bytes: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n"),
        Bad(what: "a huge length", bytes: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        Bad(what: "a space before the colon", bytes: "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
        Bad(what: "a folded field", bytes: "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"),
        Bad(what: "a bare LF after a field", bytes: "GET / HTTP/1.1\r\nHost: a\n\r\n"),
        Bad(what: "only bare LFs", bytes: "GET / HTTP/1.1\nHost: a\n\n"),
        Bad(what: "a bare CR in a value", bytes: "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"),
        Bad(what: "a NUL in a value", bytes: "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
        Bad(what: "no host", bytes: "GET / HTTP/1.1\r\n\r\n"),
        Bad(what: "two hosts", bytes: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        Bad(
            what: "a coding before chunked",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", status: 501),
        Bad(
            what: "an obscured chunked", bytes: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            status: 501),
        Bad(
            what: "chunked twice",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            status: 501),
        Bad(what: "chunked in 1.0", bytes: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Bad(
            what: "a chunk size with a prefix",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n"),
        Bad(
            what: "a chunk size with a space",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n"),
        Bad(
            what: "a negative chunk size",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n"),
        Bad(
            what: "a chunk size that overflows",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
        Bad(
            what: "a chunk longer than its size",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
        Bad(
            what: "a chunk line with a bare LF",
            bytes: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n"),
        Bad(what: "no version", bytes: "GET /\r\n\r\n"),
        Bad(what: "HTTP/2 by prior knowledge", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Bad(what: "HTTP/3.0", bytes: "GET / HTTP/3.0\r\nHost: a\r\n\r\n", status: 505),
        Bad(what: "a space in the target", bytes: "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
        Bad(what: "CONNECT", bytes: "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Bad(what: "an unknown expectation", bytes: "GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", status: 417),
        Bad(
            what: "a head that does not end",
            bytes: "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 70_000), status: 431),
        Bad(
            what: "too many fields",
            bytes: "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "x: y\r\n", count: 201) + "\r\n", status: 431),
    ]

    /// The whole outcome as text, fed in pieces of `size` bytes.
    static func outcome(_ text: String, size: Int) -> (log: String, status: Int?) {
        var parser: HTTP1Parser = HTTP1Parser()
        var log: String = ""
        let bytes: [UInt8] = Array(text.utf8)
        var index: Int = 0
        while true {
            switch parser.next() {
            case .needMore:
                if index == bytes.count { return (log, nil) }
                let end: Int = min(bytes.count, index + size)
                parser.append(bytes[index..<end])
                index = end
            case .head(let head): log += "[\(head.method) \(head.target) \(head.keepAlive)]"
            case .body(let slice): log += String(decoding: slice, as: UTF8.self)
            case .end: log += "."
            case .failed(let rejection): return (log, rejection.status)
            }
        }
    }

    @Test(arguments: bad, [1, 100_000]) func `what could be read in two ways is refused`(bad: Bad, size: Int) {
        #expect(Self.outcome(bad.bytes, size: size).status == bad.status)
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func `requests are read the same, however they are cut`(size: Int) {
        let text: String =
            "\r\nGET /a?b=c HTTP/1.1\r\nHost: a\r\nAccept: x\r\n\r\n"
            + "POST /p HTTP/1.1\r\nhost:a\r\nContent-Length:  5 \r\n\r\nhello"
            + "POST /q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
            + "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n"
            + "GET http://a:1/abs HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"
            + "GET / HTTP/1.0\r\n\r\n"
        let (log, status): (String, Int?) = Self.outcome(text, size: size)
        #expect(status == nil)
        #expect(
            log == "[GET /a?b=c true].[POST /p true]hello.[POST /q true]abc0123456789.[GET /abs false].[GET / false].")
    }

    @Test func `random damage never traps and never makes two requests of one`() {
        var random: SystemRandomNumberGenerator = SystemRandomNumberGenerator()
        let text: [UInt8] = Array(
            "POST /q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".utf8)
        for _ in 0..<3000 {
            var bytes: [UInt8] = text
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var parser: HTTP1Parser = HTTP1Parser()
            parser.append(bytes)
            var heads: Int = 0
            var isOver: Bool = false
            for _ in 0..<200 where !isOver {
                switch parser.next() {
                case .needMore, .failed: isOver = true
                case .head: heads += 1
                case .body, .end: break
                }
            }
            #expect(isOver && heads <= 1, "\(bytes)")
        }
    }
}
