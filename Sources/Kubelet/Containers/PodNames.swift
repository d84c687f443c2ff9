package import API

/// Host names, as upstream's kubelet makes them.
package enum PodNames {
    /// `web-0_default(uid)`, as messages name a pod.
    package static func text(_ pod: PodIdentity) -> String { "\(pod.name)_\(pod.namespace)(\(pod.uid))" }

    /// The pod's own name for itself, and its domain; the domain is empty unless the pod has a subdomain.
    package static func host(_ pod: Pod, clusterDomain: String) -> (name: String, domain: String) {
        var name: String = pod.spec.hostname.isEmpty ? pod.metadata.name : pod.spec.hostname
        // The kernel takes 64 bytes, DNS 63.
        if name.utf8.count > 63 {
            name = String(name.prefix(63))
            while let last = name.last, last == "-" || last == "." { name.removeLast() }
        }
        guard !pod.spec.subdomain.isEmpty else { return (name, "") }
        return (name, "\(pod.spec.subdomain).\(pod.metadata.namespace).svc.\(clusterDomain)")
    }
}
