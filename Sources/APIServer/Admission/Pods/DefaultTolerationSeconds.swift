import APICore
package import APIMachinery

/// Pods stay for a while on a node that is not ready or cannot be reached, unless they say otherwise.
package struct DefaultTolerationSeconds: AdmissionPlugin {
    package static let taints: [String] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]

    package let name = "DefaultTolerationSeconds"
    private let seconds: Int

    package init(seconds: Int = 300) {
        self.seconds = seconds
    }

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        guard attributes.operation == .create || attributes.operation == .update else { return false }
        return attributes.isPlain("pods")
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        let seconds: Int = seconds
        try attributes.mutate(Pod.self) { (pod: inout Pod) throws(StatusError) -> Void in
            for taint in Self.taints where !pod.spec.tolerations.contains(where: { Self.tolerates($0, taint) }) {
                let toleration = Toleration.with {
                    $0.key = taint
                    $0.operator = "Exists"
                    $0.effect = "NoExecute"
                    $0.tolerationSeconds = seconds
                }
                pod.spec.tolerations.append(toleration)
            }
        }
    }

    private static func tolerates(_ toleration: Toleration, _ taint: String) -> Bool {
        guard toleration.key.isEmpty || toleration.key == taint else { return false }
        return toleration.effect.isEmpty || toleration.effect == "NoExecute"
    }
}
