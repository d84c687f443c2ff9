import APIMachinery
import Synchronization

/// How many requests were answered how, and how long it took. Counted per request, so counting allocates nothing; the
/// text with upstream's names and labels is made when somebody asks.
final class AnswerTallies: Sendable {
    /// Scope, as upstream calls what a request is about.
    private enum Scope: String {
        case none = ""
        case cluster, namespace, resource
    }

    private struct Key: Hashable {
        var code: Int
        var verb: String
        var resource: GroupVersionResource
        var subresource: String
        var scope: Scope
        var isDryRun: Bool

        /// Enough to tell most apart.
        func hash(into hasher: inout Hasher) {
            hasher.combine(code)
            hasher.combine(verb)
            hasher.combine(resource.resource)
        }

        /// Upstream's labels but for the code, in their order.
        var labels: [String] {
            [
                "apiserver", isDryRun ? "All" : "", resource.group, resource.resource, scope.rawValue, subresource,
                verb.uppercased(), resource.version,
            ]
        }
    }

    private struct Tally {
        /// Per bound, and for infinity.
        var buckets: [Int]
        var sum: Double = 0

        mutating func add(_ seconds: Double, _ bucket: Int) {
            buckets[bucket] += 1
            sum += seconds
        }
    }

    private let bounds: [Double]
    private let tallies: Mutex<[Key: Tally]> = Mutex([:])

    init(bounds: [Double]) {
        self.bounds = bounds
    }

    func add(_ context: RequestContext, code: Int, seconds: Double) {
        let scope: Scope =
            !context.isResourceRequest
            ? .none : !context.name.isEmpty ? .resource : context.namespace.isEmpty ? .cluster : .namespace
        let key = Key(
            code: code, verb: context.verb, resource: context.resource, subresource: context.subresource,
            scope: scope, isDryRun: context.dryRun)
        let bucket: Int = bounds.firstIndex { seconds <= $0 } ?? bounds.count
        let size: Int = bounds.count + 1
        tallies.withLock { tallies in
            tallies[key, default: Tally(buckets: Array(repeating: 0, count: size))].add(seconds, bucket)
        }
    }

    func write(to text: inout String) {
        let labels: [String] = [
            "component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version",
        ]
        let requests = CounterFamily(
            "apiserver_request_total", labels: ["code"] + labels,
            help: "Requests answered, by verb, resource and code.")
        let duration = HistogramFamily(
            "apiserver_request_duration_seconds", labels: labels, bounds: bounds,
            help: "How long answers took, in seconds.")
        for (key, tally) in tallies.withLock({ $0 }) {
            requests.add(Double(tally.buckets.reduce(0, +)), [String(key.code)] + key.labels)
            // A watch is answered for as long as it is open.
            if key.verb.uppercased() != "WATCH" { duration.add(buckets: tally.buckets, sum: tally.sum, key.labels) }
        }
        requests.write(to: &text)
        duration.write(to: &text)
    }
}
