import Glibc

/// The time in the form of RFC 9110 section 5.6.7, made once a second.
struct HTTPDate {
    private var second: Int = -1
    private var text: String = ""

    mutating func now() -> String {
        var time: timespec = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        if time.tv_sec != second {
            second = time.tv_sec
            text = Self.format(time.tv_sec)
        }
        return text
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` of seconds since 1970.
    static func format(_ seconds: Int) -> String {
        var time: time_t = seconds
        var parts: tm = tm()
        gmtime_r(&time, &parts)
        let days: [String] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months: [String] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let date: String =
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year)"
        return "\(date) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }

    private static func two(_ value: Int32) -> String {
        value < 10 ? "0\(value)" : String(value)
    }
}
