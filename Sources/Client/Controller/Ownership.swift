package import APICore
package import APIMachinery

extension ObjectMeta {
    /// The owner that manages this object: the reference with `controller: true`.
    package var controllerOwner: OwnerReference? {
        ownerReferences.first { $0.controller == true }
    }
}

extension OwnerReference {
    /// The reference that a controller puts on what it makes for `owner`.
    package static func controller<Object: APIObject>(_ owner: Object) -> OwnerReference {
        OwnerReference.with {
            $0.apiVersion = Object.gvk.apiVersion
            $0.kind = Object.gvk.kind
            $0.name = owner.metadata.name
            $0.uid = owner.metadata.uid
            $0.controller = true
            $0.blockOwnerDeletion = true
        }
    }

    /// Whether this refers to objects of that type, whatever the version.
    package func refers<Object: APIObject>(to type: Object.Type) -> Bool {
        kind == Object.gvk.kind && GroupVersionKind.parse(apiVersion).group == Object.gvk.group
    }
}

extension ObjectReference {
    package static func to<Object: APIObject>(_ object: Object) -> ObjectReference {
        ObjectReference.with {
            $0.apiVersion = Object.gvk.apiVersion
            $0.kind = Object.gvk.kind
            $0.namespace = object.metadata.namespace
            $0.name = object.metadata.name
            $0.uid = object.metadata.uid
            $0.resourceVersion = object.metadata.resourceVersion
        }
    }
}
