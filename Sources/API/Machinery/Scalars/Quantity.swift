/// An amount of a resource, such as `100m`, `1536Mi` or `2e3`: upstream's `resource.Quantity`.
///
/// The value is `mantissa × 10^scale`, exact to 10⁻⁹, with a mantissa that never ends in a decimal zero, so that equal
/// values have equal representations. The format family (decimal, binary, exponent) only decides how it is written;
/// `==` and `hash` ignore it, as upstream's semantic equality does (`isIdentical(to:)` does not).
package struct Quantity: Sendable {
    /// How a quantity is written.
    package enum Format: UInt8, Sendable {
        /// `500m`, `12k`
        case decimalSI
        /// `1536Mi`
        case binarySI
        /// `12e3`
        case decimalExponent
    }

    /// At most 10^38 in magnitude; not divisible by ten unless zero.
    private(set) var mantissa: Int128
    /// From -9; 0 when the mantissa is 0.
    private(set) var scale: Int32
    package var format: Format

    /// Zero.
    package init() {
        mantissa = 0
        scale = 0
        format = .decimalSI
    }

    /// `value × 10^scale`, rounded away from zero to 10⁻⁹.
    init(mantissa value: Int128, scale exponent: Int, format: Format) {
        var value: Int128 = value
        var exponent: Int = exponent
        if exponent < -9 {
            value = Quantity.scaledUp(value, by: -9 - exponent)
            exponent = -9
        }
        if value == 0 {
            exponent = 0
        } else if let small = Int64(exactly: value) {
            var rest: Int64 = small
            while rest % 10 == 0 {
                rest /= 10
                exponent += 1
            }
            value = Int128(rest)
        } else {
            while value % 10 == 0 {
                value /= 10
                exponent += 1
            }
        }
        mantissa = value
        scale = Int32(exponent)
        self.format = format
    }

    package init(_ value: Int, format: Format = .decimalSI) {
        self.init(mantissa: Int128(value), scale: 0, format: format)
    }

    /// Thousandths, as for CPU.
    package init(milli value: Int, format: Format = .decimalSI) {
        self.init(mantissa: Int128(value), scale: -3, format: format)
    }

    package var isZero: Bool { mantissa == 0 }
    /// -1, 0 or 1.
    package var sign: Int { mantissa.signum() == 0 ? 0 : (mantissa < 0 ? -1 : 1) }

    /// The value in whole units, rounded away from zero; the nearest Int if it does not fit.
    package var value: Int { units(ofScale: 0) }
    /// The value in thousandths, rounded away from zero; the nearest Int if it does not fit.
    package var milliValue: Int { units(ofScale: -3) }

    /// The value in units of `10^wanted`, rounded away from zero, saturating.
    package func units(ofScale wanted: Int) -> Int {
        let difference: Int = Int(scale) - wanted
        let result: Int128
        if difference <= 0 {
            result = Quantity.scaledUp(mantissa, by: -difference)
        } else {
            result = Quantity.shifted(mantissa, by: difference)
        }
        return Int(clamping: result)
    }

    /// Near enough for scores and metrics.
    package var approximateDouble: Double {
        var result = Double(mantissa)
        var exponent: Int = Int(scale)
        while exponent > 0 {
            result *= 10
            exponent -= 1
        }
        while exponent < 0 {
            result /= 10
            exponent += 1
        }
        return result
    }

    /// Rounds away from zero to a multiple of `10^wanted`; false if that changed the value.
    @discardableResult
    package mutating func roundUp(toScale wanted: Int) -> Bool {
        guard Int(scale) < wanted else { return true }
        let rounded: Int128 = Quantity.scaledUp(mantissa, by: wanted - Int(scale))
        self = Quantity(mantissa: rounded, scale: wanted, format: format)
        return false
    }

    /// Equal value and equal format.
    package func isIdentical(to other: Quantity) -> Bool { self == other && format == other.format }
}

// MARK: - Whole-number helpers

extension Quantity {
    /// The largest magnitude that results may have.
    private static let limit: Int128 = powers[37]

    /// 10^0 … 10^37.
    static let powers: [Int128] = {
        var result: [Int128] = [1]
        for _ in 0..<37 { result.append(result[result.count - 1] * 10) }
        return result
    }()

    /// `value × 10^places`, saturating at ±10^37.
    static func shifted(_ value: Int128, by places: Int) -> Int128 {
        guard value != 0, places > 0 else { return value }
        guard places < powers.count else { return value < 0 ? -limit : limit }
        let (product, overflow) = value.multipliedReportingOverflow(by: powers[places])
        guard !overflow, product.magnitude <= limit.magnitude else { return value < 0 ? -limit : limit }
        return product
    }

    /// `value ÷ 10^places`, rounded away from zero.
    static func scaledUp(_ value: Int128, by places: Int) -> Int128 {
        guard value != 0, places > 0 else { return value }
        guard places < powers.count else { return value < 0 ? -1 : 1 }
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: powers[places])
        if remainder == 0 { return quotient }
        return value < 0 ? quotient - 1 : quotient + 1
    }

    /// Both mantissas at the smaller of both scales.
    private static func aligned(_ one: Quantity, _ other: Quantity) -> (Int128, Int128, Int) {
        if one.scale == other.scale { return (one.mantissa, other.mantissa, Int(one.scale)) }
        if one.scale < other.scale {
            return (one.mantissa, shifted(other.mantissa, by: Int(other.scale - one.scale)), Int(one.scale))
        }
        return (shifted(one.mantissa, by: Int(one.scale - other.scale)), other.mantissa, Int(other.scale))
    }
}

// MARK: - Comparison and arithmetic

extension Quantity: Comparable, Hashable {
    package static func == (one: Quantity, other: Quantity) -> Bool {
        one.mantissa == other.mantissa && one.scale == other.scale
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(mantissa)
        hasher.combine(scale)
    }

    package static func < (one: Quantity, other: Quantity) -> Bool {
        let (left, right, _) = aligned(one, other)
        return left < right
    }

    /// The sum, in the format of `one`; of `other` if `one` is zero. Saturates at ±10^37 units of the smaller scale.
    package static func + (one: Quantity, other: Quantity) -> Quantity {
        let (left, right, scale) = aligned(one, other)
        let (sum, overflow) = left.addingReportingOverflow(right)
        let bounded: Int128 = overflow ? (left < 0 ? -limit : limit) : min(max(sum, -limit), limit)
        return Quantity(mantissa: bounded, scale: scale, format: one.isZero ? other.format : one.format)
    }

    package static func - (one: Quantity, other: Quantity) -> Quantity { one + -other }

    package static prefix func - (quantity: Quantity) -> Quantity {
        Quantity(mantissa: -quantity.mantissa, scale: Int(quantity.scale), format: quantity.format)
    }

    package static func * (one: Quantity, factor: Int) -> Quantity {
        let (product, overflow) = one.mantissa.multipliedReportingOverflow(by: Int128(factor))
        let negative: Bool = (one.mantissa < 0) != (factor < 0)
        let bounded: Int128 = overflow ? (negative ? -limit : limit) : min(max(product, -limit), limit)
        return Quantity(mantissa: bounded, scale: Int(one.scale), format: one.format)
    }

    package static func += (one: inout Quantity, other: Quantity) { one = one + other }
    package static func -= (one: inout Quantity, other: Quantity) { one = one - other }
}
