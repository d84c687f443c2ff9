package import APIMachinery
package import Flow

/// One change of an object, as an informer's handlers see it. The cache holds it already.
package struct InformerEvent<Object: APIObject>: Sendable {
    package enum Kind: Sendable, Hashable {
        case added, updated, deleted
    }

    package var kind: Kind
    /// The newest state; for `deleted`, the last that was known.
    package var object: Object
    /// The state before; nil for `added`.
    package var old: Object?
    /// The revision that made the change (for a deletion found by a new list: the list's).
    package var revision: Int64

    package init(_ kind: Kind, _ object: Object, old: Object? = nil, revision: Int64) {
        self.kind = kind
        self.object = object
        self.old = old
        self.revision = revision
    }

    package var key: ObjectKey { object.key }

    package var cause: Cause { .revision(revision) }
}
