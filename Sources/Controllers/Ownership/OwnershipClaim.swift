import API
package import APIMachinery
package import Client
import Codec

/// Which of the objects that match a selector belong to an owner, and what has to be written to make it so.
///
///     controller is      matches selector   is being deleted   →
///     the owner          yes                                   owned
///     the owner          no                 no                 released (the reference is removed)
///     nobody             yes                no                 adopted (a reference is added), owned from the next look on
///     somebody else                                            not ours
package struct OwnershipClaim<Owned: APIObject>: Sendable {
    package var owned: [Owned] = []
    /// Adoptions and releases. The UID in each patch makes sure that it meets the very object that was seen.
    package var writes: [Write] = []

    /// - Parameter mayAdopt: false while the owner is being deleted: it releases, but takes nothing in.
    package init<Owner: APIObject>(
        _ candidates: [Owned], owner: Owner, selector: LabelQuery, mayAdopt: Bool
    ) {
        for object in candidates {
            let controller: OwnerReference? = object.metadata.controllerOwner
            let matches: Bool = selector.matches(object.metadata.labels)
            if let controller {
                guard controller.uid == owner.metadata.uid else { continue }
                if matches {
                    owned.append(object)
                } else if object.metadata.deletionTimestamp == nil && mayAdopt {
                    writes.append(Self.release(object, from: owner.metadata.uid))
                }
            } else if matches && mayAdopt && object.metadata.deletionTimestamp == nil {
                writes.append(Self.adopt(object, by: owner))
            }
        }
    }

    private static func adopt<Owner: APIObject>(_ object: Owned, by owner: Owner) -> Write {
        var reference = JSONObject()
        reference["apiVersion"] = .string(Owner.gvk.apiVersion)
        reference["kind"] = .string(Owner.gvk.kind)
        reference["name"] = .string(owner.metadata.name)
        reference["uid"] = .string(owner.metadata.uid)
        reference["controller"] = .bool(true)
        reference["blockOwnerDeletion"] = .bool(true)
        return patch(object, reference)
    }

    private static func release(_ object: Owned, from owner: String) -> Write {
        var reference = JSONObject()
        reference["$patch"] = .string("delete")
        reference["uid"] = .string(owner)
        return patch(object, reference)
    }

    private static func patch(_ object: Owned, _ reference: JSONObject) -> Write {
        var metadata = JSONObject()
        metadata["uid"] = .string(object.metadata.uid)
        metadata["ownerReferences"] = .array([.object(reference)])
        var body = JSONObject()
        body["metadata"] = .object(metadata)
        var writer = JSONWriter()
        JSONValue.object(body).write(json: &writer)
        return Write.patch(object, .strategic, writer.finish()).ignoring([.notFound])
    }
}
