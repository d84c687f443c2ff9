import Compression
import Testing

struct GzipTests {
    private static func packed(_ parts: [[UInt8]]) -> [UInt8] {
        var encoder = GzipEncoder()
        var out: [UInt8] = []
        for part in parts { encoder.append(part, to: &out) }
        encoder.finish(to: &out)
        return out
    }

    @Test(arguments: [0, 1, 4095, 65_536, 1_000_003])
    func `what is packed in parts unpacks to the whole`(count: Int) throws {
        var generator = SystemRandomNumberGenerator()
        // Half of it repeats, half does not, so that both outputs larger and smaller than the input come up.
        let plain: [UInt8] = (0..<count).map { $0 % 2 == 0 ? 0x78 : UInt8.random(in: 0...255, using: &generator) }
        var parts: [[UInt8]] = []
        var rest: ArraySlice<UInt8> = plain[...]
        while !rest.isEmpty {
            let size: Int = min(rest.count, Int.random(in: 0...70_000, using: &generator))
            parts.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        let packed: [UInt8] = Self.packed(parts)
        #expect(packed.prefix(2) == [0x1F, 0x8B])
        #expect(try GzipDecoder.decode(packed, limit: count) == plain)
    }

    @Test func `a bomb is refused at its limit, and garbage and half a stream as malformed`() throws {
        let bomb: [UInt8] = Self.packed(Array(repeating: [UInt8](repeating: 0, count: 1 << 20), count: 64))
        #expect(bomb.count < 1 << 20)
        #expect(throws: GzipDecoder.Error.tooLarge(limit: 1 << 20)) { try GzipDecoder.decode(bomb, limit: 1 << 20) }
        #expect(throws: GzipDecoder.Error.malformed) { try GzipDecoder.decode([1, 2, 3], limit: 100) }
        let half: [UInt8] = Array(Self.packed([Array("some text".utf8)]).dropLast(9))
        #expect(throws: GzipDecoder.Error.malformed) { try GzipDecoder.decode(half, limit: 100) }
        #expect(throws: GzipDecoder.Error.malformed) { try GzipDecoder.decode([], limit: 100) }
    }

    @Test func `members that follow each other are one text`() throws {
        let both: [UInt8] = Self.packed([Array("a".utf8)]) + Self.packed([Array("b".utf8)])
        #expect(try GzipDecoder.decode(both, limit: 10) == Array("ab".utf8))
    }

    /// Texts that bring out what a compressor may get wrong: long runs, far copies, deep trees, nothing that repeats.
    private static func text(_ kind: Int, _ count: Int, _ generator: inout SystemRandomNumberGenerator) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(count + 300)
        let words: [UInt8] = (0..<300).map { _ in UInt8.random(in: 0...255, using: &generator) }
        while text.count < count {
            switch kind {
            case 0: text.append(UInt8.random(in: 0...255, using: &generator))
            case 1: text.append(0x78)
            case 2: text.append(UInt8.random(in: 97...99, using: &generator))
            case 3:
                let begin: Int = Int.random(in: 0...290, using: &generator)
                text += words[begin..<(begin + Int.random(in: 1...10, using: &generator))]
            case 4: text.append(UInt8(min(255, Int.random(in: 1...Int.max, using: &generator).trailingZeroBitCount)))
            default:
                let number: Int = Int.random(in: 0...99_999, using: &generator)
                text += Array(
                    #"{"kind":"Pod","metadata":{"name":"web-\#(number)","uid":"\#(number &* number)"}},"#.utf8)
            }
        }
        return Array(text.prefix(count))
    }

    @Test(arguments: 0..<6)
    func `every kind of text unpacks to itself`(kind: Int) throws {
        var generator = SystemRandomNumberGenerator()
        for count in [1, 3, 4, 7, 8, 9, 257, 5_000, 32_768, 98_304, 98_305, 300_000] {
            let plain: [UInt8] = Self.text(kind, count, &generator)
            var parts: [[UInt8]] = []
            var rest: ArraySlice<UInt8> = plain[...]
            while !rest.isEmpty {
                let size: Int = Int.random(in: 1...70_000, using: &generator)
                parts.append(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(try GzipDecoder.decode(Self.packed(parts), limit: count) == plain, "\(count) bytes")
        }
    }

    @Test func `what repeats gets small, and what does not hardly grows`() throws {
        var generator = SystemRandomNumberGenerator()
        let run: [UInt8] = Self.text(1, 1 << 20, &generator)
        #expect(Self.packed([run]).count < 8_000)
        let objects: [UInt8] = Self.text(5, 1 << 20, &generator)
        #expect(Self.packed([objects]).count < 1 << 18)
        let noise: [UInt8] = Self.text(0, 1 << 20, &generator)
        #expect(Self.packed([noise]).count < (1 << 20) * 102 / 100)
    }
}
