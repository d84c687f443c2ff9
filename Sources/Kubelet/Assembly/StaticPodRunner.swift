import API
import Synchronization

/// Leads what becomes of static pods to the kubelet, which is made after the reader of their manifests.
final class StaticPodRunner: StaticPodOwner {
    private struct Held {
        /// The kubelet holds its parts, not the other way round.
        weak var kubelet: KubeletService?
    }

    private let held: Mutex<Held> = Mutex(Held())

    func connect(_ kubelet: KubeletService) { held.withLock { $0.kubelet = kubelet } }

    private var kubelet: KubeletService? { held.withLock { $0.kubelet } }

    func start(_ pod: Pod) { kubelet?.take(pod, causes: []) }

    func stop(_ pod: PodIdentity) { kubelet?.drop(pod) }

    func mirrored(_ pod: Pod, by mirror: Pod) { kubelet?.mirrored(pod, by: mirror) }
}
