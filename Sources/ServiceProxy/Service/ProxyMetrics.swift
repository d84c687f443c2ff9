import Synchronization

/// What upstream's proxy counts, under upstream's names.
package final class ProxyMetrics: Sendable {
    /// Upstream's bounds: 1 ms, doubling, 15 of them.
    private static let bounds: [Double] = (0..<15).map { 0.001 * Double(1 << $0) }

    struct Histogram {
        var counts: [Int] = [Int](repeating: 0, count: ProxyMetrics.bounds.count + 1)
        var sum: Double = 0

        mutating func observe(_ seconds: Double) {
            let index: Int = ProxyMetrics.bounds.firstIndex { seconds <= $0 } ?? ProxyMetrics.bounds.count
            counts[index] += 1
            sum += seconds
        }

        func text(_ name: String) -> String {
            var text: String = "# TYPE \(name) histogram\n"
            var total: Int = 0
            for (index, bound) in ProxyMetrics.bounds.enumerated() {
                total += counts[index]
                text += "\(name)_bucket{le=\"\(bound)\"} \(total)\n"
            }
            total += counts[ProxyMetrics.bounds.count]
            return text + "\(name)_bucket{le=\"+Inf\"} \(total)\n\(name)_sum \(sum)\n\(name)_count \(total)\n"
        }
    }

    struct State {
        var syncs = Histogram()
        var completeSyncs = Histogram()
        var partialSyncs = Histogram()
        /// Microseconds since 1970.
        var lastSync: Int64 = 0
        var lastQueued: Int64 = 0
        var serviceChanges: Int = 0
        var pendingServiceChanges: Int = 0
        var endpointChanges: Int = 0
        var pendingEndpointChanges: Int = 0
        var failures: Int = 0
        var removedConnections: Int = 0
    }

    private let state: Mutex<State> = Mutex(State())

    package init() {}

    func update(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    /// The last time that all rules were in force, microseconds since 1970; 0: never.
    package var lastSync: Int64 { state.withLock { $0.lastSync } }
    package var lastQueued: Int64 { state.withLock { $0.lastQueued } }

    /// In Prometheus' text format.
    package var text: String {
        let state: State = self.state.withLock { $0 }
        let prefix: String = "kubeproxy_sync_"
        var text: String = state.syncs.text(prefix + "proxy_rules_duration_seconds")
        text += state.completeSyncs.text(prefix + "full_proxy_rules_duration_seconds")
        text += state.partialSyncs.text(prefix + "partial_proxy_rules_duration_seconds")
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
        let entries: String = "kubeproxy_conntrack_reconciler_deleted_entries_total"
        return text + "# TYPE \(entries) counter\n\(entries) \(state.removedConnections)\n"
    }
}
