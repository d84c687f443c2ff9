package import APICore
package import APIMachinery

/// A way to find objects in a cache by something other than their name.
package struct ObjectIndex<Object: APIObject>: Sendable {
    /// Tells indices of one cache apart; registering a name twice is the same as once.
    package let name: String
    /// The values under which an object is found. Pure and quick.
    package let values: @Sendable (Object) -> [String]

    package init(_ name: String, _ values: @escaping @Sendable (Object) -> [String]) {
        self.name = name
        self.values = values
    }

    /// By the UID of the managing owner.
    package static var controllerUID: ObjectIndex {
        ObjectIndex("controllerUID") { object in object.metadata.controllerOwner.map { [$0.uid] } ?? [] }
    }

    /// By the UIDs of all owners.
    package static var ownerUID: ObjectIndex {
        ObjectIndex("ownerUID") { object in object.metadata.ownerReferences.map(\.uid) }
    }
}

extension Pod {
    /// By the node that a pod is bound to; pods without a node are found under the empty string.
    package static var byNodeName: ObjectIndex<Pod> {
        ObjectIndex("nodeName") { pod in [pod.spec.nodeName] }
    }
}
