import API
import APIMachinery

/// What a Deployment says of itself.
struct DeploymentStatusBuilder {
    let view: DeploymentView
    let now: Time
    /// The name of the set that this reconcile makes.
    var created: String?

    func status() -> DeploymentStatus {
        let all: [ReplicaSet] = view.all
        var status = DeploymentStatus()
        status.observedGeneration = view.deployment.metadata.generation
        status.replicas = DeploymentView.actual(all)
        status.updatedReplicas = view.new?.status.replicas ?? 0
        status.readyReplicas = DeploymentView.ready(all)
        status.availableReplicas = DeploymentView.available(all)
        status.unavailableReplicas = max(0, DeploymentView.replicas(all) - status.availableReplicas)
        status.collisionCount = view.deployment.status.collisionCount
        status.conditions = view.deployment.status.conditions
        set(availability(status), in: &status)
        updateProgress(&status)
        let failures: [ReplicaSetCondition] = ([view.new].compactMap { $0 } + all).flatMap(\.status.conditions)
        if let failure = failures.first(where: { $0.type == "ReplicaFailure" }) {
            set(condition("ReplicaFailure", failure.status, failure.reason, failure.message), in: &status)
        } else {
            status.conditions.removeAll { $0.type == "ReplicaFailure" }
        }
        return status
    }

    /// The status after the new set could not be made.
    func failed(_ error: String) -> DeploymentStatus {
        var status: DeploymentStatus = view.deployment.status
        guard deadlineSeconds != nil else { return status }
        set(condition("Progressing", "False", "ReplicaSetCreateError", error), in: &status)
        return status
    }

    /// Whether the rollout has come to its end.
    func isComplete(_ status: DeploymentStatus) -> Bool {
        status.updatedReplicas == view.desired && status.replicas == view.desired
            && status.availableReplicas == view.desired
            && status.observedGeneration >= view.deployment.metadata.generation
    }

    /// How long until the progress deadline, if the rollout is under way; a second more, so that it is over then.
    func untilDeadline(_ status: DeploymentStatus) -> Duration? {
        guard let deadline = deadlineSeconds, !isComplete(status),
            let progress = status.conditions.first(where: { $0.type == "Progressing" }),
            progress.reason != "ProgressDeadlineExceeded", let since = progress.lastUpdateTime
        else { return nil }
        return .seconds(max(1, deadline - now.secondsSince(since) + 1))
    }

    private func availability(_ status: DeploymentStatus) -> DeploymentCondition {
        if status.availableReplicas >= view.desired - view.maxUnavailable {
            return condition(
                "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        }
        return condition(
            "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    }

    /// nil: no deadline is set (the largest number says so upstream).
    private var deadlineSeconds: Int? {
        view.deployment.spec.progressDeadlineSeconds.flatMap { $0 == Int(Int32.max) ? nil : $0 }
    }

    private func updateProgress(_ status: inout DeploymentStatus) {
        guard deadlineSeconds != nil else {
            status.conditions.removeAll { $0.type == "Progressing" }
            return
        }
        let known: DeploymentCondition? = status.conditions.first { $0.type == "Progressing" }
        if view.deployment.spec.paused {
            if known?.reason != "DeploymentPaused" && known?.reason != "ProgressDeadlineExceeded" {
                set(condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused"), in: &status)
            }
            return
        }
        if let created {
            let message: String = "Created new replica set \"\(created)\""
            set(condition("Progressing", "True", "NewReplicaSetCreated", message), in: &status)
            return
        }
        if known?.reason == "DeploymentPaused" {
            set(condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed"), in: &status)
            return
        }
        guard let new = view.new else { return }
        if known == nil {
            let message: String = "Found new replica set \"\(new.metadata.name)\""
            set(condition("Progressing", "True", "FoundNewReplicaSet", message), in: &status)
            return
        }
        // Done once is done: pods that fail later are not this rollout's business.
        if known?.reason == "NewReplicaSetAvailable" && status.replicas == status.updatedReplicas { return }
        let subject: String = "ReplicaSet \"\(new.metadata.name)\""
        if isComplete(status) {
            set(
                condition("Progressing", "True", "NewReplicaSetAvailable", "\(subject) has successfully progressed."),
                in: &status)
        } else if isProgressing(status) {
            set(
                condition("Progressing", "True", "ReplicaSetUpdated", "\(subject) is progressing."), in: &status,
                isNewUpdate: true)
        } else if hasTimedOut(known) {
            set(
                condition("Progressing", "False", "ProgressDeadlineExceeded", "\(subject) has timed out progressing."),
                in: &status)
        }
    }

    /// Anything that brings the rollout nearer to its end counts.
    private func isProgressing(_ status: DeploymentStatus) -> Bool {
        let before: DeploymentStatus = view.deployment.status
        return status.updatedReplicas > before.updatedReplicas
            || status.replicas - status.updatedReplicas < before.replicas - before.updatedReplicas
            || status.readyReplicas > before.readyReplicas || status.availableReplicas > before.availableReplicas
    }

    private func hasTimedOut(_ known: DeploymentCondition?) -> Bool {
        guard let known, let deadline = deadlineSeconds, let since = known.lastUpdateTime else { return false }
        if known.reason == "ProgressDeadlineExceeded" { return true }
        // A rollout that was complete and has lost pods since is not late.
        if known.reason == "NewReplicaSetAvailable" { return false }
        return since.adding(seconds: deadline) < now
    }

    private func condition(_ type: String, _ value: String, _ reason: String, _ message: String)
        -> DeploymentCondition
    {
        DeploymentCondition.with { condition in
            condition.type = type
            condition.status = value
            condition.reason = reason
            condition.message = message
            condition.lastUpdateTime = now
            condition.lastTransitionTime = now
        }
    }

    /// Replaces a condition; its times move only if it says something new.
    private func set(_ condition: DeploymentCondition, in status: inout DeploymentStatus, isNewUpdate: Bool = false) {
        var condition: DeploymentCondition = condition
        guard let index = status.conditions.firstIndex(where: { $0.type == condition.type }) else {
            status.conditions.append(condition)
            return
        }
        let known: DeploymentCondition = status.conditions[index]
        if known.status == condition.status { condition.lastTransitionTime = known.lastTransitionTime }
        if known.status == condition.status && known.reason == condition.reason && !isNewUpdate {
            return
        }
        status.conditions[index] = condition
    }
}
