/// A point in time with the precision of a microsecond: upstream's `metav1.MicroTime`, for leases and events.
///
/// Written as `2006-01-02T15:04:05.000000Z`. Reading takes any RFC 3339 fraction (upstream insists on six digits).
package struct MicroTime: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Microseconds since 1970-01-01T00:00:00Z.
    package var microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// 1970-01-01T00:00:00Z.
    package init() {
        self.init(microseconds: 0)
    }

    package init(_ time: Time) {
        self.init(microseconds: time.seconds &* 1_000_000)
    }

    /// Parses RFC 3339, truncating to microseconds. Nil if the text is no such time.
    package init?(_ text: String) {
        guard let parsed = RFC3339.parse(text) else { return nil }
        self.init(microseconds: parsed.seconds * 1_000_000 + Int64(parsed.nanoseconds / 1_000))
    }

    /// The whole seconds, rounded down.
    package var time: Time {
        Time(seconds: Int64(RFC3339.floorDivide(Int(microseconds), by: 1_000_000).quotient))
    }

    /// The part below a second, in 0..<1,000,000.
    package var fraction: Int { RFC3339.floorDivide(Int(microseconds), by: 1_000_000).remainder }

    static let goZero = MicroTime(Time.goZero)

    package var description: String { RFC3339.format(seconds: time.seconds, microseconds: fraction) }

    package static func < (one: MicroTime, other: MicroTime) -> Bool { one.microseconds < other.microseconds }

    package func adding(microseconds more: Int) -> MicroTime {
        MicroTime(microseconds: microseconds + Int64(more))
    }
}
