/// A prefix code for DEFLATE (RFC 1951 §3.2.2): lengths from frequencies, and the codes that follow from them.
struct HuffmanCode {
    /// Bits of each symbol; 0 for those that do not occur.
    private(set) var lengths: [UInt8]
    /// Reversed, as DEFLATE puts codes into its stream from the lowest bit up.
    private(set) var codes: [UInt16]

    /// - Parameter limit: the longest code that is allowed.
    init(frequencies: [UInt32], limit: Int) {
        lengths = [UInt8](repeating: 0, count: frequencies.count)
        codes = [UInt16](repeating: 0, count: frequencies.count)
        // Rarest first; one number holds both, so that sorting is fast.
        var used: [UInt64] = []
        for (symbol, frequency) in frequencies.enumerated() where frequency > 0 {
            used.append(UInt64(frequency) << 16 | UInt64(symbol))
        }
        guard used.count > 1 else {
            if let only = used.first { lengths[Int(only & 0xFFFF)] = 1 }
            assignCodes(limit)
            return
        }
        used.sort()
        let counts: [Int] = Self.counts(Self.depths(used.map { $0 >> 16 }), limit)
        // The rarest get the longest.
        var next: Int = 0
        for length in stride(from: limit, through: 1, by: -1) {
            for _ in 0..<counts[length] {
                lengths[Int(used[next] & 0xFFFF)] = UInt8(length)
                next += 1
            }
        }
        assignCodes(limit)
    }

    /// How deep each leaf of a Huffman tree is, for weights in rising order.
    ///
    /// Inner nodes come into being in rising order, too, so that the two lightest are always at the head of one of two
    /// queues, and a parent comes behind its children.
    private static func depths(_ weights: [UInt64]) -> [Int] {
        let leaves: Int = weights.count
        var weight: [UInt64] = weights
        weight.reserveCapacity(2 * leaves)
        var parent = [Int](repeating: 0, count: 2 * leaves - 1)
        var leaf: Int = 0
        var inner: Int = leaves
        func lightest() -> Int {
            if leaf < leaves, inner >= weight.count || weight[leaf] <= weight[inner] {
                leaf += 1
                return leaf - 1
            }
            inner += 1
            return inner - 1
        }
        while weight.count < 2 * leaves - 1 {
            let one: Int = lightest()
            let other: Int = lightest()
            parent[one] = weight.count
            parent[other] = weight.count
            weight.append(weight[one] + weight[other])
        }
        var depth = [Int](repeating: 0, count: 2 * leaves - 1)
        for node in stride(from: 2 * leaves - 3, through: 0, by: -1) { depth[node] = depth[parent[node]] + 1 }
        return Array(depth[..<leaves])
    }

    /// How many codes of each length there are, none longer than `limit`.
    ///
    /// Codes that are too long become as long as allowed; that takes more room than there is (Kraft's sum is above one),
    /// which is given back by making shorter codes one bit longer, the longest of them first.
    private static func counts(_ depths: [Int], _ limit: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: limit + 1)
        for depth in depths { counts[min(depth, limit)] += 1 }
        let whole: Int = 1 << limit
        var taken: Int = 0
        for length in 1...limit { taken += counts[length] << (limit - length) }
        while taken > whole {
            var length: Int = limit - 1
            while counts[length] == 0 { length -= 1 }
            counts[length] -= 1
            counts[length + 1] += 1
            taken -= 1 << (limit - length - 1)
        }
        // What was given back too much goes to the longest codes.
        while taken < whole {
            var length: Int = limit
            while counts[length] == 0 || 1 << (limit - length) > whole - taken { length -= 1 }
            counts[length] -= 1
            counts[length - 1] += 1
            taken += 1 << (limit - length)
        }
        return counts
    }

    private mutating func assignCodes(_ limit: Int) {
        var next = [UInt16](repeating: 0, count: limit + 2)
        for length in lengths where length > 0 { next[Int(length) + 1] += 1 }
        for length in 1...limit { next[length + 1] = (next[length] + next[length + 1]) << 1 }
        // Now next[length + 1] is twice the first code behind those of that length; the first one is in next[length].
        for (symbol, length) in lengths.enumerated() where length > 0 {
            let code: UInt16 = next[Int(length)]
            next[Int(length)] += 1
            codes[symbol] = Self.reversed(code, Int(length))
        }
    }

    private static func reversed(_ code: UInt16, _ length: Int) -> UInt16 {
        var code: UInt16 = code
        var out: UInt16 = 0
        for _ in 0..<length {
            out = out << 1 | code & 1
            code >>= 1
        }
        return out
    }
}
