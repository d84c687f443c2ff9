package import APIMachinery
package import Codec

/// One column of `kubectl get`.
package struct TableColumn: Sendable {
    package var name: String
    /// `string`, `integer`, `number`, `boolean`, `date`.
    package var type: String
    /// `name` for the column that names the object; else mostly empty.
    package var format: String
    package var description: String
    /// 0 is always shown, 1 with `-o wide`.
    package var priority: Int

    package init(
        _ name: String, type: String = "string", format: String = "", priority: Int = 0, description: String = ""
    ) {
        self.name = name
        self.type = type
        self.format = format
        self.description = description
        self.priority = priority
    }

    package static let name = TableColumn("Name", format: "name")
    package static let age = TableColumn("Age")
}

/// How objects of a kind are shown in rows.
package struct TableDefinition<Object: APIObject>: Sendable {
    package var columns: [TableColumn]
    /// The cells of one object, as many as there are columns. The time is now, for ages.
    package var cells: @Sendable (Object, Time) -> [JSONValue]

    package init(_ columns: [TableColumn], cells: @escaping @Sendable (Object, Time) -> [JSONValue]) {
        self.columns = columns
        self.cells = cells
    }

    /// What kinds without columns of their own have.
    package static func nameAndAge() -> TableDefinition<Object> {
        TableDefinition([TableColumn("Name", format: "name"), TableColumn("Created At", type: "date")]) { object, _ in
            [
                .string(object.metadata.name),
                object.metadata.creationTimestamp.map { .string($0.description) } ?? .null,
            ]
        }
    }
}

/// Cells in upstream's words.
package enum TableCells {
    /// `5m12s`; `<unknown>` without a time.
    package static func age(_ since: Time?, now: Time) -> JSONValue {
        guard let since else { return .string("<unknown>") }
        return .string(duration(now.secondsSince(since)))
    }

    /// Two units at most, coarser the longer it is: `119s`, `10m`, `3h20m`, `47h`, `7d23h`, `2y30d`.
    package static func duration(_ seconds: Int) -> String {
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        if seconds < 120 { return "\(seconds)s" }
        let minutes: Int = seconds / 60
        if minutes < 10 { return pair(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        let hours: Int = seconds / 3600
        if hours < 8 { return pair(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        let days: Int = hours / 24
        if hours < 192 { return pair(days, "d", hours % 24, "h") }
        if hours < 24 * 365 * 2 { return "\(days)d" }
        let years: Int = days / 365
        if hours < 24 * 365 * 8 { return pair(years, "y", days % 365, "d") }
        return "\(years)y"
    }

    private static func pair(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
        small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
    }
}
