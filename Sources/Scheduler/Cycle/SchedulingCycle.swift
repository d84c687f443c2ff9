import API

/// One pod's decision: filter, then score. Pure: the same table and pod give the same answer.
package struct SchedulingCycle: Sendable {
    /// Where a pod goes, or why nowhere.
    package enum Decision: Sendable {
        /// The best node, with how many nodes were looked at and how many could take it.
        case node(String, evaluated: Int, feasible: Int)
        case unschedulable(FitError)
    }

    private let preFilters: [any PreFilterPlugin]
    private let filters: [any FilterPlugin]
    private let scorers: [any ScorePlugin]
    /// Below this many nodes all are looked at; above it, a share that shrinks as the cluster grows (upstream's rule).
    private static let smallestSample: Int = 100
    /// Where the next cycle begins to look, so that all nodes get their turn.
    private var start: Int = 0

    package init() {
        preFilters = [VolumeRestrictions(), VolumeBinding()]
        filters = [
            NodeUnschedulable(), NodeName(), TaintToleration(), NodeAffinity(), NodePorts(), NodeResourcesFit(),
            VolumeRestrictions(), VolumeBinding(),
        ]
        scorers = [
            TaintToleration(), NodeAffinity(), NodeResourcesFit(), NodeResourcesBalancedAllocation(), ImageLocality(),
        ]
    }

    /// - Complexity: O(nodes looked at × plugins that have something to say).
    package mutating func decide(_ pod: PodInfo, on table: NodeTable) -> Decision {
        if let refusal = refusal(of: pod, on: table) { return .unschedulable(refusal) }
        let active: [any FilterPlugin] = filters.filter { $0.concerns(pod) }
        let total: Int = table.rows.count
        let wanted: Int = Self.sampleSize(of: table.nodeCount)
        var feasible: [Int] = []
        var verdicts: [FitError.NodeVerdict] = []
        var looked: Int = 0
        while looked < total && feasible.count < wanted {
            let position: Int = (start + looked) % total
            looked += 1
            let row: NodeTable.Row = table.rows[position]
            guard row.isKnown else { continue }
            let reasons: [Verdict] = Self.verdicts(pod, row, table, active)
            if reasons.isEmpty {
                feasible.append(position)
            } else {
                verdicts.append(FitError.NodeVerdict(node: row.name, reasons: reasons))
            }
        }
        if total > 0 { start = (start + looked) % total }
        guard !feasible.isEmpty else {
            return .unschedulable(FitError(nodeCount: table.nodeCount, verdicts: verdicts))
        }
        let best: Int = feasible.count == 1 ? feasible[0] : best(of: feasible, for: pod, in: table)
        return .node(table.rows[best].name, evaluated: looked, feasible: feasible.count)
    }

    /// Refused whatever the node. Without nodes that is not asked: then they are what lacks.
    private func refusal(of pod: PodInfo, on table: NodeTable) -> FitError? {
        guard table.nodeCount > 0 else { return nil }
        for plugin in preFilters where plugin.concerns(pod) {
            guard let verdict = plugin.refuse(pod, in: table) else { continue }
            let verdicts: [FitError.NodeVerdict] = table.rows.filter(\.isKnown).map { row in
                FitError.NodeVerdict(node: row.name, reasons: [verdict])
            }
            return FitError(nodeCount: verdicts.count, verdicts: verdicts, refusal: verdict)
        }
        return nil
    }

    /// The first plugin that refuses decides; it tells everything that lacks.
    private static func verdicts(
        _ pod: PodInfo, _ row: NodeTable.Row, _ table: NodeTable, _ filters: [any FilterPlugin]
    ) -> [Verdict] {
        for filter in filters {
            guard filter.filter(pod, on: row, in: table) != nil else { continue }
            return filter.reasons(pod, on: row, in: table)
        }
        return []
    }

    /// Weighted sum of all scorers. Of equals the first in turn wins; turns move on with every pod.
    private func best(of feasible: [Int], for pod: PodInfo, in table: NodeTable) -> Int {
        var totals = [Int](repeating: 0, count: feasible.count)
        for scorer in scorers where scorer.concerns(pod) {
            var scores: [Int] = feasible.map { scorer.score(pod, on: table.rows[$0], in: table) }
            scorer.normalise(&scores)
            for index in totals.indices { totals[index] += scores[index] * scorer.weight }
        }
        var best: Int = 0
        for index in totals.indices where totals[index] > totals[best] { best = index }
        return feasible[best]
    }

    /// How many feasible nodes are enough: all below 100; else 50 % less one for each 125 nodes, at least 5 % and 100 nodes.
    package static func sampleSize(of nodes: Int) -> Int {
        guard nodes >= smallestSample else { return max(nodes, 1) }
        let percent: Int = max(5, 50 - nodes / 125)
        return max(smallestSample, nodes * percent / 100)
    }
}
