import Testing

@testable import Streams

@Suite struct SPDYTests {
    @Test func `frames without fields are what the protocol says`() {
        var codec = SPDYCodec()
        #expect(codec.encode(.data(id: 3, [9, 8], isLast: true)) == [0, 0, 0, 3, 1, 0, 0, 2, 9, 8])
        #expect(codec.encode(.ping(id: 2)) == [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 2])
        #expect(codec.encode(.reset(id: 5, status: 8)) == [0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 5, 0, 0, 0, 8])
        #expect(codec.encode(.goAway) == [0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func `the compressed block names the dictionary of SPDY 3`() {
        var codec = SPDYCodec()
        let frame: [UInt8] = codec.encode(.synStream(id: 1, fields: [SPDYField("streamtype", "error")], isLast: false))
        #expect(frame[..<5].elementsEqual([0x80, 3, 0, 1, 0]))
        #expect(frame[8..<18].elementsEqual([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
        // zlib's head with a preset dictionary, and its checksum, as every SPDY/3 connection begins.
        #expect(frame[18..<24].elementsEqual([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2]))
        #expect(SPDYDictionary.bytes.count == 1423)
    }

    @Test func `what one end writes the other reads, cut anywhere`() throws {
        let frames: [SPDYFrame] = [
            .synStream(id: 1, fields: [SPDYField("streamtype", "error")], isLast: false),
            .synStream(
                id: 3, fields: [SPDYField("streamtype", "stdin"), SPDYField("x", "ü")], isLast: true),
            .synReply(id: 1, fields: [], isLast: false),
            .data(id: 1, [UInt8](repeating: 1, count: 5_000), isLast: false), .ping(id: 1),
            .synStream(id: 5, fields: [SPDYField("streamtype", "stdout")], isLast: false),
            .reset(id: 3, status: 5), .data(id: 5, [], isLast: true), .goAway,
        ]
        for seed in 1...30 {
            var random = Seeded(UInt64(seed))
            var writer = SPDYCodec()
            var stream: [UInt8] = []
            for frame in frames { stream += writer.encode(frame) }
            var reader = SPDYCodec()
            var found: [SPDYFrame] = []
            var index: Int = 0
            while index < stream.count {
                let end: Int = min(stream.count, index + Int.random(in: 1...200, using: &random))
                found += try reader.receive(Array(stream[index..<end]))
                index = end
            }
            #expect(found == frames, "seed \(seed)")
        }
    }

    @Test func `a payload beyond three bytes of length goes in several frames`() throws {
        var codec = SPDYCodec()
        let big = [UInt8](repeating: 3, count: 0xFF_FFFF + 10)
        let bytes: [UInt8] = codec.encode(.data(id: 1, big, isLast: true))
        let frames: [SPDYFrame] = try codec.receive(bytes)
        #expect(frames.count == 2)
        #expect(frames[1] == .data(id: 1, [UInt8](repeating: 3, count: 10), isLast: true))
    }

    @Test func `broken frames are refused`() {
        let cases: [[UInt8]] = [
            [0x80, 2, 0, 1, 0, 0, 0, 0],  // SPDY/2
            [0x80, 3, 0, 1, 0, 0, 0, 2, 0, 0],  // short SYN_STREAM
            [0x80, 3, 0, 3, 0, 0, 0, 1, 0],  // short RST_STREAM
            [0x80, 3, 0, 1, 0, 0, 0, 14, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],  // no zlib
        ]
        for bytes in cases {
            #expect(throws: SPDYError.self) {
                var codec = SPDYCodec()
                _ = try codec.receive(bytes)
            }
        }
    }
}
