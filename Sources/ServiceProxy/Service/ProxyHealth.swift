/// Whether the proxy keeps up: upstream's answer at `/healthz`, port 10256. Not healthy if a change has waited for
/// longer than two minutes.
package struct ProxyHealth: Sendable {
    package var isHealthy: Bool
    package var body: String

    /// Times in microseconds since 1970.
    package init(lastSync: Int64, lastQueued: Int64, now: Int64) {
        isHealthy = lastSync > 0 && (lastQueued <= lastSync || now - lastQueued < 120_000_000)
        body = "{\"lastUpdated\": \"\(Self.text(isHealthy ? now : lastSync))\",\"currentTime\": \"\(Self.text(now))\"}"
    }

    private static func text(_ time: Int64) -> String {
        // Days since 1970 to a date: Howard Hinnant's "civil from days".
        let seconds: Int64 = time / 1_000_000
        let days: Int64 = seconds / 86_400 + 719_468
        let era: Int64 = days / 146_097
        let day: Int64 = days - era * 146_097
        let year: Int64 = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let ofYear: Int64 = day - (365 * year + year / 4 - year / 100)
        let shifted: Int64 = (5 * ofYear + 2) / 153
        let month: Int64 = shifted < 10 ? shifted + 3 : shifted - 9
        let calendarYear: Int64 = year + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date: String = "\(calendarYear)-\(two(month))-\(two(ofYear - (153 * shifted + 2) / 5 + 1))"
        let ofDay: Int64 = seconds % 86_400
        return "\(date) \(two(ofDay / 3600)):\(two(ofDay / 60 % 60)):\(two(ofDay % 60)) +0000 UTC"
    }
}
