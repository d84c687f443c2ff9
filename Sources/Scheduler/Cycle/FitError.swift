/// Why no node takes a pod.
package struct FitError: Error, Sendable, Equatable {
    package struct NodeVerdict: Sendable, Equatable {
        package var node: String
        package var reasons: [Verdict]

        package init(node: String, reasons: [Verdict]) {
            self.node = node
            self.reasons = reasons
        }
    }

    package var nodeCount: Int
    package var verdicts: [NodeVerdict]
    /// Why no node was looked at; each node's verdict says it, too.
    package var refusal: Verdict?

    package init(nodeCount: Int, verdicts: [NodeVerdict], refusal: Verdict? = nil) {
        self.nodeCount = nodeCount
        self.verdicts = verdicts
        self.refusal = refusal
    }

    /// The plugins whose refusal something may change later.
    package var plugins: Set<PluginName> {
        Set(verdicts.flatMap { $0.reasons.map(\.plugin) })
    }

    /// Upstream's sentence: `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. preemption: …`.
    package var message: String {
        guard nodeCount > 0 else { return "no nodes available to schedule pods" }
        var text: String = "0/\(nodeCount) nodes are available"
        let reasons: String = refusal?.reason ?? Self.histogram(verdicts.flatMap { $0.reasons.map(\.reason) })
        text += reasons.isEmpty ? "." : ": \(reasons)."
        let hopeless: Int = verdicts.count { $0.reasons.contains(where: \.isUnresolvable) }
        var preemption: [String] = []
        preemption += [String](repeating: "Preemption is not helpful for scheduling", count: hopeless)
        preemption += [String](
            repeating: "No preemption victims found for incoming pod", count: verdicts.count - hopeless)
        return text + " preemption: 0/\(nodeCount) nodes are available: \(Self.histogram(preemption))."
    }

    /// `2 a, 1 b`: counted and sorted as texts, as upstream does.
    private static func histogram(_ reasons: [String]) -> String {
        var counts: [String: Int] = [:]
        for reason in reasons { counts[reason, default: 0] += 1 }
        return counts.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
    }
}
