package import API

/// Carries out what pods' machines want. The one place where a pod meets runtime, disk and network.
package protocol PodEffects: Sendable {
    /// Does one action and returns what came of it, in order. Never throws: failures are events.
    func perform(_ action: PodAction, for pod: PodIdentity) async -> [PodEvent]
}

/// Where a machine's reports, events and probes go. Synchronous and quick: each is a hand-over to a queue.
package protocol PodReports: Sendable {
    func report(_ status: PodStatus, of pod: Pod)
    func event(_ type: EventType, reason: String, message: String, container: String?, about pod: Pod)
    func startProbes(_ pod: Pod, container: String, id: String)
    func stopProbes(_ pod: PodIdentity, container: String)
    /// Nothing is left of the pod here.
    func finished(_ pod: Pod)
}

/// A pod's name for logs and runtime, and its UID, which alone tells it from a later pod of the same name.
package struct PodIdentity: Sendable, Hashable {
    package var namespace: String
    package var name: String
    package var uid: String

    package init(namespace: String, name: String, uid: String) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }

    package init(_ pod: Pod) {
        self.init(namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid)
    }
}
