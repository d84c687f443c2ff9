import Synchronization

/// A counter per set of label values, in Prometheus' text format.
package final class CounterFamily: Sendable {
    private let name: String
    private let help: String
    private let labels: [String]
    private let values: Mutex<[[String]: Double]>

    package init(_ name: String, labels: [String], help: String) {
        self.name = name
        self.help = help
        self.labels = labels
        self.values = Mutex([:])
    }

    package func add(_ amount: Double = 1, _ labelValues: [String]) {
        values.withLock { $0[labelValues, default: 0] += amount }
    }

    package func value(_ labelValues: [String]) -> Double {
        values.withLock { $0[labelValues] ?? 0 }
    }

    package func write(to text: inout String) {
        MetricText.head(name, help, "counter", &text)
        for (key, value) in values.withLock({ $0 }).sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            MetricText.line(name, labels, key, value, &text)
        }
    }
}

/// A histogram per set of label values.
package final class HistogramFamily: Sendable {
    fileprivate struct Series {
        var buckets: [Int]
        var count: Int = 0
        var sum: Double = 0
    }

    private let name: String
    private let help: String
    private let labels: [String]
    /// Upper bounds in ascending order; infinity is implied.
    private let bounds: [Double]
    private let series: Mutex<[[String]: Series]>

    package init(_ name: String, labels: [String], bounds: [Double], help: String) {
        self.name = name
        self.help = help
        self.labels = labels
        self.bounds = bounds
        self.series = Mutex([:])
    }

    package func observe(_ value: Double, _ labelValues: [String]) {
        let index: Int = bounds.firstIndex { value <= $0 } ?? bounds.count
        series.withLock { all in
            var series: Series = all[labelValues] ?? Series(buckets: Array(repeating: 0, count: bounds.count + 1))
            series.buckets[index] += 1
            series.count += 1
            series.sum += value
            all[labelValues] = series
        }
    }

    /// Adds what was counted elsewhere: per bucket, the last of which is infinity's.
    package func add(buckets: [Int], sum: Double, _ labelValues: [String]) {
        precondition(buckets.count == bounds.count + 1, "as many buckets as bounds, and one for infinity")
        series.withLock { all in
            var series: Series = all[labelValues] ?? Series(buckets: Array(repeating: 0, count: buckets.count))
            for (index, count) in buckets.enumerated() {
                series.buckets[index] += count
                series.count += count
            }
            series.sum += sum
            all[labelValues] = series
        }
    }

    package func write(to text: inout String) {
        MetricText.head(name, help, "histogram", &text)
        let all: [([String], Series)] = series.withLock { $0.map { ($0.key, $0.value) } }
        for (key, series) in all.sorted(by: { $0.0.lexicographicallyPrecedes($1.0) }) {
            var total: Int = 0
            for (index, bound) in bounds.enumerated() {
                total += series.buckets[index]
                MetricText.line(
                    name + "_bucket", labels + ["le"], key + [MetricText.number(bound)], Double(total), &text)
            }
            MetricText.line(name + "_bucket", labels + ["le"], key + ["+Inf"], Double(series.count), &text)
            MetricText.line(name + "_sum", labels, key, series.sum, &text)
            MetricText.line(name + "_count", labels, key, Double(series.count), &text)
        }
    }
}

/// Prometheus' text format.
package enum MetricText {
    package static func head(_ name: String, _ help: String, _ type: String, _ text: inout String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    package static func line(
        _ name: String, _ labels: [String], _ values: [String], _ value: Double, _ text: inout String
    ) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                if index > 0 { text += "," }
                text += "\(label)=\"\(escaped(index < values.count ? values[index] : ""))\""
            }
            text += "}"
        }
        text += " \(number(value))\n"
    }

    static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }

    private static func escaped(_ text: String) -> String {
        var out: String = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
