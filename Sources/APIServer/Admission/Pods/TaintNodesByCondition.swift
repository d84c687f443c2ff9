import APICore
package import APIMachinery

/// A new node takes no pods until somebody has seen that it is ready.
package struct TaintNodesByCondition: AdmissionPlugin {
    package let name = "TaintNodesByCondition"

    package init() {}

    package func handles(_ attributes: AdmissionAttributes) -> Bool { attributes.creates("nodes") }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        try attributes.mutate(Node.self) { (node: inout Node) throws(StatusError) -> Void in
            let taint = Taint.with {
                $0.key = "node.kubernetes.io/not-ready"
                $0.effect = "NoSchedule"
            }
            let isThere: Bool = node.spec.taints.contains { $0.key == taint.key && $0.effect == taint.effect }
            if !isThere { node.spec.taints.append(taint) }
        }
    }
}
