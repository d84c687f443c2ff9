package import API
import APIMachinery

/// `nodeSelector` and required node affinity filter; preferred node affinity scores.
package struct NodeAffinity: FilterPlugin, ScorePlugin {
    package var name: PluginName { .nodeAffinity }
    package var weight: Int { 2 }

    package init() {}

    package func concerns(_ pod: PodInfo) -> Bool {
        !pod.pod.spec.nodeSelector.isEmpty || pod.pod.spec.affinity?.nodeAffinity != nil
    }

    package func filter(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Verdict? {
        Self.matches(pod.pod, row.node)
            ? nil
            : Verdict("node(s) didn't match Pod's node affinity/selector", by: .nodeAffinity, isUnresolvable: true)
    }

    /// Whether selector and required affinity allow the node. The kubelet asks the same when it admits a pod.
    package static func matches(_ pod: Pod, _ node: Node) -> Bool {
        for (key, value) in pod.spec.nodeSelector where node.metadata.labels[key] != value { return false }
        let required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
        guard let required else { return true }
        return matches(required, node)
    }

    package func score(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Int {
        guard let affinity = pod.pod.spec.affinity?.nodeAffinity else { return 0 }
        var sum: Int = 0
        for preferred in affinity.preferredDuringSchedulingIgnoredDuringExecution {
            let term: NodeSelectorTerm = preferred.preference
            // Upstream: an empty preferred term matches every node.
            let isEmpty: Bool = term.matchExpressions.isEmpty && term.matchFields.isEmpty
            if isEmpty || Self.matches(term: term, row.node) { sum += preferred.weight }
        }
        return sum
    }

    package func normalise(_ scores: inout [Int]) { normaliseProportionally(&scores, reversed: false) }

    /// Whether one of a selector's terms matches; volumes say with such a selector where they can be used.
    static func matches(_ selector: NodeSelector, _ node: Node) -> Bool {
        selector.nodeSelectorTerms.contains { matches(term: $0, node) }
    }

    /// A term without any requirement matches nothing, as upstream has it.
    private static func matches(term: NodeSelectorTerm, _ node: Node) -> Bool {
        guard !term.matchExpressions.isEmpty || !term.matchFields.isEmpty else { return false }
        for requirement in term.matchExpressions {
            if !matches(requirement, node.metadata.labels[requirement.key]) { return false }
        }
        for requirement in term.matchFields {
            let value: String? = requirement.key == "metadata.name" ? node.metadata.name : nil
            if !matches(requirement, value) { return false }
        }
        return true
    }

    private static func matches(_ requirement: NodeSelectorRequirement, _ value: String?) -> Bool {
        switch requirement.operator {
        case "In": return value.map { requirement.values.contains($0) } ?? false
        case "NotIn": return value.map { !requirement.values.contains($0) } ?? true
        case "Exists": return value != nil
        case "DoesNotExist": return value == nil
        case "Gt", "Lt":
            guard let value, let number = Int(value), let bound = requirement.values.first.flatMap({ Int($0) }) else {
                return false
            }
            return requirement.operator == "Gt" ? number > bound : number < bound
        default: return false
        }
    }
}
