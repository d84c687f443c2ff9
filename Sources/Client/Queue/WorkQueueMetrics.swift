/// What a work queue tells about itself; `samples` carries upstream's metric names.
package struct WorkQueueMetrics: Sendable {
    package var depth: Int = 0
    package var adds: Int = 0
    package var retries: Int = 0
    package var queueDuration = DurationHistogram()
    package var workDuration = DurationHistogram()
    /// Sum over the keys that are being worked on.
    package var unfinishedWork: Duration = .zero
    package var longestRunning: Duration = .zero

    package init() {}

    /// One number, as it stands on a line of `/metrics` (without the label `name`, which is the queue's).
    package struct Sample: Sendable, Equatable {
        package var name: String
        /// Upper bound of a histogram bucket; nil for everything else.
        package var bucket: String?
        package var value: Double
    }

    package var samples: [Sample] {
        var out: [Sample] = [
            Sample(name: "workqueue_depth", value: Double(depth)),
            Sample(name: "workqueue_adds_total", value: Double(adds)),
            Sample(name: "workqueue_retries_total", value: Double(retries)),
            Sample(name: "workqueue_unfinished_work_seconds", value: unfinishedWork.seconds),
            Sample(name: "workqueue_longest_running_processor_seconds", value: longestRunning.seconds),
        ]
        out += queueDuration.samples("workqueue_queue_duration_seconds")
        out += workDuration.samples("workqueue_work_duration_seconds")
        return out
    }
}

/// A histogram with upstream's buckets for work queues: 10 ns, 100 ns, …, 1000 s.
package struct DurationHistogram: Sendable, Equatable {
    /// Upper bounds in seconds, as they are written.
    package static let bounds: [(seconds: Double, text: String)] = [
        (1e-08, "1e-08"), (1e-07, "1e-07"), (1e-06, "1e-06"), (1e-05, "9.999999999999999e-06"),
        (1e-04, "9.999999999999999e-05"), (1e-03, "0.001"), (1e-02, "0.01"), (1e-01, "0.1"), (1, "1"), (10, "10"),
    ]

    /// Not cumulative; the last is for everything above.
    package private(set) var counts: [Int] = Array(repeating: 0, count: bounds.count + 1)
    package private(set) var sum: Duration = .zero
    package private(set) var count: Int = 0

    package init() {}

    package mutating func observe(_ value: Duration) {
        let seconds: Double = value.seconds
        let index: Int = Self.bounds.firstIndex { seconds <= $0.seconds } ?? Self.bounds.count
        counts[index] += 1
        sum += value
        count += 1
    }

    func samples(_ name: String) -> [WorkQueueMetrics.Sample] {
        var out: [WorkQueueMetrics.Sample] = []
        var total: Int = 0
        for (bound, count) in zip(Self.bounds, counts) {
            total += count
            out.append(.init(name: name + "_bucket", bucket: bound.text, value: Double(total)))
        }
        out.append(.init(name: name + "_bucket", bucket: "+Inf", value: Double(count)))
        out.append(.init(name: name + "_sum", value: sum.seconds))
        out.append(.init(name: name + "_count", value: Double(count)))
        return out
    }
}

extension Duration {
    package var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
