package import API
import APIMachinery
package import Client
import Synchronization

/// Leads what pods' machines say to where it goes: statuses, events, probes.
package final class KubeletReports: PodReports {
    /// Starts and stops the probes of a container.
    package protocol Probing: Sendable {
        func start(_ pod: Pod, container: String, id: String)
        func stop(_ pod: PodIdentity, container: String)
    }

    private let statuses: StatusManager
    private let events: EventRecorder
    /// Set once, after the prober (which itself reports events) was made.
    private let probing: Mutex<(any Probing)?> = Mutex(nil)
    /// Set once, where the node runs static pods.
    private let statics: Mutex<StaticPods?> = Mutex(nil)

    package init(statuses: StatusManager, events: EventRecorder) {
        self.statuses = statuses
        self.events = events
    }

    package func set(probing: any Probing) { self.probing.withLock { $0 = probing } }

    package func set(statics: StaticPods) { self.statics.withLock { $0 = statics } }

    /// The object of the API server that stands for a pod: for a static one its mirror, if there is one yet.
    private func object(of pod: Pod) -> Pod? {
        pod.isStatic ? statics.withLock { $0 }?.mirror(of: pod) : pod
    }

    package func report(_ status: PodStatus, of pod: Pod) {
        if let object = object(of: pod) { statuses.set(status, of: object) }
    }

    package func event(_ type: EventType, reason: String, message: String, container: String?, about pod: Pod) {
        guard let object = object(of: pod) else { return }
        var reference = ObjectReference.to(object)
        if let container { reference.fieldPath = Self.fieldPath(container, in: pod) }
        let kind: EventNote.Kind = type == .normal ? .normal : .warning
        events.record(EventNote(reference, kind, reason: reason, message))
    }

    /// `spec.containers{web}`: where in the pod the container stands.
    private static func fieldPath(_ container: String, in pod: Pod) -> String {
        if pod.spec.initContainers.contains(where: { $0.name == container }) {
            return "spec.initContainers{\(container)}"
        }
        if pod.spec.ephemeralContainers.contains(where: { $0.name == container }) {
            return "spec.ephemeralContainers{\(container)}"
        }
        return "spec.containers{\(container)}"
    }

    package func startProbes(_ pod: Pod, container: String, id: String) {
        probing.withLock { $0 }?.start(pod, container: container, id: id)
    }

    package func stopProbes(_ pod: PodIdentity, container: String) {
        probing.withLock { $0 }?.stop(pod, container: container)
    }

    package func finished(_ pod: Pod) {
        statics.withLock { $0 }?.finished(uid: pod.metadata.uid)
        // A mirror goes with its manifest, not with its containers.
        if !pod.isStatic { statuses.finish(pod) }
    }
}

extension Prober: KubeletReports.Probing {}
