/// How DEFLATE writes lengths and distances (RFC 1951 §3.2.5): a symbol, and some bits as they are.
struct DeflateTables {
    /// Symbols of lengths begin here.
    static let firstLength: Int = 257
    static let endOfBlock: Int = 256
    static let literalCount: Int = 286
    static let distanceCount: Int = 30

    /// By length - 3: the symbol's number from `firstLength` on.
    let lengthSymbol: [UInt8]
    let lengthBase: [UInt16]
    let lengthExtra: [UInt8]
    /// By distance - 1 below 256, else by (distance - 1) / 128 behind that.
    let distanceSymbol: [UInt8]
    let distanceBase: [UInt16]
    let distanceExtra: [UInt8]

    static let shared = DeflateTables()

    private init() {
        var symbols = [UInt8](repeating: 0, count: 256)
        var bases: [UInt16] = []
        var extras: [UInt8] = []
        var length: Int = 0
        for symbol in 0..<28 {
            let extra: Int = symbol < 8 ? 0 : symbol / 4 - 1
            bases.append(UInt16(length))
            extras.append(UInt8(extra))
            for _ in 0..<(1 << extra) where length < 256 {
                symbols[length] = UInt8(symbol)
                length += 1
            }
        }
        // 258, the longest, has a symbol of its own.
        symbols[255] = 28
        bases.append(255)
        extras.append(0)
        (lengthSymbol, lengthBase, lengthExtra) = (symbols, bases, extras)
        symbols = [UInt8](repeating: 0, count: 512)
        bases = []
        extras = []
        var distance: Int = 0
        for symbol in 0..<Self.distanceCount {
            let extra: Int = symbol < 4 ? 0 : symbol / 2 - 1
            bases.append(UInt16(distance))
            extras.append(UInt8(extra))
            for at in stride(from: distance, to: distance + (1 << extra), by: distance < 256 ? 1 : 128) {
                symbols[at < 256 ? at : 256 + at >> 7] = UInt8(symbol)
            }
            distance += 1 << extra
        }
        (distanceSymbol, distanceBase, distanceExtra) = (symbols, bases, extras)
    }
}
