import APIMachinery
import Store

extension TypedResource {
    private static var orphanFinalizer: String { "orphan" }
    private static var foregroundFinalizer: String { "foregroundDeletion" }

    func delete(_ call: WriteCall, _ request: DeletionRequest) async throws(StatusError) -> DeleteResult {
        let key: [UInt8] = info.key(namespace: call.context.namespace, name: call.context.name)
        return try await settle(key, call) {
            (snapshot: Snapshot) async throws(StatusError) -> WriteAttempt<DeleteResult> in
            try await attempt(request, on: snapshot, key, call)
        }
    }

    private func attempt(_ request: DeletionRequest, on snapshot: Snapshot, _ key: [UInt8], _ call: WriteCall)
        async throws(StatusError) -> WriteAttempt<DeleteResult>
    {
        let old: Object = try strategy.load(snapshot)
        try check(request, against: old.metadata)
        let attributes: AdmissionAttributes = attributes(
            .delete, call, name: call.context.name, object: nil, old: old, deletion: request)
        if !call.services.admission.isEmpty {
            try await call.services.admit(attributes)
            try await call.services.validate(attributes)
        }
        let next: Next = plan(request, old, now: call.context.now)
        let deletes: Bool
        var object: Object = old
        switch next {
        case .nothing:
            return .done(
                DeleteResult(
                    snapshot: try presented(snapshot), uid: old.metadata.uid, deleted: false,
                    warnings: attributes.warnings))
        case .remove: deletes = true
        case .mark(let marked):
            deletes = false
            object = marked
        }
        let value: [UInt8] = deletes ? snapshot.bytes : strategy.store(object)
        if call.context.dryRun {
            let shown: Snapshot = self.snapshot(value, of: object, revision: snapshot.revision)
            return .done(
                DeleteResult(snapshot: shown, uid: old.metadata.uid, deleted: deletes, warnings: attributes.warnings))
        }
        let write: Transaction.Write =
            deletes ? .delete(key) : .put(key, value: value, lease: try await lease(call.services))
        let transaction = Transaction(compares: [.modRevision(key, snapshot.revision)], writes: [write])
        switch try await commit(transaction, call.services) {
        case .conflict(let now): return .conflict(now)
        case .done(let revision):
            if deletes { strategy.afterDelete(old, context: call.context) }
            call.services.record(
                deletes ? "deleted" : "marked for deletion", call.context, info, name: call.context.name,
                revision: revision)
            let shown: Snapshot = self.snapshot(value, of: object, revision: revision)
            return .done(
                DeleteResult(snapshot: shown, uid: old.metadata.uid, deleted: deletes, warnings: attributes.warnings))
        }
    }

    private func check(_ request: DeletionRequest, against metadata: ObjectMeta) throws(StatusError) {
        if let uid = request.uid, uid != metadata.uid {
            throw .conflict(
                info.gvr, metadata.name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(metadata.uid)")
        }
        if let version = request.resourceVersion, version != metadata.resourceVersion {
            throw .conflict(
                info.gvr, metadata.name,
                "Precondition failed: ResourceVersion in precondition: \(version), ResourceVersion in object meta: "
                    + metadata.resourceVersion)
        }
    }

    // MARK: - What to do

    private enum Next {
        /// It is on its way out already.
        case nothing
        case remove
        /// Stays, marked.
        case mark(Object)
    }

    private func plan(_ request: DeletionRequest, _ old: Object, now: Time) -> Next {
        var object: Object = old
        object.metadata.finalizers = finalizers(request, old.metadata.finalizers)
        let pending: Int = old.metadata.deletionTimestamp == nil ? 0 : old.metadata.deletionGracePeriodSeconds ?? 0
        switch strategy.gracefulDeletion(old, options: request) {
        case .graceful(let seconds):
            if let marked = old.metadata.deletionTimestamp {
                // Grace can only become shorter.
                if pending == 0 || seconds >= pending { return finalizersOnly(object, old) }
                object.metadata.deletionTimestamp = marked.adding(seconds: seconds - pending)
            } else {
                mark(&object, at: now.adding(seconds: seconds))
            }
            object.metadata.deletionGracePeriodSeconds = seconds
            return .mark(object)
        case .immediate:
            if object.metadata.finalizers.isEmpty, !strategy.isHeldBack(object) { return .remove }
            if old.metadata.deletionTimestamp == nil {
                mark(&object, at: now)
            } else if pending > 0 {
                object.metadata.deletionTimestamp = now
            } else {
                return finalizersOnly(object, old)
            }
            object.metadata.deletionGracePeriodSeconds = 0
            return .mark(object)
        }
    }

    private func finalizersOnly(_ object: Object, _ old: Object) -> Next {
        object.metadata.finalizers == old.metadata.finalizers ? .nothing : .mark(object)
    }

    private func mark(_ object: inout Object, at time: Time) {
        object.metadata.deletionTimestamp = time
        if object.metadata.generation > 0 { object.metadata.generation += 1 }
        strategy.markDeleted(&object)
    }

    /// The finalizers that make the garbage collector orphan or delete dependents first.
    private func finalizers(_ request: DeletionRequest, _ present: [String]) -> [String] {
        let wanted: String?
        switch request.propagation {
        case .orphan: wanted = Self.orphanFinalizer
        case .foreground: wanted = Self.foregroundFinalizer
        case .background: wanted = nil
        case nil:
            if present.contains(Self.orphanFinalizer) || present.contains(Self.foregroundFinalizer) { return present }
            wanted = strategy.defaultPropagation == .orphan ? Self.orphanFinalizer : nil
        }
        var finalizers: [String] = present.filter { $0 != Self.orphanFinalizer && $0 != Self.foregroundFinalizer }
        if let wanted { finalizers.append(wanted) }
        return finalizers
    }
}
