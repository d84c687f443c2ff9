package import APIMachinery

/// What discovery, routing and authorization know of a resource.
package struct ResourceInfo: Sendable {
    package struct Subresource: Sendable {
        /// `status`, `scale`, `binding`, …
        package var name: String
        /// The kind of its body, which need not be the parent's.
        package var gvk: GroupVersionKind
        /// Upstream's verbs of it: `get`, `update`, `patch`, `create`, …
        package var verbs: [String]

        package init(_ name: String, gvk: GroupVersionKind, verbs: [String]) {
            self.name = name
            self.gvk = gvk
            self.verbs = verbs
        }
    }

    package var gvr: GroupVersionResource
    package var gvk: GroupVersionKind
    /// The kind of its lists, `PodList`.
    package var listKind: String
    package var singular: String
    package var shortNames: [String]
    package var categories: [String]
    package var namespaced: Bool
    /// In upstream's order (by letter), as discovery shows them.
    package var verbs: [APIRequest.Verb]
    package var subresources: [Subresource]
    /// Where its objects are in the store, with a slash at the end: `/registry/pods/`, `/registry/apps/deployments/`.
    /// Two versions of one resource share it.
    package var storagePrefix: String

    package static let allVerbs: [APIRequest.Verb] = [
        .create, .delete, .deletecollection, .get, .list, .patch, .update, .watch,
    ]

    package init(
        _ gvk: GroupVersionKind,
        resource: String,
        singular: String? = nil,
        shortNames: [String] = [],
        categories: [String] = [],
        namespaced: Bool,
        verbs: [APIRequest.Verb] = ResourceInfo.allVerbs,
        subresources: [Subresource] = [],
        storagePrefix: String? = nil
    ) {
        self.gvk = gvk
        self.gvr = GroupVersionResource(group: gvk.group, version: gvk.version, resource: resource)
        self.listKind = gvk.kind + "List"
        self.singular = singular ?? gvk.kind.lowercased()
        self.shortNames = shortNames
        self.categories = categories
        self.namespaced = namespaced
        self.verbs = verbs
        self.subresources = subresources
        self.storagePrefix = storagePrefix ?? Self.storagePrefix(group: gvk.group, resource: resource)
    }

    package static func storagePrefix(group: String, resource: String) -> String {
        group.isEmpty ? "/registry/\(resource)/" : "/registry/\(group)/\(resource)/"
    }

    package func subresource(_ name: String) -> Subresource? {
        subresources.first { $0.name == name }
    }

    /// The store's key of one object.
    package func key(namespace: String, name: String) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(storagePrefix.utf8.count + namespace.utf8.count + name.utf8.count + 1)
        key.append(contentsOf: storagePrefix.utf8)
        if namespaced {
            key.append(contentsOf: namespace.utf8)
            key.append(0x2F)
        }
        key.append(contentsOf: name.utf8)
        return key
    }

    /// The prefix of the keys of one namespace; of all objects if `namespace` is empty.
    package func keyPrefix(namespace: String) -> [UInt8] {
        var key: [UInt8] = Array(storagePrefix.utf8)
        if namespaced && !namespace.isEmpty {
            key.append(contentsOf: namespace.utf8)
            key.append(0x2F)
        }
        return key
    }
}

extension ResourceInfo {
    /// A `status` subresource of the same kind, with upstream's verbs.
    package static func status(of gvk: GroupVersionKind) -> Subresource {
        Subresource("status", gvk: gvk, verbs: ["get", "patch", "update"])
    }

    /// A `scale` subresource.
    package static let scale = Subresource(
        "scale", gvk: GroupVersionKind(group: "autoscaling", version: "v1", kind: "Scale"),
        verbs: ["get", "patch", "update"])
}
