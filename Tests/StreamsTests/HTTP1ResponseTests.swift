import Testing

@testable import Streams

@Suite struct HTTP1ResponseTests {
    private func events(_ text: String, step: Int) throws -> (HTTP1ResponseHead?, [UInt8], Bool) {
        var reader = HTTP1ResponseReader()
        var all: [HTTP1ResponseReader.Event] = []
        let bytes: [UInt8] = Array(text.utf8)
        var index: Int = 0
        while index < bytes.count {
            all += try reader.receive(Array(bytes[index..<min(bytes.count, index + step)]))
            index += step
        }
        all += try reader.closed()
        var head: HTTP1ResponseHead?
        var body: [UInt8] = []
        var isEnded: Bool = false
        for event in all {
            switch event {
            case .head(let one): head = one
            case .body(let part): body += part
            case .end: isEnded = true
            }
        }
        return (head, body, isEnded)
    }

    @Test(arguments: [1, 2, 3, 7, 10_000])
    func `bodies by length, by chunks and until the end are whole`(step: Int) throws {
        let texts: [String] = [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-a: b\r\n\r\n2\r\nhe\r\n"
                + "3;x=y\r\nllo\r\n0\r\nT: u\r\n\r\n",
            "HTTP/1.0 200 OK\r\nx-a: b\r\n\r\nhello",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\nhello",
            "HTTP/1.1 101 Switching Protocols\r\nx-a: b\r\n\r\nhello",
        ]
        for text in texts {
            let (head, body, isEnded) = try events(text, step: step)
            #expect(head?["x-a"] == "b", "\(text)")
            #expect(body == Array("hello".utf8), "\(text)")
            #expect(isEnded)
        }
    }

    @Test func `answers that are cut off or malformed are errors`() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", "SSH-2.0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ] {
            #expect(throws: HTTP1ResponseError.self, "\(text)") { try self.events(text, step: 4) }
        }
    }

    @Test func `queries are read and written as upstream's`() {
        let query: QueryString? = QueryString(parsing: "command=sh&command=-c&command=echo+a%26b&stdin=true&tty=0")
        #expect(query?.values("command") == ["sh", "-c", "echo a&b"])
        #expect(query?.flag("stdin") == true)
        #expect(query?.flag("tty") == false)
        #expect(query?.suffix == "?command=sh&command=-c&command=echo%20a%26b&stdin=true&tty=0")
        #expect(QueryString(parsing: "a=%2") == nil)
    }
}
