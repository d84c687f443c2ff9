/// What one block of a DEFLATE stream says: literals and copies, gathered until the block is written.
struct DeflateBlock: ~Copyable {
    /// As many as a block holds: enough for good codes, few enough to stay in the cache.
    static let limit: Int = 16 << 10

    /// A literal is its byte; a copy has the highest bit, 8 bits of length - 3 and 15 of distance - 1.
    private let tokens: UnsafeMutablePointer<UInt32>
    private let literals: UnsafeMutablePointer<UInt32>
    private let distances: UnsafeMutablePointer<UInt32>
    private(set) var count: Int = 0

    init() {
        tokens = .allocate(capacity: Self.limit)
        literals = .allocate(capacity: DeflateTables.literalCount)
        distances = .allocate(capacity: DeflateTables.distanceCount)
        literals.initialize(repeating: 0, count: DeflateTables.literalCount)
        distances.initialize(repeating: 0, count: DeflateTables.distanceCount)
    }

    deinit {
        tokens.deallocate()
        literals.deallocate()
        distances.deallocate()
    }

    var isFull: Bool { count >= Self.limit }

    @inline(__always)
    mutating func add(literal: UInt8) {
        tokens[count] = UInt32(literal)
        literals[Int(literal)] &+= 1
        count &+= 1
    }

    /// - Parameters:
    ///   - lengthSymbols, distanceSymbols: of `DeflateTables`.
    @inline(__always)
    mutating func add(
        length: Int, distance: Int, _ lengthSymbols: UnsafePointer<UInt8>, _ distanceSymbols: UnsafePointer<UInt8>
    ) {
        let short: Int = length &- 3
        let back: Int = distance &- 1
        tokens[count] = 0x8000_0000 | UInt32(truncatingIfNeeded: short << 15 | back)
        literals[DeflateTables.firstLength &+ Int(lengthSymbols[short])] &+= 1
        distances[Int(distanceSymbols[back < 256 ? back : 256 &+ back >> 7])] &+= 1
        count &+= 1
    }

    // MARK: - Writing

    /// Writes the block, which is not the stream's last, and begins anew.
    mutating func write(to bits: inout BitWriter) {
        guard count > 0 else { return }
        literals[DeflateTables.endOfBlock] = 1
        let literalCode = HuffmanCode(
            frequencies: Array(UnsafeBufferPointer(start: literals, count: DeflateTables.literalCount)), limit: 15)
        let distanceCode = HuffmanCode(
            frequencies: Array(UnsafeBufferPointer(start: distances, count: DeflateTables.distanceCount)), limit: 15)
        // Not the last; with codes of its own.
        bits.put(0b100, 3)
        Self.writeCodes(literalCode, distanceCode, &bits)
        writeTokens(literalCode, distanceCode, &bits)
        bits.put(
            UInt64(literalCode.codes[DeflateTables.endOfBlock]), Int(literalCode.lengths[DeflateTables.endOfBlock]))
        literals.update(repeating: 0, count: DeflateTables.literalCount)
        distances.update(repeating: 0, count: DeflateTables.distanceCount)
        count = 0
    }

    private func writeTokens(_ literal: HuffmanCode, _ distance: HuffmanCode, _ bits: inout BitWriter) {
        let tables: DeflateTables = .shared
        bits.reserve(count * 8)
        for index in 0..<count {
            let token: UInt32 = tokens[index]
            guard token & 0x8000_0000 != 0 else {
                bits.put(UInt64(literal.codes[Int(token)]), Int(literal.lengths[Int(token)]))
                continue
            }
            let short: Int = Int(token >> 15 & 0xFF)
            let back: Int = Int(token & 0x7FFF)
            let lengthSymbol: Int = Int(tables.lengthSymbol[short])
            let lengthCode: Int = DeflateTables.firstLength + lengthSymbol
            bits.put(UInt64(literal.codes[lengthCode]), Int(literal.lengths[lengthCode]))
            bits.put(UInt64(short - Int(tables.lengthBase[lengthSymbol])), Int(tables.lengthExtra[lengthSymbol]))
            let distanceCode: Int = Int(tables.distanceSymbol[back < 256 ? back : 256 + back >> 7])
            bits.put(UInt64(distance.codes[distanceCode]), Int(distance.lengths[distanceCode]))
            bits.put(UInt64(back - Int(tables.distanceBase[distanceCode])), Int(tables.distanceExtra[distanceCode]))
        }
    }

    // MARK: - The codes

    /// In which order the lengths of the code of lengths are written.
    private static let order: [Int] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    /// The lengths of both codes, themselves compressed (RFC 1951 §3.2.7).
    private static func writeCodes(_ literal: HuffmanCode, _ distance: HuffmanCode, _ bits: inout BitWriter) {
        let literals: Int = max(257, (literal.lengths.lastIndex { $0 > 0 } ?? 0) + 1)
        let distances: Int = max(1, (distance.lengths.lastIndex { $0 > 0 } ?? 0) + 1)
        let runs: [Run] = runs(Array(literal.lengths[..<literals]) + distance.lengths[..<distances])
        var frequencies = [UInt32](repeating: 0, count: 19)
        for run in runs { frequencies[Int(run.symbol)] += 1 }
        let code = HuffmanCode(frequencies: frequencies, limit: 7)
        let shown: Int = max(4, (order.lastIndex { code.lengths[$0] > 0 } ?? 0) + 1)
        bits.put(UInt64(literals - 257), 5)
        bits.put(UInt64(distances - 1), 5)
        bits.put(UInt64(shown - 4), 4)
        for symbol in order[..<shown] { bits.put(UInt64(code.lengths[symbol]), 3) }
        for run in runs {
            bits.put(UInt64(code.codes[Int(run.symbol)]), Int(code.lengths[Int(run.symbol)]))
            bits.put(UInt64(run.extra), Int(run.extraBits))
        }
    }

    private struct Run {
        var symbol: UInt8
        var extra: UInt8 = 0
        var extraBits: UInt8 = 0
    }

    /// 16 repeats the last length 3 to 6 times; 17 and 18 are 3 to 10, and 11 to 138 zeros.
    private static func runs(_ lengths: [UInt8]) -> [Run] {
        var runs: [Run] = []
        var index: Int = 0
        while index < lengths.count {
            let length: UInt8 = lengths[index]
            var count: Int = 1
            while index + count < lengths.count, lengths[index + count] == length { count += 1 }
            index += count
            if length > 0 {
                runs.append(Run(symbol: length))
                count -= 1
            }
            while count >= 3 {
                let part: Int = min(count, length > 0 ? 6 : 138)
                if length > 0 {
                    runs.append(Run(symbol: 16, extra: UInt8(part - 3), extraBits: 2))
                } else if part < 11 {
                    runs.append(Run(symbol: 17, extra: UInt8(part - 3), extraBits: 3))
                } else {
                    runs.append(Run(symbol: 18, extra: UInt8(part - 11), extraBits: 7))
                }
                count -= part
            }
            for _ in 0..<count { runs.append(Run(symbol: length)) }
        }
        return runs
    }
}
