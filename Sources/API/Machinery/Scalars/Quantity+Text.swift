/// Reading and writing.
///
///     quantity = sign digits [ "." digits ] suffix
///     suffix   = n u m "" k M G T P E | Ki Mi Gi Ti Pi Ei | (e|E) signed-number
///
/// The canonical form has no fraction and the largest suffix that allows it: `1.5Gi` is `1536Mi`, `0.5` is `500m`.
extension Quantity: CustomStringConvertible {
    package enum ParseError: Error, Equatable, CustomStringConvertible {
        case format
        case suffix

        package var description: String {
            switch self {
            case .format:
                return "quantities must match the regular expression "
                    + "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            case .suffix:
                return "unable to parse quantity's suffix"
            }
        }
    }

    /// Values of more than 18 digits are rounded away from zero to 10⁻⁹ and capped at 2^63-1, as upstream does.
    package init(_ text: String) throws(ParseError) {
        var text: String = text
        if let simple = text.withUTF8({ Quantity.simple($0) }) {
            self = simple
            return
        }
        let parts: Parts? = text.withUTF8 { Parts($0) }
        guard let parts else { throw .format }
        guard let unit = parts.unit else { throw .suffix }
        self = unit.isBinary ? parts.binaryValue(power: unit.exponent) : parts.decimalValue(unit)
    }

    /// The common case, without allocation: up to nine digits and one of the common suffixes. Nil for all others.
    private static func simple(_ bytes: UnsafeBufferPointer<UInt8>) -> Quantity? {
        var value: Int = 0
        var at: Int = 0
        while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 {
            guard at < 9 else { return nil }
            value = value * 10 + Int(bytes[at] - 0x30)
            at += 1
        }
        guard at > 0 else { return nil }
        switch bytes.count - at {
        case 0: return Quantity(value)
        case 1 where bytes[at] == UInt8(ascii: "m"): return Quantity(milli: value)
        case 2 where bytes[at + 1] == UInt8(ascii: "i"):
            switch bytes[at] {
            case UInt8(ascii: "K"): return Quantity(value << 10, format: .binarySI)
            case UInt8(ascii: "M"): return Quantity(value << 20, format: .binarySI)
            case UInt8(ascii: "G"): return Quantity(value << 30, format: .binarySI)
            default: return nil
            }
        default: return nil
        }
    }

    private static let binarySuffixes: [String] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    private static let decimalSuffixes: [String] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"]

    /// The canonical form.
    package var description: String {
        if isZero { return "0" }
        switch format {
        case .binarySI:
            let isSmall: Bool = self > Quantity(-1_024) && self < Quantity(1_024)
            // Fractions would be lost in binary form, so those are written in decimal.
            return isSmall || scale < 0 ? decimalText(exponentForm: false) : binaryText
        case .decimalSI: return decimalText(exponentForm: false)
        case .decimalExponent: return decimalText(exponentForm: true)
        }
    }

    private var binaryText: String {
        var number: Int128 = Quantity.shifted(mantissa, by: Int(scale))
        var power: Int = 0
        while power < 6, number % 1_024 == 0 {
            number /= 1_024
            power += 1
        }
        return String(number) + Quantity.binarySuffixes[power]
    }

    private func decimalText(exponentForm: Bool) -> String {
        var exponent: Int = Int(scale) - ((Int(scale) % 3) + 3) % 3
        if !exponentForm { exponent = min(exponent, 18) }
        let number = String(Quantity.shifted(mantissa, by: Int(scale) - exponent))
        if exponentForm { return exponent == 0 ? number : "\(number)e\(exponent)" }
        return number + Quantity.decimalSuffixes[exponent / 3 + 3]
    }
}

extension Quantity {
    /// What a suffix means.
    fileprivate struct Unit {
        var isBinary: Bool
        /// Of 10 or of 2.
        var exponent: Int
        var format: Format
    }

    /// A quantity's text, taken apart.
    fileprivate struct Parts {
        var isNegative: Bool = false
        /// All digits without leading zeros, those of the fraction included.
        var digits: [UInt8] = []
        /// How many of the written digits are behind the point.
        var fractionCount: Int = 0
        var suffix: [UInt8] = []

        /// Nil if the text does not have the form of a quantity.
        init?(_ bytes: UnsafeBufferPointer<UInt8>) {
            var at: Int = 0
            guard !bytes.isEmpty else { return nil }
            if bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+") {
                isNegative = bytes[0] == UInt8(ascii: "-")
                at = 1
            }
            var digitCount: Int = 0
            var isFraction: Bool = false
            while at < bytes.count {
                let byte: UInt8 = bytes[at]
                if byte == UInt8(ascii: "."), !isFraction {
                    isFraction = true
                } else if byte >= 0x30, byte <= 0x39 {
                    digitCount += 1
                    if isFraction { fractionCount += 1 }
                    if byte != 0x30 || !digits.isEmpty { digits.append(byte - 0x30) }
                } else {
                    break
                }
                at += 1
            }
            guard digitCount > 0 else { return nil }
            let start: Int = at
            while at < bytes.count, Parts.isSuffixLetter(bytes[at]) { at += 1 }
            if at < bytes.count, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") { at += 1 }
            while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 { at += 1 }
            guard at == bytes.count else { return nil }
            suffix = Array(bytes[start...])
        }

