import Testing

@testable import Streams

@Suite struct WebSocketTests {
    /// A frame as a client sends it.
    static func masked(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, mask: [UInt8] = [1, 2, 3, 4])
        -> [UInt8]
    {
        var out: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        switch payload.count {
        case ..<126: out.append(0x80 | UInt8(payload.count))
        case ..<65536: out += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
        default: out += [0x80 | 127, 0, 0, 0, 0] + [24, 16, 8, 0].map { UInt8(payload.count >> $0 & 0xff) }
        }
        out += mask
        return out + payload.enumerated().map { $0.element ^ mask[$0.offset & 3] }
    }

    @Test func `the examples of the RFC are read`() throws {
        // RFC 6455 §5.7
        var server = WebSocketReader()
        #expect(
            try server.receive([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]) == [
                .text(Array("Hello".utf8))
            ])
        var client = WebSocketReader(expectsMask: false)
        #expect(
            try client.receive([0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f]) == [.text(Array("Hello".utf8))])
        #expect(WebSocketWriter.text(Array("Hello".utf8)) == [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f])
    }

    @Test func `the key of the RFC gets its answer`() {
        #expect(
            WebSocketHandshake.accept(key: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(WebSocketHandshake.accept(key: "short") == nil)
        #expect(
            WebSocketHandshake.protocols(["a, b", "c"]) == ["a", "b", "c"])
        let long: [UInt8] = SHA1.digest([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
        #expect(long.prefix(4) == [0x34, 0xaa, 0x97, 0x3c])
    }

    @Test func `frames cut anywhere give the same messages`() throws {
        let big = [UInt8](repeating: 7, count: 70_000)
        let stream: [UInt8] =
            Self.masked(2, [0, 1, 2]) + Self.masked(9, [5]) + Self.masked(2, [1], isFinal: false)
            + Self.masked(9, [6]) + Self.masked(0, [2], isFinal: false) + Self.masked(0, [3]) + Self.masked(2, big)
            + Self.masked(8, [0x03, 0xe8])
        let expected: [WebSocketMessage] = [
            .binary([0, 1, 2]), .ping([5]), .ping([6]), .binary([1, 2, 3]), .binary(big), .close(code: 1000),
        ]
        for seed in 1...40 {
            var random = Seeded(UInt64(seed))
            var reader = WebSocketReader()
            var found: [WebSocketMessage] = []
            var index: Int = 0
            while index < stream.count {
                let size: Int = Int.random(in: 1...(seed % 3 == 0 ? 9_000 : 40), using: &random)
                let end: Int = min(stream.count, index + size)
                found += try reader.receive(Array(stream[index..<end]))
                index = end
            }
            #expect(found == expected, "seed \(seed)")
        }
    }

    @Test func `what breaks the protocol is refused`() {
        let cases: [([UInt8], UInt16)] = [
            ([0x82, 0x01, 0x00], 1002),  // not masked
            ([0xC2, 0x80, 0, 0, 0, 0], 1002),  // reserved bit
            (Self.masked(0, [1]), 1002),  // continuation of nothing
            (Self.masked(2, [1], isFinal: false) + Self.masked(2, [1]), 1002),  // a message within another
            (Self.masked(3, [1]), 1002),  // unknown opcode
            (Self.masked(9, [UInt8](repeating: 0, count: 126)), 1002),  // long control frame
            (Self.masked(9, [], isFinal: false), 1002),  // control frame in fragments
            ([0x82, 0xFF, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1009),  // huge
        ]
        for (bytes, code) in cases {
            #expect(throws: WebSocketError.self) {
                var reader = WebSocketReader()
                do throws(WebSocketError) {
                    _ = try reader.receive(bytes)
                } catch {
                    guard case .violation(code, _) = error else { return }
                    throw error
                }
            }
        }
    }

    @Test func `random bytes never crash the readers`() {
        for seed in 1...500 {
            var random = Seeded(UInt64(seed))
            let bytes: [UInt8] = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var reader = WebSocketReader()
            _ = try? reader.receive(bytes)
            var codec = SPDYCodec()
            _ = try? codec.receive(bytes)
            _ = try? codec.receive([0x80, 3, 0, UInt8(seed % 9)] + bytes)
            var response = HTTP1ResponseReader()
            _ = try? response.receive(Array("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".utf8) + bytes)
        }
    }
}

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z: UInt64 = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
