import CZlib

/// One gzip stream (RFC 1952) in the making: bytes go in, compressed bytes come out in pieces.
///
///     |◄──── history, 32 KiB ────►|◄──── chunk, 64 KiB ────►|
///      what copies may point to     looked through when full
///
/// For JSON in lists, whose objects resemble each other: one candidate per hash of four bytes, the first match is taken,
/// eight bytes are compared at a time, and codes are made per 16,384 tokens. That is several times faster than zlib's
/// level 1 at about its size. About 300 KiB per stream, so whoever makes many of them has to bound their number.
package struct GzipEncoder: ~Copyable {
    private static let historySize: Int = 32 << 10
    private static let chunkSize: Int = 64 << 10
    /// For words that are read at the end.
    private static let slack: Int = 16
    private static let hashBits: Int = 14
    private static let longest: Int = 258

    private let window: UnsafeMutablePointer<UInt8>
    /// Where each hash was seen last, in bytes of the whole stream plus 1; 0 is never.
    private let heads: UnsafeMutablePointer<UInt32>
    /// Bytes of history at the window's begin, and of both.
    private var history: Int = 0
    private var filled: Int = 0
    /// The stream's offset of the window's begin, plus 1.
    private var base: UInt32 = 1
    private var block = DeflateBlock()
    private var bits = BitWriter()
    private var checksum: UInt = 0
    private var plainCount: UInt32 = 0

    package init() {
        window = .allocate(capacity: Self.historySize + Self.chunkSize + Self.slack)
        window.initialize(repeating: 0, count: Self.historySize + Self.chunkSize + Self.slack)
        heads = .allocate(capacity: 1 << Self.hashBits)
        heads.initialize(repeating: 0, count: 1 << Self.hashBits)
        // Deflate, no flags, no time, fastest, Unix.
        bits.put(bytes: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 3])
    }

    deinit {
        window.deallocate()
        heads.deallocate()
    }

    /// Takes `plain`; what is ready of the compressed form is appended to `out`, the rest waits inside. Few large
    /// pieces are cheaper than many small ones.
    package mutating func append(_ plain: [UInt8], to out: inout [UInt8]) {
        plain.withUnsafeBytes { append($0, to: &out) }
    }

    package mutating func append(_ plain: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        guard let source = plain.baseAddress else { return }
        checksum = crc32(checksum, source.assumingMemoryBound(to: UInt8.self), UInt32(plain.count))
        plainCount &+= UInt32(truncatingIfNeeded: plain.count)
        var taken: Int = 0
        while taken < plain.count {
            let room: Int = Self.historySize + Self.chunkSize - filled
            let part: Int = min(room, plain.count - taken)
            UnsafeMutableRawPointer(window + filled).copyMemory(from: source + taken, byteCount: part)
            filled += part
            taken += part
            if part == room { compress() }
        }
        bits.take(to: &out)
    }

    /// Appends what is left and the trailer. Nothing may follow.
    package mutating func finish(to out: inout [UInt8]) {
        compress()
        block.write(to: &bits)
        // An empty block with the fixed codes is the last.
        bits.put(0b011, 3)
        bits.put(0, 7)
        bits.align()
        var trailer: [UInt8] = []
        for value in [UInt32(truncatingIfNeeded: checksum), plainCount] {
            for shift in [0, 8, 16, 24] as [UInt32] { trailer.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        bits.put(bytes: trailer)
        bits.take(to: &out)
    }

    // MARK: - Matching

    /// Looks through the chunk, then keeps its end as history.
    private mutating func compress() {
        let tables: DeflateTables = .shared
        tables.lengthSymbol.withUnsafeBufferPointer { lengths in
            tables.distanceSymbol.withUnsafeBufferPointer { distances in
                if let lengths = lengths.baseAddress, let distances = distances.baseAddress {
                    findMatches(lengths, distances)
                }
            }
        }
        let kept: Int = min(filled, Self.historySize)
        let gone: Int = filled - kept
        if gone > 0 { window.update(from: window + gone, count: kept) }
        filled = kept
        history = kept
        guard base < UInt32.max - 2 * UInt32(Self.historySize + Self.chunkSize) else {
            // After 4 GiB: positions begin anew.
            heads.update(repeating: 0, count: 1 << Self.hashBits)
            base = 1
            return
        }
        base += UInt32(gone)
    }

    private mutating func findMatches(_ lengths: UnsafePointer<UInt8>, _ distances: UnsafePointer<UInt8>) {
        var at: Int = history
        let end: Int = filled
        var misses: Int = 0
        while at < end {
            if block.isFull { block.write(to: &bits) }
            guard end - at >= 8 else {
                block.add(literal: window[at])
                at += 1
                continue
            }
            let word: UInt32 = Self.word(window + at)
            let slot: Int = Int((word &* 0x9E37_79B1) >> UInt32(32 - Self.hashBits))
            let seen: UInt32 = heads[slot]
            heads[slot] = base &+ UInt32(truncatingIfNeeded: at)
            let candidate: Int = Int(seen) - Int(base)
            if candidate >= 0, at - candidate <= Self.historySize, Self.word(window + candidate) == word {
                let length: Int = matchLength(at, candidate, end)
                block.add(length: length, distance: at - candidate, lengths, distances)
                at += length
                misses = 0
                continue
            }
            // Where nothing matches, look at fewer places.
            misses += 1
            let stop: Int = min(end, at + 1 + misses >> 6)
            while at < stop, !block.isFull {
                block.add(literal: window[at])
                at += 1
            }
        }
    }

    /// How far two places agree; four bytes are known to.
    @inline(__always)
    private func matchLength(_ at: Int, _ candidate: Int, _ end: Int) -> Int {
        let limit: Int = min(Self.longest, end - at)
        var length: Int = 4
        while length &+ 8 <= limit {
            let difference: UInt64 = Self.long(window + at + length) ^ Self.long(window + candidate + length)
            if difference != 0 { return length &+ difference.littleEndian.trailingZeroBitCount / 8 }
            length &+= 8
        }
        while length < limit, window[at + length] == window[candidate + length] { length &+= 1 }
        return length
    }

    @inline(__always)
    private static func word(_ at: UnsafeMutablePointer<UInt8>) -> UInt32 {
        UnsafeRawPointer(at).loadUnaligned(as: UInt32.self)
    }

    @inline(__always)
    private static func long(_ at: UnsafeMutablePointer<UInt8>) -> UInt64 {
        UnsafeRawPointer(at).loadUnaligned(as: UInt64.self)
    }
}
