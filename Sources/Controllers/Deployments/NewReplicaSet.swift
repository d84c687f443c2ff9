import API
import APIMachinery
import Client
import Codec

/// Makes the ReplicaSet for a Deployment's present template, and keeps its annotations right later.
struct NewReplicaSet {
    let view: DeploymentView

    /// Annotations that speak of the Deployment itself and are not copied to its sets.
    private static let notCopied: Set<String> = [
        "kubectl.kubernetes.io/last-applied-configuration", DeploymentView.revisionKey, DeploymentView.historyKey,
        DeploymentView.desiredKey, DeploymentView.maximumKey, "deprecated.deployment.rollback.to",
    ]

    func make(replicas: Int) -> ReplicaSet {
        let deployment: Deployment = view.deployment
        let hash: String = PodTemplateHash.of(deployment.spec.template, collisions: deployment.status.collisionCount)
        return ReplicaSet.with { set in
            set.metadata.name = "\(deployment.metadata.name)-\(hash)"
            set.metadata.namespace = deployment.metadata.namespace
            set.metadata.labels = deployment.spec.template.metadata.labels
            set.metadata.labels[DeploymentView.hashLabel] = hash
            set.metadata.ownerReferences = [.controller(deployment)]
            set.metadata.annotations = copied()
            set.metadata.annotations[DeploymentView.revisionKey] = String(nextRevision)
            set.metadata.annotations[DeploymentView.desiredKey] = String(view.desired)
            set.metadata.annotations[DeploymentView.maximumKey] = String(view.desired + view.maxSurge)
            set.spec.replicas = replicas
            set.spec.minReadySeconds = deployment.spec.minReadySeconds
            set.spec.selector = deployment.spec.selector ?? LabelSelector()
            set.spec.selector?.matchLabels[DeploymentView.hashLabel] = hash
            set.spec.template = deployment.spec.template
            set.spec.template.metadata.labels[DeploymentView.hashLabel] = hash
        }
    }

    /// The set with the annotations it should have. A set that becomes the new one again (after an undo) gets a new,
    /// higher revision, and remembers the old one.
    func updated(_ set: ReplicaSet) -> ReplicaSet {
        var changed: ReplicaSet = set
        for (key, value) in copied() { changed.metadata.annotations[key] = value }
        changed.spec.minReadySeconds = view.deployment.spec.minReadySeconds
        let current: Int = DeploymentView.revision(set)
        if current < nextRevision {
            if current > 0 {
                changed.metadata.annotations[DeploymentView.historyKey] =
                    Self.history(set.metadata.annotations[DeploymentView.historyKey] ?? "", adding: current)
            }
            changed.metadata.annotations[DeploymentView.revisionKey] = String(nextRevision)
        }
        return changed
    }

    /// At most 2000 bytes, as upstream: the oldest revisions are forgotten.
    private static func history(_ before: String, adding revision: Int) -> String {
        var revisions: [Substring] = before.split(separator: ",")
        var length: Int = before.utf8.count + String(revision).utf8.count + 1
        while length > 2000, let first = revisions.first {
            length -= first.utf8.count + 1
            revisions.removeFirst()
        }
        return (revisions.map { String($0) } + [String(revision)]).joined(separator: ",")
    }

    private var nextRevision: Int {
        (view.old.map { DeploymentView.revision($0) }.max() ?? 0) + 1
    }

    private func copied() -> StringMap<String> {
        view.deployment.metadata.annotations.filter { !Self.notCopied.contains($0.key) }
    }
}

/// The short text that tells a Deployment's ReplicaSets apart: a hash of the template's canonical JSON.
enum PodTemplateHash {
    /// - Parameter collisions: how often another set had the name already.
    static func of(_ template: PodTemplateSpec, collisions: Int?) -> String {
        var writer = JSONWriter()
        template.write(json: &writer)
        var hash = FNV1a()
        hash.combine(writer.finish())
        if let collisions { hash.combine(String(collisions)) }
        return hash.safeText
    }
}
