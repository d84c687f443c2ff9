package import API
import APIMachinery
package import Client

/// What a kubelet tells of its own node, in upstream's words. Pure.
package struct NodeEvents: Sendable {
    private let node: String

    package init(node: String) {
        self.node = node
    }

    /// What every start of a kubelet tells first.
    package var starting: EventNote { note(.normal, "Starting", "Starting kubelet.") }

    /// The amounts that pods may use together are in force.
    package var allocatableEnforced: EventNote {
        note(.normal, "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods")
    }

    /// What a change of the status means. Pressure is told anew after each start of the kubelet (`isFirst`), readiness
    /// only when it changes.
    package func changes(from before: NodeStatus, to after: NodeStatus, isFirst: Bool) -> [EventNote] {
        var notes: [EventNote] = []
        let bootID: String = before.nodeInfo.bootID
        if isFirst, !bootID.isEmpty, bootID != after.nodeInfo.bootID {
            notes.append(
                note(
                    .warning, "Rebooted", "Node \(node) has been rebooted, boot id: \(after.nodeInfo.bootID)"))
        }
        for condition in after.conditions {
            guard let words = Self.words[condition.type] else { continue }
            let known: String? = before.conditions.first { $0.type == condition.type }?.status
            let isPressure: Bool = condition.type != "Ready"
            guard known != condition.status || (isPressure && isFirst) else { continue }
            let reason: String = condition.status == "True" ? words.whenTrue : words.whenFalse
            notes.append(note(.normal, reason, "Node \(node) status is now: \(reason)"))
        }
        return notes
    }

    private static let words: [String: (whenTrue: String, whenFalse: String)] = [
        "MemoryPressure": ("NodeHasInsufficientMemory", "NodeHasSufficientMemory"),
        "DiskPressure": ("NodeHasDiskPressure", "NodeHasNoDiskPressure"),
        "PIDPressure": ("NodeHasInsufficientPID", "NodeHasSufficientPID"),
        "Ready": ("NodeReady", "NodeNotReady"),
    ]

    private func note(_ kind: EventNote.Kind, _ reason: String, _ message: String) -> EventNote {
        let reference = ObjectReference.with {
            $0.kind = "Node"
            $0.name = node
            // Upstream's kubelet names the node twice: it may not know the object yet. `kubectl describe` asks for both.
            $0.uid = node
        }
        return EventNote(reference, kind, reason: reason, message)
    }
}
