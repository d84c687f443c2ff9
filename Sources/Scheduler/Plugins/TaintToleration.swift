import API
import APIRules

/// Keeps pods off nodes with taints that they do not tolerate; prefers nodes with fewer soft taints.
package struct TaintToleration: FilterPlugin, ScorePlugin {
    package var name: PluginName { .taintToleration }
    package var weight: Int { 3 }

    package init() {}

    package func concerns(_ pod: PodInfo) -> Bool { true }

    package func filter(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Verdict? {
        for taint in row.node.spec.taints where taint.effect == "NoSchedule" || taint.effect == "NoExecute" {
            if !pod.pod.spec.tolerations.contains(where: { $0.tolerates(taint) }) {
                let text: String = "node(s) had untolerated taint {\(taint.key): \(taint.value)}"
                return Verdict(text, by: .taintToleration, isUnresolvable: true)
            }
        }
        return nil
    }

    /// The number of `PreferNoSchedule` taints that are not tolerated.
    package func score(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Int {
        row.node.spec.taints.count { taint in
            taint.effect == "PreferNoSchedule" && !pod.pod.spec.tolerations.contains { $0.tolerates(taint) }
        }
    }

    package func normalise(_ scores: inout [Int]) { normaliseProportionally(&scores, reversed: true) }
}
