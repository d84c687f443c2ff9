package import API
package import APIMachinery
package import Client

/// Gives every namespace its `default` service account, and gives it back when somebody deletes it.
package struct ServiceAccountReconciler: Reconciler {
    package static let wanted: [String] = ["default"]

    private let namespaces: ObjectCache<Namespace>
    private let accounts: ObjectCache<ServiceAccount>

    package init(namespaces: ObjectCache<Namespace>, accounts: ObjectCache<ServiceAccount>) {
        self.namespaces = namespaces
        self.accounts = accounts
    }

    /// - Parameter key: of a namespace.
    package func reconcile(_ key: ObjectKey, now: Time) -> Reconciliation {
        guard let namespace = namespaces[key], namespace.isActive else { return .done }
        let missing: [String] = Self.wanted.filter { accounts.snapshot(ObjectKey(key.name, $0)) == nil }
        return Reconciliation(
            missing.map { name in
                let account = ServiceAccount.with {
                    $0.metadata.name = name
                    $0.metadata.namespace = key.name
                }
                return Write.create(account).ignoring([.alreadyExists, .notFound, .namespaceTerminating])
            })
    }
}

extension Namespace {
    /// Open for new objects. A phase that is not filled in yet counts as active.
    var isActive: Bool {
        metadata.deletionTimestamp == nil && (status.phase.isEmpty || status.phase == "Active")
    }
}