        private static func isSuffixLetter(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "i"), UInt8(ascii: "n"), UInt8(ascii: "u"),
                UInt8(ascii: "m"), UInt8(ascii: "k"), UInt8(ascii: "K"), UInt8(ascii: "M"), UInt8(ascii: "G"),
                UInt8(ascii: "T"), UInt8(ascii: "P"):
                return true
            default:
                return false
            }
        }

        /// Nil for an unknown suffix.
        var unit: Unit? {
            switch suffix.count {
            case 0: return Unit(isBinary: false, exponent: 0, format: .decimalSI)
            case 1:
                let letters: [UInt8] = Array("num.kMGTPE".utf8)
                guard suffix[0] != UInt8(ascii: "."), let index = letters.firstIndex(of: suffix[0]) else { return nil }
                return Unit(isBinary: false, exponent: index * 3 - 9, format: .decimalSI)
            case 2 where suffix[1] == UInt8(ascii: "i"):
                let letters: [UInt8] = Array("KMGTPE".utf8)
                guard let index = letters.firstIndex(of: suffix[0]) else { return nil }
                return Unit(isBinary: true, exponent: (index + 1) * 10, format: .binarySI)
            default:
                guard suffix[0] == UInt8(ascii: "e") || suffix[0] == UInt8(ascii: "E"),
                    let exponent = Int32(String(decoding: suffix[1...], as: UTF8.self))
                else { return nil }
                return Unit(isBinary: false, exponent: Int(exponent), format: .decimalExponent)
            }
        }

        func decimalValue(_ unit: Unit) -> Quantity {
            var digits: [UInt8] = self.digits
            var scale: Int = unit.exponent - fractionCount
            while digits.last == 0 {
                digits.removeLast()
                scale += 1
            }
            if digits.isEmpty { return Quantity(mantissa: 0, scale: 0, format: unit.format) }
            let isExact: Bool = digits.count <= 18 && scale >= -9
            // Magnitudes beyond Int128 are capped even in the exact case, which upstream leaves unbounded.
            if digits.count + scale > (isExact ? 37 : 19) { return capped(unit.format) }
            var sticky: Bool = false
            if scale < -9 {
                let dropped: Int = min(digits.count, -9 - scale)
                digits.removeLast(dropped)
                sticky = true
                scale = -9
            }
            var value: Int128 = Parts.number(digits[...]) + (sticky ? 1 : 0)
            if !isExact, Quantity(mantissa: value, scale: scale, format: unit.format) > Quantity(Int.max) {
                return capped(unit.format)
            }
            if isNegative { value = -value }
            return Quantity(mantissa: value, scale: scale, format: unit.format)
        }

        func binaryValue(power: Int) -> Quantity {
            let leadingFractionZeros: Int = max(0, fractionCount - digits.count)
            let wholeCount: Int = max(0, digits.count - fractionCount)
            guard wholeCount <= 19 else { return capped(.binarySI) }
            let whole: Int128 = Parts.number(digits[..<wholeCount])
            if fractionCount == 0 {
                let total: Int128 = whole << Int128(power)
                guard total < Int128(Int.max) else { return capped(.binarySI) }
                return Quantity(mantissa: isNegative ? -total : total, scale: 0, format: .binarySI)
            }
            // Eighteen digits of fraction: more cannot matter at 10⁻⁹ but for the largest suffixes.
            var fraction: [UInt8] = Array(repeating: 0, count: leadingFractionZeros) + digits[wholeCount...]
            let dropped: Bool = fraction.count > 18 && fraction[18...].contains { $0 != 0 }
            fraction = Array(fraction.prefix(18))
            while fraction.count < 18 { fraction.append(0) }
            let product: Int128 = Parts.number(fraction[...]) << Int128(power)
            let (units, rest) = product.quotientAndRemainder(dividingBy: Quantity.powers[18])
            let total: Int128 = (whole << Int128(power)) + units
            guard total < Int128(Int.max) else { return capped(.binarySI) }
            var nanos: Int128 = Quantity.scaledUp(rest, by: 9)
            if dropped, rest % Quantity.powers[9] == 0 { nanos += 1 }
            var value: Int128 = total * Quantity.powers[9] + nanos
            let isBelowOne: Bool = total == 0 && nanos > 0
            if isNegative { value = -value }
            return Quantity(mantissa: value, scale: -9, format: isBelowOne ? .decimalSI : .binarySI)
        }

        private func capped(_ format: Format) -> Quantity {
            Quantity(mantissa: Int128(isNegative ? -Int.max : Int.max), scale: 0, format: format)
        }

        private static func number(_ digits: ArraySlice<UInt8>) -> Int128 {
            if digits.count <= 18 {
                var value: Int64 = 0
                for digit in digits { value = value * 10 + Int64(digit) }
                return Int128(value)
            }
            var value: Int128 = 0
            for digit in digits { value = value * 10 + Int128(digit) }
            return value
        }
    }
}
