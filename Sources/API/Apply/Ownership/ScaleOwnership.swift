import APIMachinery

/// Field ownership of the `scale` subresource: its one field is another one of its object.
package struct ScaleOwnership {
    /// Where the object keeps the number.
    package static let replicas: [PathElement] = [.field("spec"), .field("replicas")]
    private static let scaleVersion: String = "autoscaling/v1"

    private let parent: Ownership
    /// The version of the object in the URL.
    private let apiVersion: String
    /// Versions of the object whose owners are kept.
    private let isServed: (String) -> Bool

    package init(parent: Ownership, apiVersion: String, isServed: @escaping (String) -> Bool) {
        self.parent = parent
        self.apiVersion = apiVersion
        self.isServed = isServed
    }

    /// The owners as a Scale shows them.
    package var scale: Ownership {
        var scale = Ownership()
        for owned in parent.owners where isServed(owned.owner.apiVersion) && owned.fields.contains(Self.replicas) {
            var owner: FieldOwner = owned.owner
            owner.apiVersion = Self.scaleVersion
            scale.owners.append(OwnedFields(owner, time: owned.time, [Self.replicas]))
        }
        return scale
    }

    /// The object's owners after the Scale's ones became these.
    package func parent(after scale: Ownership) -> Ownership {
        var result = Ownership()
        var rest: [OwnedFields] = scale.owners
        for var owned in parent.owners where isServed(owned.owner.apiVersion) {
            if owned.fields.contains(Self.replicas) {
                if let place = rest.firstIndex(where: { Self.isSame($0.owner, owned.owner) }) {
                    // Not taken away; the entry keeps its other fields.
                    rest.remove(at: place)
                } else {
                    owned.setFields(owned.fields.subtracting([Self.replicas]))
                    if owned.fields.isEmpty { continue }
                }
            }
            result.owners.append(owned)
        }
        for owned in rest where owned.fields.contains(Self.replicas) {
            var owner: FieldOwner = owned.owner
            owner.apiVersion = apiVersion
            // As upstream: the time is the one of the object's own entry, which an updater cannot have yet.
            let time: Time? = parent.index(of: owner).flatMap {
                owner.operation == .apply ? parent.owners[$0].time : nil
            }
            result.owners.append(OwnedFields(owner, time: time, [Self.replicas]))
        }
        return result
    }

    /// Whether a Scale's owner is one of the object's: the version is another, as it is another kind.
    private static func isSame(_ scale: FieldOwner, _ parent: FieldOwner) -> Bool {
        scale.manager == parent.manager && scale.operation == parent.operation
            && scale.subresource == parent.subresource
    }
}
