import API
package import APIMachinery
package import Client
import Codec

/// Which of the objects that match a selector belong to an owner, and what has to be written to make it so.
///
///     controller is      matches selector   is being deleted   →
///     the owner          yes                                   owned
///     the owner          no                 no                 released (the reference is removed)
///     nobody             yes                no                 adopted (a reference is added), owned from then on
///     somebody else                                            not ours
///
/// An owner that is going must not take anything in, or the garbage collector would delete what was just orphaned. The
/// cache may not show yet that it is going; so an update of the owner that changes nothing goes before adoptions, and
/// fails with a conflict when the cache is old.
package struct OwnershipClaim<Owned: APIObject>: Sendable {
    package var owned: [Owned] = []
    /// Adoptions and releases, in order. The UID in each patch makes sure that it meets the very object that was seen.
    package var writes: [Write] = []
    /// Something is about to be adopted: whoever counts what is owned waits until that shows.
    package private(set) var isAdopting: Bool = false

    /// - Parameter mayAdopt: false while the owner is being deleted: it releases, but takes nothing in.
    package init<Owner: APIObject>(
        _ candidates: [Owned], owner: Owner, selector: LabelQuery, mayAdopt: Bool
    ) {
        var adoptions: [Write] = []
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
                adoptions.append(Self.adopt(object, by: owner))
            }
        }
        guard !adoptions.isEmpty else { return }
        isAdopting = true
        writes.append(.update(owner))
        writes += adoptions
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

extension ObjectIndex {
    /// By managing owner, or, for objects without one, by namespace: what an owner has or might take in.
    package static var claimable: ObjectIndex {
        ObjectIndex("claimable") { object in
            [object.metadata.controllerOwner?.uid ?? "orphans/" + object.metadata.namespace]
        }
    }
}

extension ObjectCache {
    /// What `owner` has or might take in. The cache needs the index `claimable`.
    package func claimable<Owner: APIObject>(by owner: Owner) -> [Object] {
        owned(by: owner.metadata.uid) + list(.claimable, "orphans/" + owner.metadata.namespace)
    }

    package func owned(by uid: String) -> [Object] { list(.claimable, uid) }
}
