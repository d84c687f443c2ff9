package import APIMachinery
package import Flow
package import Store

/// What the verbs work with.
package final class ServerServices: Sendable {
    package let store: any Store
    package let feed: CacheFeed
    package let environment: ServerEnvironment
    package let admission: [any AdmissionPlugin]
    package let caches: any CacheReader
    package let flow: FlowRecorder?
    let versions: ResourceVersions
    let leases: LeasePool

    package init(
        store: any Store, feed: CacheFeed, environment: ServerEnvironment, admission: [any AdmissionPlugin],
        registry: ResourceRegistry, flow: FlowRecorder?
    ) {
        self.store = store
        self.leases = LeasePool(store: store, monotonic: environment.monotonic)
        self.feed = feed
        self.environment = environment
        self.admission = admission
        self.caches = RegistryReader(registry)
        self.versions = ResourceVersions(registry)
        self.flow = flow
    }

    /// The mutating phase.
    func admit(_ attributes: AdmissionAttributes) async throws(StatusError) {
        for plugin in admission where plugin.handles(attributes) {
            try await plugin.admit(attributes)
        }
    }

    /// The validating phase.
    func validate(_ attributes: AdmissionAttributes) async throws(StatusError) {
        for plugin in admission where plugin.handles(attributes) {
            try await plugin.validate(attributes)
        }
    }

    /// Remembers a write. Renewals of leases are left out: heartbeats would push everything else out of the ring.
    func record(_ what: String, _ context: RequestContext, _ info: ResourceInfo, name: String, revision: Revision) {
        guard let flow, revision > 0, info.gvr.resource != "leases" else { return }
        flow.record(
            component: "apiserver", what: what,
            object: ObjectPath(info.gvr.resource, namespace: info.namespaced ? context.namespace : "", name: name),
            revision: revision, request: context.id, causes: context.causes,
            since: context.receivedAt.microseconds, details: [Step.Detail("user", context.user.name)])
    }
}

extension StoreError {
    /// What a client gets when the store fails.
    package var statusError: StatusError {
        switch self {
        case .compacted: return .resourceVersionTooOld
        case .futureRevision(let requested, let current): return .tooLargeResourceVersion(requested, current: current)
        case .unavailable(let text): return .serviceUnavailable("the store is unavailable: \(text)")
        case .noSpace(let text): return .internalError("the store is full: \(text)")
        case .leaseNotFound(let lease): return .internalError("lease \(lease) is not known to the store")
        case .slowWatcher: return .internalError("the store's watch was cut off")
        }
    }
}
