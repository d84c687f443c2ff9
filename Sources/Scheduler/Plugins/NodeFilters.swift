import API
import APIRules

/// Keeps pods off nodes marked unschedulable, unless they tolerate the taint that says the same.
package struct NodeUnschedulable: FilterPlugin {
    package init() {}

    package func filter(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Verdict? {
        guard row.node.spec.unschedulable else { return nil }
        var taint = Taint()
        taint.key = "node.kubernetes.io/unschedulable"
        taint.effect = "NoSchedule"
        if pod.pod.spec.tolerations.contains(where: { $0.tolerates(taint) }) { return nil }
        return Verdict("node(s) were unschedulable", by: .nodeUnschedulable, isUnresolvable: true)
    }
}

/// Honours a pod that names its node.
package struct NodeName: FilterPlugin {
    package init() {}

    package func concerns(_ pod: PodInfo) -> Bool { !pod.pod.spec.nodeName.isEmpty }

    package func filter(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Verdict? {
        guard pod.pod.spec.nodeName != row.name else { return nil }
        return Verdict("node(s) didn't match the requested node name", by: .nodeName, isUnresolvable: true)
    }
}

/// Two pods cannot have the same port of one node.
package struct NodePorts: FilterPlugin {
    package init() {}

    package func concerns(_ pod: PodInfo) -> Bool { !pod.requirements.hostPorts.isEmpty }

    package func filter(_ pod: PodInfo, on row: NodeTable.Row, in table: NodeTable) -> Verdict? {
        for wanted in pod.requirements.hostPorts where row.hostPorts.contains(where: { $0.conflicts(with: wanted) }) {
            return Verdict("node(s) didn't have free ports for the requested pod ports", by: .nodePorts)
        }
        return nil
    }
}
