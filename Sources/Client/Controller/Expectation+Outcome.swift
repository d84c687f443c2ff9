import APIMachinery

extension Expectation {
    /// What the caches must show after a write; nil if there is nothing to wait for.
    ///
    /// `uid` asks for the UID of the object that the cache holds.
    static func after(
        _ outcome: WriteOutcome, uid: (GroupVersionResource, ObjectKey) -> String?
    ) -> Expectation? {
        switch outcome.result {
        case .done(let snapshot): return after(outcome.write, snapshot, uid: uid)
        case .failed(let error) where error.isConflict: return afterConflict(outcome.write)
        case .ignored, .failed, .skipped: return nil
        }
    }

    private static func after(
        _ write: Write, _ snapshot: Snapshot?, uid: (GroupVersionResource, ObjectKey) -> String?
    ) -> Expectation? {
        switch write.action {
        case .create(let object):
            guard let snapshot else { return nil }
            return Expectation(type(of: object).resource, ObjectKey(snapshot), .revision(snapshot.revision))
        case .update(_, let target):
            guard let snapshot else { return nil }
            return Expectation(target.resource, target.key, .revision(snapshot.revision))
        case .patch(let target, _, _):
            guard let snapshot else { return nil }
            return Expectation(target.resource, target.key, .revision(snapshot.revision))
        case .delete(let target, let options):
            guard let known = options.preconditions?.uid ?? uid(target.resource, target.key) else { return nil }
            return Expectation(target.resource, target.key, .deleted(uid: known))
        case .createSubresource(let target, _):
            guard target.subresource == "eviction", let known = uid(target.resource, target.key) else { return nil }
            return Expectation(target.resource, target.key, .deleted(uid: known))
        case .event:
            return nil
        }
    }

    /// The object that we wrote from was old: wait for a newer one.
    private static func afterConflict(_ write: Write) -> Expectation? {
        guard case .update(let object, let target) = write.action,
            let revision = Int64(object.metadata.resourceVersion)
        else { return nil }
        return Expectation(target.resource, target.key, .newer(than: revision))
    }
}
