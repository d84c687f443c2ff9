package import APIMachinery

/// Which object of a resource: namespace and name. The usual key of work queues and caches.
package struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Empty for cluster-scoped objects.
    package var namespace: String
    package var name: String

    package init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }

    package init(_ metadata: ObjectMeta) {
        self.init(metadata.namespace, metadata.name)
    }

    package init(_ snapshot: Snapshot) {
        self.init(snapshot.namespace, snapshot.name)
    }

    /// `default/web`, or `node-a` without a namespace, as upstream's cache keys look.
    package var description: String { namespace.isEmpty ? name : namespace + "/" + name }

    package static func < (one: ObjectKey, other: ObjectKey) -> Bool {
        (one.namespace, one.name) < (other.namespace, other.name)
    }
}

extension APIObject {
    package var key: ObjectKey { ObjectKey(metadata) }
}
