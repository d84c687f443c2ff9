package import APICore
package import APIMachinery
import Codec

extension Pod {
    /// The rules for a new pod.
    package func validate() -> FieldErrors { spec.validate(at: FieldPath("spec")) }

    /// The rules for a pod that replaces `old` on the main endpoint: images, the active deadline, additional
    /// tolerations and fewer gates are all that may change.
    package func validateUpdate(of old: Pod) -> FieldErrors {
        let path = FieldPath("spec")
        var errors = FieldErrors()
        if spec.containers.count != old.spec.containers.count {
            return [.forbidden(path.child("containers"), "pod updates may not add or remove containers")]
        }
        if spec.initContainers.count != old.spec.initContainers.count {
            return [.forbidden(path.child("initContainers"), "pod updates may not add or remove containers")]
        }
        for (index, container) in spec.containers.enumerated() {
            errors += container.validateImage(path.child("containers").index(index).child("image"))
        }
        for (index, container) in spec.initContainers.enumerated() {
            errors += container.validateImage(path.child("initContainers").index(index).child("image"))
        }
        errors += validateDeadline(old, path.child("activeDeadlineSeconds"))
        errors += validateTolerations(old, path.child("tolerations"))
        let known: Set<String> = Set(old.spec.schedulingGates.map { $0.name })
        for gate in spec.schedulingGates where !known.contains(gate.name) {
            let text: String = "only deletion is allowed, but found new scheduling gate '\(gate.name)'"
            errors.append(.forbidden(path.child("schedulingGates"), text))
        }
        guard errors.isEmpty else { return errors }
        let (allowed, more): (PodSpec, FieldErrors) = restoringMutable(of: old)
        errors += more
        if allowed != old.spec {
            let difference: String = SpecDifference.text(old: old.spec, new: allowed, name: "core.PodSpec")
            let text: String = "pod updates may not change fields other than \(Self.mutableFields)\n\(difference)"
            errors.append(.forbidden(path, text))
        }
        return errors
    }

    private static let mutableFields: String = [
        "`spec.containers[*].image`", "`spec.initContainers[*].image`", "`spec.activeDeadlineSeconds`",
        "`spec.tolerations` (only additions to existing tolerations)",
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    ].joined(separator: ",")

    private func validateDeadline(_ old: Pod, _ path: FieldPath) -> FieldErrors {
        if let new = spec.activeDeadlineSeconds {
            if new < 0 || new > Int(Int32.max) {
                return [.invalid(path, new, "must be between 0 and 2147483647, inclusive")]
            }
            if let before = old.spec.activeDeadlineSeconds, before < new {
                return [.invalid(path, new, "must be less than or equal to previous value")]
            }
        } else if old.spec.activeDeadlineSeconds != nil {
            let text: String = "must not update from a positive integer to nil value"
            return [.invalid(path, spec.activeDeadlineSeconds, text)]
        }
        return []
    }

    private func validateTolerations(_ old: Pod, _ path: FieldPath) -> FieldErrors {
        var errors = FieldErrors()
        for before in old.spec.tolerations {
            let isKept: Bool = spec.tolerations.contains { new in
                if new == before { return true }
                var sameTime: Toleration = new
                sameTime.tolerationSeconds = before.tolerationSeconds
                return before.effect == "NoExecute" && before.tolerationSeconds != nil && sameTime == before
            }
            if !isKept {
                let text: String = "existing toleration can not be modified except its tolerationSeconds"
                errors.append(.forbidden(path, text))
                return errors
            }
        }
        errors += SchedulingRules.tolerations(spec.tolerations, path)
        return errors
    }

    /// The new spec with everything that may change put back, so that what still differs is forbidden.
    private func restoringMutable(of old: Pod) -> (PodSpec, FieldErrors) {
        var errors = FieldErrors()
        var munged: PodSpec = spec
        for index in munged.containers.indices { munged.containers[index].image = old.spec.containers[index].image }
        for index in munged.initContainers.indices {
            munged.initContainers[index].image = old.spec.initContainers[index].image
        }
        munged.activeDeadlineSeconds = old.spec.activeDeadlineSeconds
        munged.tolerations = old.spec.tolerations
        if let before = old.spec.terminationGracePeriodSeconds, before < 0, munged.terminationGracePeriodSeconds == 1 {
            munged.terminationGracePeriodSeconds = before
        }
        munged.schedulingGates = old.spec.schedulingGates
        if !old.spec.schedulingGates.isEmpty {
            let isKept: Bool = old.spec.nodeSelector.allSatisfy { spec.nodeSelector[$0.key] == $0.value }
            if !isKept {
                let text: String = "only additions to spec.nodeSelector are allowed (no deletions or mutations)"
                errors.append(.invalid(FieldPath("spec").child("nodeSelector"), spec.nodeSelector, text))
            }
            munged.nodeSelector = old.spec.nodeSelector
            if let affinity = spec.affinity?.nodeAffinity, affinity.narrows(old.spec.affinity?.nodeAffinity) {
                if old.spec.affinity == nil, spec.affinity?.podAffinity == nil, spec.affinity?.podAntiAffinity == nil {
                    munged.affinity = nil
                } else {
                    munged.affinity?.nodeAffinity = old.spec.affinity?.nodeAffinity
                }
            }
        }
        return (munged, errors)
    }
}

extension NodeAffinity {
    /// Whether every term still demands at least what it did.
    fileprivate func narrows(_ old: NodeAffinity?) -> Bool {
        guard let before = old?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms, !before.isEmpty
        else { return true }
        let terms: [NodeSelectorTerm] = requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
        guard terms.count == before.count else { return false }
        return zip(terms, before).allSatisfy { new, old in
            Array(new.matchExpressions.prefix(old.matchExpressions.count)) == old.matchExpressions
                && Array(new.matchFields.prefix(old.matchFields.count)) == old.matchFields
        }
    }
}
