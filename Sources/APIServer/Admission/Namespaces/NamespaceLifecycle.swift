import APICore
package import APIMachinery

/// Nothing is created in a namespace that is missing or going away; the system's namespaces stay.
package struct NamespaceLifecycle: AdmissionPlugin {
    package static let protectedNamespaces: Set<String> = ["default", "kube-system", "kube-public"]

    package let name = "NamespaceLifecycle"
    private let link: ServerLink

    package init(link: ServerLink) {
        self.link = link
    }

    package func handles(_ attributes: AdmissionAttributes) -> Bool {
        switch attributes.operation {
        case .create, .update: return attributes.info.namespaced
        case .delete: return attributes.isPlain("namespaces")
        case .connect: return false
        }
    }

    package func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        if attributes.operation == .delete {
            guard !Self.protectedNamespaces.contains(attributes.name) else {
                throw attributes.forbidden("this namespace may not be deleted")
            }
            return
        }
        let name: String = attributes.namespace
        var found: Namespace? = attributes.caches.get(Namespace.self, namespace: "", name: name)
        if found == nil || (attributes.operation == .create && attributes.info.gvr.resource != "events") {
            // The caches may be a moment behind what the client has been told: that this namespace is going away, or
            // that a quota, a limit range or a class has been made, which the plugins after this one look for. Events
            // are not worth a wait.
            try await link.waitUntilFresh()
            found = attributes.caches.get(Namespace.self, namespace: "", name: name)
        }
        guard let namespace = found else {
            throw .notFound(GroupVersionResource(group: "", version: "v1", resource: "namespaces"), name)
        }
        guard attributes.operation == .create, namespace.status.phase == "Terminating" else { return }
        throw .namespaceTerminating(attributes.info.gvr, attributes.name, namespace: name)
    }
}
