import Synchronization

/// What upstream's proxy counts, under upstream's names.
package final class ProxyMetrics: Sendable {
    /// Upstream's bounds for the time that rules take: 1 ms, doubling, 15 of them.
    private static let syncBounds: [Double] = (0..<15).map { 0.001 * Double(1 << $0) }
    /// And for the time from a pod's change to rules: finer where most lie.
    private static let programmingBounds: [Double] =
        [0.25, 0.5] + (1..<60).map { Double($0) } + (12..<24).map { Double($0 * 5) } + (4...10).map { Double($0 * 30) }

    struct Histogram {
        private let bounds: [Double]
        private var counts: [Int]
        private var sum: Double = 0

        init(_ bounds: [Double]) {
            self.bounds = bounds
            counts = [Int](repeating: 0, count: bounds.count + 1)
        }

        mutating func observe(_ seconds: Double) {
            let index: Int = bounds.firstIndex { seconds <= $0 } ?? bounds.count
            counts[index] += 1
            sum += seconds
        }

        func text(_ name: String) -> String {
            var text: String = "# TYPE \(name) histogram\n"
            var total: Int = 0
            for (index, bound) in bounds.enumerated() {
                total += counts[index]
                let label: String = bound == bound.rounded() ? String(Int(bound)) : "\(bound)"
                text += "\(name)_bucket{le=\"\(label)\"} \(total)\n"
            }
            total += counts[bounds.count]
            return text + "\(name)_bucket{le=\"+Inf\"} \(total)\n\(name)_sum \(sum)\n\(name)_count \(total)\n"
        }
    }

    struct State {
        var syncs = Histogram(ProxyMetrics.syncBounds)
        var completeSyncs = Histogram(ProxyMetrics.syncBounds)
        var partialSyncs = Histogram(ProxyMetrics.syncBounds)
        /// From the change of a pod or service to rules that show it.
        var programming = Histogram(ProxyMetrics.programmingBounds)
        /// Microseconds since 1970.
        var lastSync: Int64 = 0
        var lastQueued: Int64 = 0
        var serviceChanges: Int = 0
        var pendingServiceChanges: Int = 0
        var endpointChanges: Int = 0
        var pendingEndpointChanges: Int = 0
        var failures: Int = 0
        var removedConnections: Int = 0
        /// Services with policy Local that have endpoints, but none here.
        var withoutLocal: (internal: Int, external: Int) = (0, 0)
        /// Answers to who asks for our health, by path and code.
        var healthAnswers: [String: Int] = [:]
    }

    private let state: Mutex<State> = Mutex(State())

    package init() {}

    func update(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    /// The last time that all rules were in force, microseconds since 1970; 0: never.
    package var lastSync: Int64 { state.withLock { $0.lastSync } }
    package var lastQueued: Int64 { state.withLock { $0.lastQueued } }

    /// Counts an answer to `/healthz` or `/livez`.
    package func answered(_ path: String, code: Int) {
        state.withLock {
            $0.healthAnswers["proxy\(path.replacing("/", with: "_"))_total{code=\"\(code)\"}", default: 0] += 1
        }
    }

    /// In Prometheus' text format.
    package var text: String {
        let state: State = self.state.withLock { $0 }
        let prefix: String = "kubeproxy_sync_"
        var text: String = state.syncs.text(prefix + "proxy_rules_duration_seconds")
        text += state.completeSyncs.text(prefix + "full_proxy_rules_duration_seconds")
        text += state.partialSyncs.text(prefix + "partial_proxy_rules_duration_seconds")
        text += state.programming.text("kubeproxy_network_programming_duration_seconds")
        let numbers: [(String, String, String)] = [
            ("last_timestamp_seconds", "gauge", "\(Double(state.lastSync) / 1e6)"),
            ("last_queued_timestamp_seconds", "gauge", "\(Double(state.lastQueued) / 1e6)"),
            ("service_changes_total", "counter", "\(state.serviceChanges)"),
            ("service_changes_pending", "gauge", "\(state.pendingServiceChanges)"),
            ("endpoint_changes_total", "counter", "\(state.endpointChanges)"),
            ("endpoint_changes_pending", "gauge", "\(state.pendingEndpointChanges)"),
            ("nftables_sync_failures_total", "counter", "\(state.failures)"),
        ]
        for (name, type, value) in numbers {
            text += "# TYPE \(prefix)proxy_rules_\(name) \(type)\n\(prefix)proxy_rules_\(name) \(value)\n"
        }
        let local: String = prefix + "proxy_rules_no_local_endpoints_total"
        text += "# TYPE \(local) gauge\n\(local){traffic_policy=\"internal\"} \(state.withoutLocal.internal)\n"
        text += "\(local){traffic_policy=\"external\"} \(state.withoutLocal.external)\n"
        for (name, count) in state.healthAnswers.sorted(by: { $0.key < $1.key }) {
            let family: String = "kubeproxy_" + name.prefix { $0 != "{" }
            if !text.contains("# TYPE \(family) ") { text += "# TYPE \(family) counter\n" }
            text += "kubeproxy_\(name) \(count)\n"
        }
        let entries: String = "kubeproxy_conntrack_reconciler_deleted_entries_total"
        return text + "# TYPE \(entries) counter\n\(entries) \(state.removedConnections)\n"
    }
}
