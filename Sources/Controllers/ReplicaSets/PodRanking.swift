import API
import APIMachinery

/// Which pods of a set go first when there are too many, by upstream's order.
struct PodRanking {
    /// How many pods of the same owner run on each node: crowded nodes give first.
    private let crowding: [String: Int]
    private let now: Time

    /// - Parameter related: all active pods that count for crowding (of the set, and of its siblings).
    init(related: [Pod], now: Time) {
        var crowding: [String: Int] = [:]
        for pod in related where !pod.spec.nodeName.isEmpty { crowding[pod.spec.nodeName, default: 0] += 1 }
        self.crowding = crowding
        self.now = now
    }

    /// The first `count` to delete.
    func first(_ count: Int, of pods: [Pod]) -> [Pod] {
        guard count < pods.count else { return pods }
        return Array(pods.sorted(by: goesBefore).prefix(count))
    }

    /// Unassigned, pending, unready, cheap, crowded, recently ready, often restarted, young: in this order.
    private func goesBefore(_ left: Pod, _ right: Pod) -> Bool {
        if left.spec.nodeName.isEmpty != right.spec.nodeName.isEmpty { return left.spec.nodeName.isEmpty }
        let phases: (Int, Int) = (Self.phaseRank(left), Self.phaseRank(right))
        if phases.0 != phases.1 { return phases.0 < phases.1 }
        let ready: (Time?, Time?) = (left.readySince, right.readySince)
        if (ready.0 == nil) != (ready.1 == nil) { return ready.0 == nil }
        let costs: (Int, Int) = (Self.deletionCost(left), Self.deletionCost(right))
        if costs.0 != costs.1 { return costs.0 < costs.1 }
        let crowds: (Int, Int) = (crowding[left.spec.nodeName] ?? 0, crowding[right.spec.nodeName] ?? 0)
        if crowds.0 != crowds.1 { return crowds.0 > crowds.1 }
        if let since = ready.0, let otherSince = ready.1, since != otherSince { return since > otherSince }
        let restarts: (Int, Int) = (Self.restarts(left), Self.restarts(right))
        if restarts.0 != restarts.1 { return restarts.0 > restarts.1 }
        let ages: (Time, Time) = (
            left.metadata.creationTimestamp ?? now, right.metadata.creationTimestamp ?? now
        )
        if ages.0 != ages.1 { return ages.0 > ages.1 }
        return left.metadata.name < right.metadata.name
    }

    private static func phaseRank(_ pod: Pod) -> Int {
        switch pod.status.phase {
        case "Pending": 0
        case "Running": 2
        default: 1
        }
    }

    /// The annotation by which users say which pods they miss least.
    private static func deletionCost(_ pod: Pod) -> Int {
        pod.metadata.annotations["controller.kubernetes.io/pod-deletion-cost"].flatMap { Int($0) } ?? 0
    }

    private static func restarts(_ pod: Pod) -> Int {
        pod.status.containerStatuses.map(\.restartCount).max() ?? 0
    }
}

extension Pod {
    /// Neither ended nor on its way out.
    var isActive: Bool {
        status.phase != "Succeeded" && status.phase != "Failed" && metadata.deletionTimestamp == nil
    }

    func condition(_ type: String) -> PodCondition? {
        status.conditions.first { $0.type == type }
    }

    var isReady: Bool { condition("Ready")?.status == "True" }

    /// When it became ready; nil if it is not.
    var readySince: Time? {
        guard let ready = condition("Ready"), ready.status == "True" else { return nil }
        return ready.lastTransitionTime
    }

    /// Ready for at least `minReadySeconds`.
    func isAvailable(after minReadySeconds: Int, now: Time) -> Bool {
        guard isReady else { return false }
        guard minReadySeconds > 0 else { return true }
        guard let since = readySince else { return false }
        return since.adding(seconds: minReadySeconds) <= now
    }
}
