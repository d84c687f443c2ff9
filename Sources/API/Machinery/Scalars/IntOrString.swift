/// A number or a text, such as a port or a percentage: upstream's `intstr.IntOrString`.
package enum IntOrString: Sendable, Hashable, CustomStringConvertible {
    /// In the range of Int32.
    case int(Int)
    case string(String)

    /// Zero, upstream's empty value.
    package init() {
        self = .int(0)
    }

    /// A number if the text is one that fits 32 bits, else the text.
    package init(parsing text: String) {
        if let number = Int32(text) {
            self = .int(Int(number))
        } else {
            self = .string(text)
        }
    }

    package var description: String {
        switch self {
        case .int(let number): return String(number)
        case .string(let text): return text
        }
    }

    /// The number; for a text the number that it spells, else 0.
    package var intValue: Int {
        switch self {
        case .int(let number): return number
        case .string(let text): return Int(text) ?? 0
        }
    }

    package enum ScaleError: Error, Equatable, CustomStringConvertible {
        case notAPercentage
        case notANumber(String)

        package var description: String {
            switch self {
            case .notAPercentage:
                return "invalid value for IntOrString: invalid type: string is not a percentage"
            case .notANumber(let text):
                return "invalid value for IntOrString: invalid value \(GoText.quoted(text)): "
                    + "strconv.Atoi: parsing \(GoText.quoted(String(text.dropLast()))): invalid syntax"
            }
        }
    }

    /// The number itself, or the percentage of `total`, rounded up or down (towards the next whole number).
    package func scaled(total: Int, roundUp: Bool) throws(ScaleError) -> Int {
        guard case .string(let text) = self else { return intValue }
        guard text.utf8.last == UInt8(ascii: "%") else { throw .notAPercentage }
        guard let percent = Int(text.dropLast()) else { throw .notANumber(text) }
        let product: Int = percent.multipliedReportingOverflow(by: total).partialValue
        let (quotient, remainder) = RFC3339.floorDivide(product, by: 100)
        return roundUp && remainder > 0 ? quotient + 1 : quotient
    }
}

extension IntOrString: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    package init(integerLiteral value: Int) {
        self = .int(value)
    }

    package init(stringLiteral value: String) {
        self = .string(value)
    }
}
