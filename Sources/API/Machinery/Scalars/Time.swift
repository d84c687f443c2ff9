/// A point in time with the precision of a second: upstream's `metav1.Time`.
///
/// Written as `2006-01-02T15:04:05Z`. The absence of a time is `Time?`, never a special value.
package struct Time: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
    package var seconds: Int64

    package init(seconds: Int64) {
        self.seconds = seconds
    }

    /// 1970-01-01T00:00:00Z.
    package init() {
        self.init(seconds: 0)
    }

    /// Parses RFC 3339; offsets are applied, fractions truncated. Nil if the text is no such time.
    package init?(_ text: String) {
        guard let parsed = RFC3339.parse(text) else { return nil }
        self.init(seconds: parsed.seconds)
    }

    /// Year 1, which upstream takes for "no time" and writes as `null`.
    static let goZero = Time(seconds: -62_135_596_800)

    package var description: String { RFC3339.format(seconds: seconds) }

    package static func < (one: Time, other: Time) -> Bool { one.seconds < other.seconds }

    /// The span in seconds from `other` to `self`.
    package func secondsSince(_ other: Time) -> Int { Int(seconds - other.seconds) }

    package func adding(seconds more: Int) -> Time { Time(seconds: seconds + Int64(more)) }
}
