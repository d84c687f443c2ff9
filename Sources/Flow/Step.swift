/// The object that a step is about, as a path: resource, namespace, name.
package struct ObjectPath: Sendable, Hashable {
    /// Plural resource name without group, such as `pods`.
    package var resource: String
    /// Empty for cluster-scoped objects.
    package var namespace: String
    package var name: String

    package init(_ resource: String, namespace: String = "", name: String) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
    }

    /// `pods/default/web-0`, or `nodes/a` without a namespace.
    package var description: String {
        namespace.isEmpty ? "\(resource)/\(name)" : "\(resource)/\(namespace)/\(name)"
    }
}

/// One thing that a component did, when, and why.
package struct Step: Sendable, Equatable {
    /// Counts up from 1 in the order of recording; unique within one process.
    package var id: Int64
    /// Microseconds since 1970 at which it was done (its end, if it took time).
    package var time: Int64
    /// How long the work itself took, in microseconds; 0 where nobody measured.
    package var duration: Int64
    /// Upstream's component name: `apiserver`, `scheduler`, `replicaset-controller`, `kubelet`, …
    package var component: String
    /// A short verb phrase in lower case: `created`, `bound to node a`, `started container web`.
    package var what: String
    package var object: ObjectPath
    /// The revision that this step wrote; 0 if it wrote nothing.
    package var revision: Int64
    /// The client's request that this step answered; empty if it was none.
    package var request: String
    package var causes: [Cause]
    /// Facts worth keeping, in order: each node's verdict, an image's size, the user who asked.
    package var details: [Detail]

    package struct Detail: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }
}
