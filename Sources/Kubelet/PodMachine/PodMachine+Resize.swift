package import API
import APIMachinery
import Codec

/// Where a change of a pod's CPU and memory stands (KEP-1287).
///
///     spec ──asked for──▶ granted, by the room on the node ──carried out──▶ applied to cgroups
///             PodResizePending                      PodResizeInProgress
package struct Resize: Sendable, Equatable {
    package enum Question: Sendable, Equatable {
        /// Nothing else is asked for than what is granted.
        case none
        case asked
        /// No for now (`Deferred`, with a time to ask again) or for good (`Infeasible`).
        case refused(reason: String, message: String, askAgainAt: Time?)
    }

    package enum Work: Sendable, Equatable {
        case none
        /// Granted; cgroups are as before.
        case due
        case running
        case failed(message: String, retryAt: Time)
    }

    package var question: Question = .none
    package var work: Work = .none
    /// The most that any cgroup of the pod may have by now, while it is not known to be in step.
    package var ceiling: PodCgroupLimits?

    /// The conditions that tell of it; other conditions are always there, these only while they are true.
    static let conditions: Set<String> = ["PodResizePending", "PodResizeInProgress"]
}

/// By container name.
package typealias ContainerAmounts = [String: ResourceRequirements]

extension ResourceRequirements {
    /// Whether CPU or memory differ: what may change while a container runs.
    func isResized(to other: ResourceRequirements) -> Bool { !resized(to: other).isEmpty }

    func resized(to other: ResourceRequirements) -> [String] {
        ["cpu", "memory"].filter { limits[$0] != other.limits[$0] || requests[$0] != other.requests[$0] }
    }
}

extension PodMachine {
    /// The pod with what its containers have been granted. What is made for it is made by this.
    package var grantedPod: Pod {
        var granted: Pod = pod
        func fill(_ list: inout [Container]) {
            for index in list.indices {
                guard let own = record(list[index].name)?.granted, own != list[index].resources else { continue }
                list[index].resources = own
            }
        }
        fill(&granted.spec.containers)
        fill(&granted.spec.initContainers)
        return granted
    }

    private func record(_ name: String) -> ContainerRecord? { containers.first { $0.name == name } }

    /// Containers that are new here are granted what the API server has let through; after a restart of the kubelet
    /// what was reported to be granted holds.
    mutating func grantNew() {
        for index in containers.indices where containers[index].granted == nil && containers[index].role != .ephemeral {
            guard let wanted = Self.spec(of: containers[index].name, in: pod)?.resources else { continue }
            var granted: ResourceRequirements = wanted
            if let reported = reportedStatus(containers[index].name)?.resources {
                let given: StringMap<Quantity> = reportedStatus(containers[index].name)?.allocatedResources ?? [:]
                for name in ["cpu", "memory"] {
                    granted.limits[name] = reported.limits[name]
                    granted.requests[name] = given[name] ?? reported.requests[name]
                }
            }
            containers[index].granted = granted
        }
    }

    /// The spec has changed: a refusal was for what was asked before.
    mutating func resizeSeen(before: Pod) {
        guard case .refused = resize.question else { return }
        let isSame: Bool = containers.allSatisfy { record in
            Self.spec(of: record.name, in: before)?.resources == Self.spec(of: record.name, in: pod)?.resources
        }
        if !isSame { resize.question = .none }
    }

    mutating func applyResize(_ event: PodEvent, now: Time) {
        switch event {
        case .resizeGranted(let amounts):
            resize.question = .none
            let before: PodCgroupLimits = resize.ceiling ?? ResourceTranslation.pod(grantedPod)
            for index in containers.indices {
                if let amount = amounts[containers[index].name] { containers[index].granted = amount }
            }
            resize.ceiling = before.raised(to: ResourceTranslation.pod(grantedPod))
            resize.work = .due
        case .resizeRefused(let reason, let message, let isForGood):
            resize.question = .refused(
                reason: reason, message: message, askAgainAt: isForGood ? nil : now.adding(seconds: 10))
            // What an earlier life may have left half done is brought back to what is granted.
            if resize.ceiling != nil, resize.work == .none { resize.work = .due }
        case .resized(let done, let failure):
            for name in done { update(name) { $0.applied = $0.granted } }
            if let failure {
                resize.work = .failed(message: failure, retryAt: now.adding(seconds: 10))
            } else {
                resize.work = .none
                resize.ceiling = nil
                queued.append(
                    .event(type: .normal, reason: "ResizeCompleted", message: completedMessage, container: nil))
            }
        default: break
        }
    }

