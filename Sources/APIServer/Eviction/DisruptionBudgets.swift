import APICore
import APIMachinery
import APIPolicy
import Codec

/// What a disruption budget says about one more eviction. Pure.
enum DisruptionBudgets {
    static let resource = GroupVersionResource(group: "policy", version: "v1", resource: "poddisruptionbudgets")
    static let violationMessage = "Cannot evict pod as it would violate the pod's disruption budget."
    private static let causeReason = "DisruptionBudget"
    private static let conditionType = "DisruptionAllowed"
    /// Evictions that no controller has confirmed; more than that is not kept. Upstream's number.
    private static let largestDisrupted: Int = 2000

    /// The budgets that count a pod.
    static func covering(_ pod: Pod, among budgets: [PodDisruptionBudget]) -> [PodDisruptionBudget] {
        budgets.filter { budget in
            guard let query = try? LabelQuery(budget.spec.selector) else { return false }
            return query.matches(pod.metadata.labels)
        }
    }

    /// A pod that does no work yet or any more can go without asking.
    static func needsNone(_ pod: Pod) -> Bool {
        pod.isFinished || pod.status.phase == "Pending"
    }

    /// Whether a pod that is not ready may go without taking from the budget.
    static func letsGoUnhealthy(_ pod: Pod, _ budget: PodDisruptionBudget) -> Bool {
        if pod.isReady { return false }
        if budget.spec.unhealthyPodEvictionPolicy == "AlwaysAllow" { return true }
        return budget.status.currentHealthy >= budget.status.desiredHealthy && budget.status.desiredHealthy > 0
    }

    /// Takes one disruption out of the budget, or says why not.
    static func take(from budget: inout PodDisruptionBudget, for pod: String, now: Time) throws(StatusError) {
        let name: String = budget.metadata.name
        if budget.status.observedGeneration < budget.metadata.generation { throw stillProcessed(name) }
        var resource: GroupVersionResource = Self.resource
        resource.resource = "poddisruptionbudget"
        guard budget.status.disruptionsAllowed >= 0 else {
            throw .forbidden(resource, name, "pdb disruptions allowed is negative")
        }
        guard budget.status.disruptedPods.count <= largestDisrupted else {
            throw .forbidden(
                resource, name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller")
        }
        guard budget.status.disruptionsAllowed > 0 else { throw exhausted(budget) }
        budget.status.disruptionsAllowed -= 1
        if budget.status.disruptionsAllowed == 0 { markExhausted(&budget, now: now) }
        budget.status.disruptedPods[pod] = now
    }

    private static func markExhausted(_ budget: inout PodDisruptionBudget, now: Time) {
        let index: Int? = budget.status.conditions.firstIndex { $0.type == conditionType }
        var condition: Condition = index.map { budget.status.conditions[$0] } ?? Condition()
        if condition.status != "False" { condition.lastTransitionTime = now }
        condition.type = conditionType
        condition.status = "False"
        condition.reason = "InsufficientPods"
        condition.message = ""
        condition.observedGeneration = budget.status.observedGeneration
        if let index { budget.status.conditions[index] = condition } else { budget.status.conditions.append(condition) }
    }

    // MARK: - Refusals

    /// The controller has not looked at it since it changed, or the pod has changed under our hands.
    static func stillProcessed(_ name: String) -> StatusError {
        refusal(
            retryAfterSeconds: 10, "The disruption budget \(name) is still being processed by the server.")
    }

    private static func exhausted(_ budget: PodDisruptionBudget) -> StatusError {
        let name: String = budget.metadata.name
        if let condition = budget.status.conditions.first(where: { $0.type == conditionType }),
            condition.reason == "SyncFailed"
        {
            return refusal(
                retryAfterSeconds: 0,
                "The disruption budget \(name) does not allow evicting pods currently because it failed sync: "
                    + condition.message)
        }
        return refusal(
            retryAfterSeconds: 0,
            "The disruption budget \(name) needs \(budget.status.desiredHealthy) healthy pods and has "
                + "\(budget.status.currentHealthy) currently")
    }

    private static func refusal(retryAfterSeconds: Int, _ why: String) -> StatusError {
        var status: Status = StatusError.tooManyRequests(violationMessage, retryAfterSeconds: retryAfterSeconds).status
        let cause = StatusCause.with {
            $0.reason = causeReason
            $0.message = why
        }
        status.details?.causes.append(cause)
        return StatusError(status)
    }

    /// Upstream's answer to a pod in two budgets.
    static let severalBudgets = StatusError(
        Status.with {
            $0.status = "Failure"
            $0.message =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            $0.code = 500
        })
}

extension Pod {
    /// It has ended, or is being deleted.
    var isFinished: Bool {
        status.phase == "Succeeded" || status.phase == "Failed" || metadata.deletionTimestamp != nil
    }

    var isReady: Bool {
        status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
    }

    /// Notes why the pod is about to go.
    mutating func markEvicted(now: Time) {
        let type: String = "DisruptionTarget"
        let index: Int? = status.conditions.firstIndex { $0.type == type }
        var condition: PodCondition = index.map { status.conditions[$0] } ?? PodCondition()
        if condition.status != "True" { condition.lastTransitionTime = now }
        condition.type = type
        condition.status = "True"
        condition.reason = "EvictionByEvictionAPI"
        condition.message = "Eviction API: evicting"
        condition.observedGeneration = metadata.generation
        if let index { status.conditions[index] = condition } else { status.conditions.append(condition) }
    }
}
