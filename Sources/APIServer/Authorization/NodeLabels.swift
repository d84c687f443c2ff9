import Codec

/// Which of its labels a kubelet may set: none of the project's own, but those that upstream gives it.
enum NodeLabels {
    private static let restricted: String = "node-restriction.kubernetes.io"

    private static let allowed: Set<String> = [
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
    ]

    private static let allowedNamespaces: [String] = ["kubelet.kubernetes.io", "node.kubernetes.io"]

    /// The labels that differ and may not, sorted.
    static func forbidden(_ new: StringMap<String>, old: StringMap<String>) -> [String] {
        var changed: Set<String> = []
        for (key, value) in new where old[key] != value { changed.insert(key) }
        for (key, _) in old where !new.contains(key: key) { changed.insert(key) }
        return changed.filter { isForbidden($0) }.sorted()
    }

    private static func isForbidden(_ label: String) -> Bool {
        guard let slash = label.firstIndex(of: "/") else { return false }
        let namespace: Substring = label[..<slash]
        func isWithin(_ domain: String) -> Bool { namespace == domain || namespace.hasSuffix("." + domain) }
        if isWithin(restricted) { return true }
        guard isWithin("kubernetes.io") || isWithin("k8s.io") else { return false }
        return !allowed.contains(label) && !allowedNamespaces.contains { isWithin($0) }
    }
}