    /// false while nothing may be started: what is made must fit the pod's cgroup.
    mutating func planResize(now: Time) -> Bool {
        let mayAsk: Bool = askForResize(now: now)
        switch resize.work {
        case .none: return mayAsk
        case .running: return false
        case .failed(_, let retryAt) where retryAt > now:
            queued.append(.wake(at: retryAt))
            return mayAsk
        case .due, .failed: break
        }
        if containers.contains(where: { $0.operation == .launching }) { return false }
        guard restartResized() else { return false }
        resize.work = .running
        let running: [(name: String, id: String)] = containers.compactMap { record in
            guard record.isRunning, let id = record.instance?.id, let granted = record.granted,
                let applied = record.applied, applied.isResized(to: granted)
            else { return nil }
            return (record.name, id)
        }
        let granted: Pod = grantedPod
        queued.append(
            .resize(granted, ceiling: resize.ceiling ?? ResourceTranslation.pod(granted), containers: running))
        return false
    }

    /// false while the answer is awaited.
    private mutating func askForResize(now: Time) -> Bool {
        let isResized: Bool = containers.contains { record in
            guard let granted = record.granted, let wanted = Self.spec(of: record.name, in: pod)?.resources else {
                return false
            }
            return granted.isResized(to: wanted)
        }
        switch resize.question {
        case .asked: return false
        case .none: break
        case .refused(_, _, let askAgainAt):
            guard isResized else {
                resize.question = .none
                return true
            }
            guard let askAgainAt else { return true }
            if askAgainAt > now {
                queued.append(.wake(at: askAgainAt))
                return true
            }
        }
        guard isResized else { return true }
        // What is being started is started with what was granted before.
        if containers.contains(where: { $0.operation == .launching }) || resize.work == .running { return false }
        resize.question = .asked
        queued.append(.admitResize(pod))
        return false
    }

    /// Ends the containers whose policy wants a restart; false until they are down.
    private mutating func restartResized() -> Bool {
        var areDown: Bool = true
        for index in containers.indices where containers[index].isRunning {
            let record: ContainerRecord = containers[index]
            guard let granted = record.granted, let applied = record.applied, let id = record.instance?.id,
                let spec = Self.spec(of: record.name, in: pod)
            else { continue }
            let resized: [String] = applied.resized(to: granted)
            let wantsRestart: Bool = spec.resizePolicy.contains {
                resized.contains($0.resourceName) && $0.restartPolicy == "RestartContainer"
            }
            guard wantsRestart else { continue }
            areDown = false
            guard record.operation == .none else { continue }
            containers[index].mustRerun = true
            kill(
                index, id: id, grace: graceSeconds,
                message: "Container \(record.name) resize requires restart")
        }
        return areDown
    }

    // MARK: - What is told

    var resizeConditions: [PodCondition] {
        var found: [PodCondition] = []
        if case .refused(let reason, let message, _) = resize.question {
            found.append(
                PodCondition.with { condition in
                    condition.type = "PodResizePending"
                    condition.status = "True"
                    condition.reason = reason
                    condition.message = message
                })
        }
        if resize.work != .none {
            found.append(
                PodCondition.with { condition in
                    condition.type = "PodResizeInProgress"
                    condition.status = "True"
                    guard case .failed(let message, _) = resize.work else { return }
                    condition.reason = "Error"
                    condition.message = message
                })
        }
        return found
    }

    /// Upstream's: the containers of the pod with what they have now, as JSON.
    private var completedMessage: String {
        let granted: Pod = grantedPod
        var writer = JSONWriter()
        writer.beginObject()
        if !granted.spec.initContainers.isEmpty {
            writer.key("initContainers")
            Self.write(granted.spec.initContainers, to: &writer)
        }
        writer.key("containers")
        Self.write(granted.spec.containers, to: &writer)
        writer.endObject()
        return "Pod resize completed: " + String(decoding: writer.finish(), as: UTF8.self)
    }

    private static func write(_ containers: [Container], to writer: inout JSONWriter) {
        writer.beginArray()
        for container in containers {
            writer.element()
            writer.beginObject()
            writer.key("name")
            writer.string(container.name)
            writer.key("resources")
            container.resources.write(json: &writer)
            writer.endObject()
        }
        writer.endArray()
    }
}
