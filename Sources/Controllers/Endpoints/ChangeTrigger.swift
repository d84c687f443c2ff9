import API
import APIMachinery

/// When that happened which makes endpoints change: what programming delays are measured from.
///
/// Upstream remembers what it saw last of each pod. Here it is told from what the endpoints say and should say, so that a
/// restart forgets nothing: the earliest time at which a pod, whose endpoint differs, became ready or stopped being it; for
/// the first endpoints of a service also when that was made.
struct ChangeTrigger {
    static let annotation: String = "endpoints.kubernetes.io/last-change-trigger-time"

    private(set) var earliest: Time?

    mutating func add(_ pod: Pod) {
        add(pod.status.conditions.first { $0.type == "Ready" }?.lastTransitionTime)
    }

    mutating func add(_ time: Time?) {
        guard let time else { return }
        earliest = earliest.map { min($0, time) } ?? time
    }

    /// The annotation; nil removes it, as upstream does when it knows no time.
    var text: String? { earliest.map { $0.description } }
}
